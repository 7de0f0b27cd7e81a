"""The bench `process`: the window in a Linux process beside what people use today.

bench/process_bench.cpp measures, in 64 and in 32 bits, and prints fields; this lays them out, and judges the aims. All
that was printed lies in build/bench-process.log; build/bench-process.md has it as tables, for docs/BENCHMARKS.md.
"""
import datetime
import platform
import subprocess

from report import BUILD, Report, failed, judged, load_average, meets, this_machine

LOG = BUILD / "bench-process.log"
WIDTHS = {"release": (64, 4096), "m32-release": (32, 2048)}  # bits, and MiB of a file


def run(report: Report, depth: str, only: str, free_mib: int, presets: list[str]) -> None:
    show_caption()
    lines: list[list[str]] = []
    with open(LOG, "w", encoding="utf-8") as log:
        for preset in presets:
            bits, mib = WIDTHS[preset]
            mib = file_mib(256 if depth == "quick" else mib, free_mib)
            print(f"\n{bits} bits: files of {mib} MiB; {free_mib} MiB of memory are free")
            lines += measure([str(BUILD / preset / "bench" / "process_bench"), str(mib), depth, only], bits, log)
    if "m32-release" not in presets:
        print("\n32 bits: no figures, because this machine does not run 32-bit programs itself")
    show_aims(lines)
    for line in lines:
        keep(report, line)
    (BUILD / "bench-process.md").write_text(markdown(lines), encoding="utf-8")


def file_mib(mib: int, free_mib: int) -> int:
    """How large the files are: as large as that, or as the free memory allows."""
    while mib > 64 and mib * 5 // 4 + 1024 > free_mib:
        mib //= 2
    return mib


def measure(command: list[str], bits: int, log) -> list[list[str]]:
    """Runs it, and shows its rows as they come."""
    lines, last = [], ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        for text in program.stdout:
            log.write(text)
            lines.append(text.rstrip("\n").split("\t"))
            last = show(lines[-1], last)
    if program.returncode != 0:
        failed(f"the bench's program for {bits} bits has failed")
    return lines


def show_caption() -> None:
    print(f"""\
process: the window in a Linux process, {datetime.date.today()}, ./dev bench process
  machine  Linux {platform.release()} on {this_machine()}; load {load_average()} at the start
  prices   what system calls and faults alone take, before any contender
  rows     file, granule, budget (a part of the file), load
  loads    uniform: any granule, a line (64 bytes) of each of its pages is read. zipf: 64 bytes of a granule, Zipf 0.99. 90/10: the
           same, nine of ten in a tenth of the granules. scan: every byte, per 4 KiB. zipf beside a scan: after 256 accesses, the
           same thread scans a MiB; only the accesses count. writes: 64 bytes anywhere; 256, then a sync: fdatasync, for all of
           them, after a cache has written back what was written to it. uncached: 64 bytes anywhere; nothing of the file is in
           memory when a round begins
  figures  ns an operation: the median, and the quartiles in brackets; x: to the window's, a dash where the spreads overlap. Of
           one thread: for how long it ran, but writes and uncached: how long it took. Of more threads: how long an operation
           of all together took. calls, faults: an operation of one thread. memory: the most that was resident, page tables
           too, to the budget""")


def show(line: list[str], last: str) -> str:
    """Shows a line of the program's, in a table of the contest `last` or a new one; returns that contest's name."""
    match line:
        case ["price" | "together", _, file, what, *figures]:
            print(f"  {f'{file}, {what}':<42} {spread(figures):>24} ns")
        case ["hit", _, what, *figures]:
            print(f"  {what:<42} {spread(figures):>24} ns")
        case ["row", _, what, name, calls, faults, memory, *fields]:
            groups = by_threads(fields)
            if what != last:
                heads = "".join(f" {threads(group[0]) + ', ns':>24}         " for group in groups)
                print(f"  {what}\n    {'':<14}{heads} {'calls':>6} {'faults':>7} {'memory':>7}")
            cells = "".join(f" {spread(group[1:4]):>24} {times(group[4]):>8}" for group in groups)
            print(f"    {name:<14}{cells} {calls:>6} {faults:>7} {memory:>7}")
            return what
        case ["best", _, what, count, name, *ratio]:
            print(f"    the best contender within the budget, {threads(count)}: {name}, x{spread(ratio)}")
        case ["note", _, what]:
            print(f"  note: {what}")
    return last


def by_threads(fields: list[str]) -> list[list[str]]:
    """For each number of threads: that number, a median, its quartiles, its ratio to the window's."""
    return [fields[at:at + 5] for at in range(0, len(fields), 5)]


def threads(count: str) -> str:
    return f"{count} thread{'' if count == '1' else 's'}"


def times(ratio: str) -> str:
    return ratio if ratio == "-" else f"x{ratio}"


def spread(figures: list[str]) -> str:
    """A median, and the quartiles below and above it."""
    return "{} [{}-{}]".format(*(f"{it:.2f}" if round(it) < 10 else f"{it:.0f}" for it in map(float, figures)))


def show_aims(lines: list[list[str]]) -> None:
    """Of both widths."""
    print("\nprocess: aims; ratios of the rounds, the median and the quartiles")
    for line in lines:
        match line:
            case ["aim", bits, what, *figures, aim]:
                ratio = "{:6.2f} [{:.2f}-{:.2f}]".format(*map(float, figures))
                print(f"  {bits} bits, {what:<90} {ratio}  {judged(figures[0], aim)}")


