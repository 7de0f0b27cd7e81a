#!/usr/bin/env python3
"""Checks that docs/KERNEL_NAMES.md lists each macro and function of the headers in include/kmapper/linux.

names_are_listed.py ROOT COMPILER [FLAG...]

The document may list several names as one pattern: `{get,put}_page`. Names that begin with kmapper are the headers'
own. With --print, prints the names of each header instead.
"""

import itertools
import re
import subprocess
import sys
from pathlib import Path

# What these headers define for others to see that it is there already.
GUARDS = re.compile(r"_H_*$")
OWN = re.compile(r"_*kmapper", re.IGNORECASE)
PATTERN = re.compile(r"[A-Za-z0-9_]*(?:\{[A-Za-z0-9_,]+\}[A-Za-z0-9_]*)+|[A-Za-z_][A-Za-z0-9_]*")


def preprocessed(compiler, root, headers):
    """The text of each header, with its own macros kept as #define lines, and used where they are used."""
    program = "".join(f"#include <{header}>\n" for header in headers)
    command = [*compiler, f"-I{root}/include", f"-I{root}/include/kmapper", "-D_GNU_SOURCE", "-x", "c", "-std=gnu17",
               "-E", "-dD", "-"]
    text = subprocess.run(command, input=program, capture_output=True, text=True, check=True).stdout
    parts = {}
    name = ""
    for line in text.splitlines():
        marker = re.match(r'# \d+ "([^"]*)"', line)
        if marker:
            name = marker[1].partition("include/kmapper/")[2]
        elif name.startswith("linux/"):
            parts.setdefault(name, []).append(line)
    return parts


def without_bodies(text):
    depth = 0
    kept = []
    for piece in re.split(r"([{}])", text):
        depth -= piece == "}"
        if depth == 0:
            kept.append(";" if piece in "{}" else piece)
        depth += piece == "{"
    return "".join(kept)


def without_attributes(text):
    """Without __attribute__((...)) and the like, whose parentheses nest."""
    while match := re.search(r"\b(__attribute__|__asm__|_Static_assert)\s*\(", text):
        end, depth = match.end(), 1
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        text = text[:match.start()] + text[end:]
    return text


def names_of(lines):
    macros = {match[1] for line in lines if (match := re.match(r"#define (\w+)", line))}
    code = "\n".join(line for line in lines if not line.startswith("#"))
    functions = set()
    for statement in without_bodies(without_attributes(code)).split(";"):
        match = re.search(r"(\w+)\s*\(", statement)
        if match and "typedef" not in statement:
            functions.add(match[1])
    names = {name for name in macros | functions if not OWN.match(name)}
    return {name for name in names if not (name in macros and GUARDS.search(name))}


def expanded(pattern):
    pieces = re.split(r"\{([^}]*)\}", pattern)
    choices = [piece.split(",") if i % 2 else [piece] for i, piece in enumerate(pieces)]
    return {"".join(choice) for choice in itertools.product(*choices)}


def listed(document):
    names = set()
    for pattern in PATTERN.findall(document.read_text()):
        names |= expanded(pattern)
    return names


def main(root, compiler, prints):
    folder = root / "include/kmapper"
    headers = sorted(str(path.relative_to(folder)) for path in (folder / "linux").rglob("*.h"))
    parts = preprocessed(compiler, root, headers)
    names = {header: names_of(parts.get(header, [])) for header in headers}
    if prints:
        for header, its in names.items():
            print(f"{header}: {' '.join(sorted(its))}\n")
        return 0
    document = root / "docs/KERNEL_NAMES.md"
    there = listed(document)
    missing = [f"{document}: {header}: {' '.join(sorted(its - there))}" for header, its in names.items() if its - there]
    text = document.read_text()
    missing += [f"{document}: no header {header}" for header in headers if Path(header).name not in text]
    print("\n".join(missing))
    return 1 if missing or sum(map(len, names.values())) < 500 else 0


if __name__ == "__main__":
    arguments = [it for it in sys.argv[1:] if it != "--print"]
    sys.exit(main(Path(arguments[0]), arguments[1:], "--print" in sys.argv))
