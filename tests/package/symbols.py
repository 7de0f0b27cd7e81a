#!/usr/bin/env python3
"""Compares the symbols that a shared library exports with the list that is stored for them.

symbols.py LIST LIBRARY   exit code 1, and the differences, where they are not the same
symbols.py --update       writes all lists anew, from what ./dev package has built

A list has a line for each symbol, demangled, so that a reader sees what it is. C++ has two names for a constructor or a
destructor that read alike; such a line stands there twice.
"""

import difflib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LISTS = ROOT / "tests/package/symbols"
TREES = {"64": ROOT / "build/package", "32": ROOT / "build/package-m32"}


def exported(library):
    """The demangled names of the library's dynamic symbols, a line each."""
    listed = subprocess.run(["nm", "-DC", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    names = (line.split(" ", 2)[2] for line in listed.splitlines())
    return sorted(name.partition("@")[0] + "\n" for name in names)


def update():
    for old in LISTS.iterdir():
        old.unlink()
    for bits, tree in TREES.items():
        for library in tree.glob("libkmapper*.so"):
            (LISTS / f"{library.stem}.{bits}").write_text("".join(exported(library)))


def compare(stored, library):
    before = stored.read_text().splitlines(keepends=True) if stored.exists() else []
    now = exported(library)
    if before == now:
        return 0
    sys.stdout.writelines(difflib.unified_diff(before, now, "listed", "exported", n=0))
    print(f"{library} does not export what {stored.relative_to(ROOT)} lists.")
    print("docs/ABI.md says what may change in which version. Where it is meant: tests/package/symbols.py --update")
    return 1


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    elif len(sys.argv) == 3:
        sys.exit(compare(Path(sys.argv[1]).resolve(), sys.argv[2]))
    else:
        sys.exit(__doc__)
