#!/usr/bin/env python3
"""Compiles the headers of include/kmapper/linux: each alone, and all in random orders, in C and C++.

headers_compile.py INCLUDE COMPILER... -- FLAG...

INCLUDE: the folder include/. Each is a compiler for C, which compiles C++ with `-x c++`. The flags are for all of them.
Prints what fails, and exits with 1 then.
"""

import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MODES = [
    ["-x", "c", "-std=gnu89"],
    ["-x", "c", "-std=gnu11"],
    ["-x", "c", "-std=gnu17", "-pedantic"],
    ["-x", "c++", "-std=c++20"],  # g++ defines _GNU_SOURCE
]
ORDERS = 4
# Those for pages need nothing but ISO C of the program that includes them.
STRICT = ["-x", "c", "-std=c99", "-pedantic"]
FOR_PAGES = {f"linux/{name}.h" for name in
             ("bvec", "gfp", "highmem", "mm", "page-flags", "pagemap", "preempt", "scatterlist", "slab", "vmalloc")}
# Before and behind kernel code there may be headers of libc, and C++ has its own.
LIBC = ["stdio.h", "stdlib.h", "string.h", "pthread.h", "sys/param.h", "sys/stat.h", "fcntl.h", "math.h", "time.h",
        "sys/socket.h", "linux/types.h", "linux/kernel.h", "linux/fs.h", "linux/errno.h", "linux/string.h",
        "linux/module.h", "linux/sched.h", "linux/stddef.h", "linux/time.h", "linux/uio.h", "linux/poll.h"]
CXX = ["algorithm", "atomic", "functional", "map", "memory", "mutex", "numeric", "random", "string", "thread", "vector"]


def include(names):
    return "".join(f"#include <{name}>\n" for name in names) + "int kmapper_nothing_else;\n"


def programs(headers):
    """A name, the mode, and the text of each program."""
    for header in FOR_PAGES.intersection(headers):
        yield f"{header} alone", STRICT, include([header])
    for mode in MODES:
        own = CXX if "c++" in mode else []
        for header in headers:
            yield f"{header} alone", mode, include([header])
        for seed in range(ORDERS):
            order = random.Random(seed).sample(headers, len(headers))
            yield f"order {seed}", mode, include(order)
        yield "kernel_stubs.h before libc", mode, include(["linux/kernel_stubs.h", *LIBC, *own])
        yield "kernel_stubs.h behind libc", mode, include([*own, *LIBC[:11], "linux/kernel_stubs.h"])


def failure(compiler, flags, program):
    name, mode, text = program
    command = [compiler, *flags, *mode, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return done.returncode and f"{name}: {' '.join(command)}\n{done.stderr[:3000]}"


def main(folder, arguments):
    split = arguments.index("--")
    compilers, flags = arguments[:split], arguments[split + 1:]
    flags = [*flags, f"-I{folder}", f"-I{folder}/kmapper"]
    root = folder / "kmapper"
    headers = sorted(str(path.relative_to(root)) for path in (root / "linux").rglob("*.h"))
    shadowed = [name for name in headers if Path("/usr/include", name).exists()]
    failures = [f"{name} hides a header of the system" for name in shadowed]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for compiler in compilers:
            failures += filter(None, pool.map(lambda it: failure(compiler, flags, it), programs(headers)))
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
