"""What all benches share: a figure is judged by its aim, shown, and kept for --json."""
import json
import os
import pathlib
import sys
from typing import NoReturn

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
RESULTS = BUILD / "bench.json"


def failed(message: str) -> NoReturn:
    sys.exit(f"dev: {message}")


def meets(value: float, aim: str | None) -> bool:
    """Whether 34.0 meets "<= 32"; without an aim every value does."""
    if aim is None:
        return True
    relation, limit = aim.split()
    return value <= float(limit) if relation == "<=" else value >= float(limit)


def judged(value: str, aim: str | None) -> str:
    """The aim as tables show it: marked where the value misses it."""
    return (aim or "-") + ("" if meets(float(value), aim) else " (missed)")


def load_average() -> str:
    return pathlib.Path("/proc/loadavg").read_text().split()[0]


def this_machine() -> str:
    models = [line for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{len(os.sched_getaffinity(0))} CPUs of {models[0].split(': ', 1)[1] if models else ''}"


class Report:
    """The figures of a run of ./dev bench: build/bench.json, to which each bench adds its own."""

    def __init__(self, bench: str) -> None:
        self.bench = bench
        self.results: list[dict] = json.loads(RESULTS.read_text()) if RESULTS.exists() else []

    def add(self, row: str, figures: dict[str, str], aim: str | None = None) -> None:
        """Keeps figures, by their units, as they were printed. A dash is none: nothing was measured."""
        self.results += ({"bench": self.bench, "row": row, "value": float(value), "unit": unit, "aim": aim}
                         for unit, value in figures.items() if value != "-")

    def save(self, path: str | pathlib.Path | None = None) -> None:
        with open(path or RESULTS, "w", encoding="utf-8") as file:
            json.dump(self.results, file, indent=1)
            file.write("\n")

    def missed(self) -> int:
        return sum(not meets(result["value"], result["aim"]) for result in self.results)
