"""Boots kernels in QEMU, and reads the figures that they print."""
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

from report import BUILD, failed


class Figure(NamedTuple):
    """A line "bench ROW VALUE [NAME=VALUE...]", "tlb ROW NAME=VALUE..." or "scale ROW NAME=VALUE..."."""

    kind: str
    row: str
    value: str
    others: dict[str, str]


def figures(log: str) -> Iterator[Figure]:
    for line in log.splitlines():
        match line.split():
            case ["bench" | "scale" | "tlb" as kind, row, *words]:
                value = next((word for word in words if "=" not in word), "")
                yield Figure(kind, row, value, dict(word.split("=", 1) for word in words if "=" in word))


def figure(log: str, row: str, cpus: int | None = None) -> Figure:
    """The figure of that row: on so many CPUs, if it is one of job=scale."""
    for it in figures(log):
        if it.row == row and it.others.get("cpus") == (cpus and str(cpus)):
            return it
    failed(f"the kernel measured no row {row}" + (f" on {cpus} CPUs" if cpus else ""))


def measure(machine: list[str], name: str, append: str, *options: str) -> str:
    """Boots the machine, QEMU's command line, with these words for the kernel and more options. Returns what it says, which
    goes to build/bench-NAME.log as well."""
    path = BUILD / f"bench-{name}.log"
    with open(path, "wb") as log:
        command = ["timeout", "600", *machine, *options, "-append", append]
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False).returncode
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines() or [""]
    if status != 1 or not lines[-1].startswith("PASS"):
        print(*lines[-15:], sep="\n", file=sys.stderr)
        failed(f"the bench's machine ended with QEMU's exit code {status}, not with PASS (all it said: {path})")
    return text
