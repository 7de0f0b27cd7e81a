"""The programs in the documents. A fenced block that a comment names is a program of that name:

    <!-- test: NAME -->
    ```cpp
    ...

snippets.py FILE NAME OUTPUT    writes the program to a file
"""
import pathlib
import re
import sys

BLOCK = re.compile(r"^(?:<!-- test: (?P<name>\w+) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$",
                   re.MULTILINE | re.DOTALL)


def blocks(text):
    """Every fenced block that has a language: its name or None, its language, its text."""
    return [(it["name"], it["language"], it["text"]) for it in BLOCK.finditer(text)]


def program(file, name):
    """The text of the one program of that name."""
    found = [text for its_name, _, text in blocks(pathlib.Path(file).read_text(encoding="utf-8")) if its_name == name]
    if len(found) != 1:
        sys.exit(f"{file}: has {len(found)} programs of the name {name}, not one")
    return found[0]


if __name__ == "__main__":
    pathlib.Path(sys.argv[3]).write_text(program(sys.argv[1], sys.argv[2]), encoding="utf-8")
