#!/usr/bin/env python3
"""Prints each include of a file from a room that its source must not know, and ends with 1 where there is one.

Run in the root of the tree.
"""
import pathlib
import re
import sys
from collections.abc import Iterator

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]')
# Where the compiler looks, after the source's own folder.
INCLUDE_FOLDERS = ("", "include", "src", "src/kernel/arch/i386/include", "tests", "bench")
# What is below the first folder includes nothing below the second, except what is below the third.
CLOSED = (
    (("include/", "src/"), ("tests/", "bench/", "examples/", "ports/"), ()),
    (("include/",), ("src/",), ()),
    (("src/process/",), ("src/linux/", "src/kernel/"), ()),
    (("src/linux/",), ("src/process/", "src/kernel/"), ()),
    (("src/kernel/",), ("src/process/", "src/linux/", "src/system/"), ()),
    (("src/system/",), ("src/process/", "src/linux/", "src/kernel/"), ()),
    (("include/kmapper/core/",), ("",), ("include/kmapper/core/",)),
)


def wrong_includes(source: pathlib.Path) -> Iterator[str]:
    folders = (source.parent, *map(pathlib.Path, INCLUDE_FOLDERS))
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), start=1):
        name = INCLUDE.match(line)
        found = name and next((folder / name[1] for folder in folders if (folder / name[1]).is_file()), None)
        target = str(found.resolve().relative_to(pathlib.Path.cwd())) if found else None  # else it is the system's
        if target and any(str(source).startswith(rooms) and target.startswith(others) and not target.startswith(allowed)
                          for rooms, others, allowed in CLOSED):
            yield f"{source}:{number}: includes {target}"


def main() -> int:
    sources = sorted(path for room in ("include", "src") for path in pathlib.Path(room).rglob("*.[chiS]*"))
    wrong = [f"{line}\n" for source in sources for line in wrong_includes(source)]
    print(*wrong, sep="", end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
