"""What the documents say exists, exists: the files that they link to, the headings within them, and the paths that they
name in backticks. Every program in them has a name, by which tests/docs builds it.

documents.py ROOT PROGRAM...    PROGRAM: the names that are built
"""
import pathlib
import re
import sys

from snippets import blocks

ROOMS = ("include", "src", "ports", "tests", "bench", "docs", "examples", "tools", "cmake")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"`((?:%s)/[^`\s]*)`" % "|".join(ROOMS))
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def documents(root):
    return sorted([*root.glob("*.md"), *(it for room in ROOMS for it in (root / room).rglob("*.md"))])


def anchors(document):
    """The headings, as a forge makes anchors of them."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", document.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def expanded(path):
    """The paths that one with alternatives, as a/{b,c}.hpp, stands for."""
    alternatives = re.search(r"\{([^{}]*)\}", path)
    if not alternatives:
        return [path]
    return [whole for it in alternatives[1].split(",")
            for whole in expanded(path[:alternatives.start()] + it + path[alternatives.end():])]


def wrong_links(root, document, text):
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        if not target.exists():
            yield f"links to {link}, which does not exist"
        elif root not in (target.resolve(), *target.resolve().parents):
            yield f"links to {link}, which lies outside the repository"
        elif anchor and anchor not in anchors(target):
            yield f"links to {link}, and there is no such heading"


def exists(root, path):
    """A word in capitals, as in a/NAME.hpp, stands for any; but documents have such names."""
    if not path.endswith(".md"):
        path = re.sub(r"(?<![A-Za-z])[A-Z]{3,}(?![A-Za-z])", "*", path)
    return any(root.glob(path.rstrip("/")))


def wrong_paths(root, text):
    for path in PATH.findall(text):
        for it in expanded(path.rstrip(".,:")):
            if not exists(root, it):
                yield f"names {it}, which does not exist"


def wrong_programs(text, built):
    for name, language, _ in blocks(text):
        if language in ("c", "cpp") and name is None:
            yield f"has a program in {language} without a name: put <!-- test: NAME --> in front of it"
        elif name is not None and name not in built:
            yield f"has a program {name}, which tests/docs/CMakeLists.txt does not build"


def main():
    root, built = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    wrong, count = 0, 0
    for document in documents(root):
        text = document.read_text(encoding="utf-8")
        count += 1
        for what in (*wrong_links(root, document, FENCED.sub("", text)), *wrong_paths(root, text),
                     *wrong_programs(text, built)):
            print(f"{document.relative_to(root)}: {what}")
            wrong += 1
    print(f"{count} documents, {wrong} mistakes")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main())