def keep(report: Report, line: list[str]) -> None:
    """For --json."""
    match line:
        case ["aim", bits, what, median, _, _, aim]:
            report.add(f"{bits} bits, {what}", {"ratio": median}, aim)
        case ["price" | "together", bits, file, what, median, *_]:
            report.add(f"{bits} bits, {file}, {what}", {"ns": median})
        case ["hit", bits, what, median, *_]:
            report.add(f"{bits} bits, {what}", {"ns": median})
        case ["best", bits, what, count, name, ratio, *_]:
            report.add(f"{bits} bits, {what}, {threads(count)}, {name} to automatic", {"ratio": ratio})
        case ["row", bits, what, name, calls, faults, memory, *fields]:
            for kind, unit, value in (("system calls", "an operation", calls), ("faults", "an operation", faults),
                                      ("memory", "to the budget", memory),
                                      *((threads(count), "ns", median) for count, median, *_ in by_threads(fields))):
                report.add(f"{bits} bits, {what}, {name}, {kind}", {unit: value})


def markdown(lines: list[list[str]]) -> str:
    """As tables: prices, hits, several at once, the times, their spreads, what they are made of, the best contenders, aims and notes."""
    contests = Contests(lines)
    prices: dict[tuple[str, str], dict[str, str]] = {}  # by bits and file
    hits, together, aims, notes = [], [], [], []
    for line in lines:
        match line:
            case ["price", bits, file, what, *figures]:
                prices.setdefault((bits, file), {})[what] = brief_spread(figures)
            case ["hit", bits, what, *figures]:
                hits.append([bits, what, brief_spread(figures)])
            case ["together", bits, file, what, *figures]:
                together.append([bits, f"{file}, {what}", brief_spread(figures)])
            case ["aim", bits, what, *figures, aim]:
                ratio = "{:.2f} ({:.2f} to {:.2f})".format(*map(float, figures))
                aims.append([bits, what, ratio, aim, "met" if meets(float(figures[0]), aim) else "missed"])
            case ["note", bits, what]:
                notes.append(f"- {bits} bits, {what}\n")
    whats = list(dict.fromkeys(what for row in prices.values() for what in row))
    return "".join([
        table(["bits", "ns, by system calls alone", *whats], "---: ---" + " ---:" * len(whats),
              [[*file, *(row.get(what, "") for what in whats)] for file, row in prices.items()]),
        table(["bits", "hits", "ns"], "---: --- ---:", hits),
        table(["bits", "several at once", "ns a page"], "---: --- ---:", together),
        contests.table("ns", lambda row: " / ".join(brief(float(group[1])) for group in by_threads(row[3:]))),
        contests.table("quartiles apart, % of the median", lambda row: " / ".join(map(percent, by_threads(row[3:])))),
        contests.table("system calls / faults / memory", lambda row: " / ".join(row[:3])),
        contests.bests(),
        table(["bits", "aim of", "ratio", "aim", "verdict"], "---: --- ---: ---: ---", aims),
        "\n", *notes, "\n"])


class Contests:
    """Rows and best contenders, by bits and contest."""

    def __init__(self, lines: list[list[str]]) -> None:
        self.rows: dict[tuple[str, str], dict[str, list[str]]] = {}  # the contenders' fields
        self.best: dict[tuple[str, str], list[str]] = {}
        for line in lines:
            match line:
                case ["row", bits, what, name, *fields]:
                    self.rows.setdefault((bits, what), {})[name] = fields
                case ["best", bits, what, _, name, ratio, *_]:
                    self.best.setdefault((bits, what), []).append(f"{name} {float(ratio):.2f}")

    def table(self, unit: str, cell) -> str:
        """Cells of all contenders; a dash where one did not take part."""
        names = list(dict.fromkeys(name for row in self.rows.values() for name in row))
        return table(["bits", f"{unit}, {self.counts()}", *names], "---: ---" + " ---:" * len(names),
                     [[*contest, *(cell(row[name]) if name in row else "-" for name in names)]
                      for contest, row in self.rows.items()])

    def bests(self) -> str:
        return table(["bits", f"the best contender, and its time to the window's, {self.counts()}", ""], "---: --- ---",
                     [[*contest, " / ".join(cells)] for contest, cells in self.best.items()])

    def counts(self) -> str:
        counts = dict.fromkeys(group[0] for row in self.rows.values() for fields in row.values()
                               for group in by_threads(fields[3:]))
        return " / ".join(counts) + " threads"


def table(head: list[str], rule: str, rows: list[list[str]]) -> str:
    return "\n" + "".join(f"| {' | '.join(row)} |\n" for row in (head, rule.split(), *rows))


def brief_spread(figures: list[str]) -> str:
    """The median, and in brackets how far the quartiles are apart."""
    median, lower, upper = map(float, figures[:3])
    return f"{brief(median)} ({brief(upper - lower)})"


def brief(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{round(value):,}"


def percent(group: list[str]) -> str:
    median, lower, upper = map(float, group[1:4])
    return f"{100 * (upper - lower) / median:.0f}"
