#!/usr/bin/env python3
"""Makes the pages that are installed in section 3 of the manual of those that Doxygen writes.

manual.py DOXYGENS_FOLDER FOLDER

Doxygen writes a page for each class and for each header. Here each C function gets a page of its own, cut out of its
header's: kmapper_window_map(3), and kmapper_linux_kmap(3) for kmap(), so that no page has a name that another package
may use. A header's page is kmapper_NAME(3). The pages of folders, and of names without such a prefix, are left out. No page
has a date, so that packages that were built on different days are the same.
"""

import gzip
import re
import sys
from pathlib import Path

PAGE = """.TH "{name}" 3 "" "{version}" "kmapper" \\" -*- nroff -*-
.ad l
.nh
.SH NAME
{name} \\- {brief}
.SH SYNOPSIS
.PP
\\fC#include <{header}>\\fP
.PP
{declaration}
.SH DESCRIPTION
{description}
.SH "SEE ALSO"
{see}
"""


def functions(page):
    """Name, declaration and description of each function that a header's page documents."""
    _, _, part = page.partition('.SH "Function Documentation"\n')
    part = part.partition("\n.SH ")[0]
    for section in part.split("\n.SS ")[1:]:
        declaration, _, description = section.partition("\n")
        declaration = declaration.strip('"')
        name = re.search(r"(\w+) \(", declaration)
        if name:
            yield name[1], declaration, description.strip()


def first_sentence(text):
    """Without fonts, as the NAME of a page, which whatis(1) reads, has none."""
    text = re.sub(r"^\.\w+.*\n?|\\f.", "", text, flags=re.M)
    return re.split(r"\\&\.(?:\s|$)", text.strip(), maxsplit=1)[0].replace("\n", " ")


def function_pages(page, header, header_page, version):
    """The name and the text of a page for each function; it refers to the one before, which "the same" speaks of."""
    see = ""
    for name, declaration, description in functions(page):
        page_name = name if name.startswith("kmapper_") else f"kmapper_linux_{name}"
        yield page_name, PAGE.format(
            name=page_name, version=version, header=header, declaration=declaration,
            brief=first_sentence(description) or f"a function of {header}",
            description=description or f"See {header_page}(3), and the functions beside it there.",
            see=f"{see}{header_page}(3)")
        see = f"{page_name}(3), "


def main(source, target):
    target.mkdir(parents=True)
    pages = {}
    for path in sorted(source.glob("*.3")):
        page = re.sub(r'^(\.TH "[^"]*" 3) "[^"]*"', r'\1 ""', path.read_text())
        title, version = re.match(r'\.TH "([^"]*)" 3 "" "([^"]*)"', page).groups()
        name = path.stem
        is_header = re.fullmatch(r"kmapper/.*\.(h|hpp)", title)
        if is_header and not name.startswith("kmapper"):
            name = f"kmapper_{name}"
        if not name.startswith("kmapper"):
            continue
        pages[name] = page
        if is_header and is_header[1] == "h":
            pages.update(function_pages(page, title, name, version))
    for name, page in pages.items():
        (target / f"{name}.3.gz").write_bytes(gzip.compress(page.encode(), 9, mtime=0))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
