#!/usr/bin/env python3
"""usage: check_mistakes.py [--addr2line PROGRAM] [--only NUMBER] SOURCE... -- PROGRAM

Runs a piece of kernel code as it is right, and then with each of its mistakes, which comments in its sources name:

    kunmap(page); /* mistake 3: kunmap of a page that was never kmapped */

A comment on a line of its own, or behind "if (...)" or "else", speaks of the next line of code. The report has to have
the words of the comment ("..." stands for any), and to name the comment's line: the first that is not one of kmapper's
headers. A mistake with several comments has as many reports. As it is right, the program says nothing and leaves
nothing behind. PROGRAM may be several words, as of an emulator.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys

COMMENT = re.compile(r"/\* mistake (\d+): (.*?) \*/")
PLANTED = re.compile(r"mistake [!=]= (\d+)")
PLACE = re.compile(r"(?:(?:\S+) in )?(\S+) (0x[0-9a-f]+)$")
OF_THE_CALL = re.compile(r"(?:at|called from) ")
OF_A_LEAK = re.compile(r"\S+(?: \S+)* by ")
LONGEST = 30  # seconds that a program may take


class Wanted:
    """A report that a mistake has to make."""

    def __init__(self, number, words, file, line):
        self.number = number
        self.words = words
        self.file = file
        self.line = line
        self.pattern = re.compile("kmapper: .*?" + ".*?".join(map(re.escape, words.split("..."))))


def comments_of(path):
    """The reports that the comments of a source ask for."""
    with open(path, encoding="utf-8") as source:
        lines = source.read().split("\n")
    for i, line in enumerate(lines):
        for comment in COMMENT.finditer(line):
            at = i
            if re.search(r"^\s*$|\)\s*$|\belse\s*$", line[: comment.start()]):
                at += 1
                while COMMENT.fullmatch(lines[at].strip()):
                    at += 1
            yield Wanted(int(comment[1]), comment[2], os.path.basename(path), at + 1)


def planted_in(paths):
    """The numbers of all mistakes that the code asks for."""
    numbers = set()
    for path in paths:
        with open(path, encoding="utf-8") as source:
            numbers.update(int(number) for number in PLANTED.findall(source.read()))
    return numbers


def run(command, number):
    """The program's exit code, None if it does not end, and its reports."""
    environment = dict(os.environ, KMAPPER_LEAKS="1", KMAPPER_CHECK="full", KMAPPER_SLOTS="8")
    try:
        ended = subprocess.run([*command, str(number)], env=environment, stdin=subprocess.DEVNULL, timeout=LONGEST,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return ended.returncode, ended.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as expired:
        return None, (expired.stdout or b"").decode(errors="replace")


def place_in(report):
    """The file and the offset that a report names as the place of the mistake; None: no such."""
    wanted = OF_A_LEAK if report.startswith("kmapper: leak: ") else OF_THE_CALL
    for part in report.split("; ")[1:]:
        if wanted.match(part) and (place := PLACE.search(part)):
            return place[1], place[2]
    return None


def lines_of(addr2line, file, offset):
    """The lines at a place, the innermost first, each as FILE:LINE, without those of kmapper's headers."""
    said = subprocess.run([addr2line, "-ie", file, offset], capture_output=True, text=True, check=False).stdout
    places = [place.split(" (")[0] for place in said.splitlines()]
    return [place for place in places if "include/kmapper/linux/" not in place]


def wrong_with(number, wanted, command, addr2line):
    """What is wrong with a mistake's reports, as text; empty: nothing."""
    code, output = run(command, number)
    reports = [line for line in output.splitlines() if line.startswith("kmapper: ")]
    said = "".join(f"\n      {line}" for line in output.splitlines()[:6])
    if code is None:
        return f"the program does not end{said}"
    if not reports:
        return f"is not reported; the program ends with {code}{said}"
    if not any(each.pattern.match(reports[0]) for each in wanted):
        return f"the first report is not: {wanted[0].words}{said}"
    for each in wanted:
        report = next((line for line in reports if each.pattern.match(line)), None)
        if report is None:
            return f"is not reported as: {each.words}{said}"
        place = place_in(report)
        if place is None:
            return f"has no place{said}"
        lines = lines_of(addr2line, *place)
        # A call that the compiler made of several has no line: 0, or "?".
        right = [f"{each.file}:{line}" for line in (each.line, 0, "?")]
        if not lines or os.path.basename(lines[0]) not in right:
            return f"is not at {each.file}:{each.line}, but at {lines or place}{said}"
    return f"the program ends as if nothing were wrong{said}" if code == 0 else ""


def main():
    parser = argparse.ArgumentParser(usage=__doc__.partition("\n")[0].removeprefix("usage: "))
    parser.add_argument("--addr2line", default="addr2line")
    parser.add_argument("--only", type=int)
    parser.add_argument("sources", nargs="+", metavar="SOURCE")
    border = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    arguments = parser.parse_args(sys.argv[1:border])
    command = sys.argv[border + 1 :]
    if not command:
        parser.error("no program is named, behind --")

    wanted = {}
    for path in arguments.sources:
        for each in comments_of(path):
            wanted.setdefault(each.number, []).append(each)
    planted = planted_in(arguments.sources)
    failures = [f"mistake {number} is planted, but no comment names it" for number in sorted(planted - wanted.keys())]
    failures += [f"mistake {number} has a comment, but is not planted" for number in sorted(wanted.keys() - planted)]
    if (right := run(command, 0)) != (0, ""):
        failures.append(f"without a mistake, the program ends with {right[0]}, and says:\n{right[1]}")
    if arguments.only is not None:
        wanted = {arguments.only: wanted[arguments.only]}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        numbers = sorted(wanted)
        wrong_with_each = pool.map(lambda number: wrong_with(number, wanted[number], command, arguments.addr2line), numbers)
        for number, wrong in zip(numbers, wrong_with_each):
            if wrong:
                failures.append(f"mistake {number} {wrong}")
    print(*failures, f"{len(wanted)} mistakes, {len(failures)} failures", sep="\n")
    return 1 if failures else 0


sys.exit(main())
