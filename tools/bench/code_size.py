"""The size of the mapper's code in the kernel, and of what a hit executes of it."""
import pathlib
import re
import subprocess
from collections import Counter

from machine import measure
from report import BUILD, Report, failed

OPERATIONS = 4096
CACHE_LINE = 64


def output(*command: str | pathlib.Path) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def show_code(report: Report, machine: list[str]) -> None:
    """QEMU logs each instruction that the row hit-write executes. Those that almost every operation executes are the hit
    path, with the loop around it."""
    kernel = BUILD / "kernel" / "kmapper-kernel"
    sections = output("size", "-A", next(kernel.parent.rglob("highmem.cpp.obj")))
    text = sum(int(size) for size in re.findall(r"^\.text\S*\s+(\d+)", sections, re.MULTILINE))
    function = re.search(r"^(\w+) (\w+) .*run_batch<.*::Write>", output("nm", "--demangle", "--print-size", kernel), re.MULTILINE)
    if not function:
        failed("the kernel has no function for the row hit-write")
    first, size = int(function[1], 16), int(function[2], 16)

    trace = BUILD / "bench-kmapper-hit.trace"
    measure(machine, "kmapper-hit", f"job=bench slots=512 ops={OPERATIONS} batches=1", "-singlestep", "-d", "exec,nochain",
            "-dfilter", f"{first:#x}+{size:#x}", "-D", str(trace))
    with open(trace, encoding="utf-8") as lines:
        executed = Counter(int(line.split("/")[1], 16) & 0xFFFFFFFF for line in lines if line.startswith("Trace"))
    trace.unlink()
    listing = output("objdump", "--disassemble", "--no-show-raw-insn", f"--start-address={first:#x}",
                     f"--stop-address={first + size:#x}", kernel)
    starts = [int(address, 16) for address in re.findall(r"^\s*([0-9a-f]+):\s", listing, re.MULTILINE)]
    hot = [after - start for start, after in zip(starts, starts[1:]) if executed[start] > OPERATIONS]

    print(f"\ncode: the kernel platform's mapper has {text} bytes out of line; a hit (kmap, a write, kunmap, the bench's loop) "
          f"executes {len(hot)} instructions of {sum(hot)} bytes, {-(-sum(hot) // CACHE_LINE)} cache lines' worth")
    report.add("mapper, out of line", {"bytes": str(text)})
    report.add("hit with a write and the loop", {"bytes of code": str(sum(hot))})
