"""The bench `process`: the window in a Linux process beside what people use today.

bench/process_bench.cpp measures, in 64 and in 32 bits, and prints fields; this lays them out, and judges the aims. All
that was printed lies in build/bench-process.log; build/bench-process.md has it as tables, of which docs/BENCHMARKS.md
is the summary.
"""
import datetime
import platform
import subprocess

from report import BUILD, Report, failed, judged, load_average, meets, this_machine

LOG = BUILD / "bench-process.log"
WIDTHS = {"release": (64, 8192), "m32-release": (32, 4096)}  # bits, and MiB of a file


def run(report: Report, depth: str, only: str, free_mib: int, presets: list[str]) -> None:
    show_caption()
    lines: list[list[str]] = []
    with open(LOG, "w", encoding="utf-8") as log:
        for preset in presets:
            bits, mib = WIDTHS[preset]
            mib = file_mib(256 if depth == "quick" else mib, free_mib)
            print(f"\n{bits} bits: files of {mib} MiB, budgets of {mib // 16} MiB; {free_mib} MiB of memory are free")
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
  loads    uniform: any granule, a line (64 bytes) of each of its pages is read. zipf: 64 bytes of a granule, Zipf 0.99. 90/10: the
           same, nine of ten in a tenth of the granules. scan: every byte, per 4 KiB. writes: 64 bytes anywhere; 256, then
           a sync: fdatasync, for all of them, after the cache has written back what was written to it
  figures  ns an operation: the median, and the quartiles in brackets; x: to the window's, a dash where the spreads overlap. Of
           one thread: for how long it ran, but writes: how long it took. Of two threads, each on a CPU of its own: how long
           an operation of both together took. calls, faults: an operation of one thread. memory: the most that was
           resident, page tables too, to the budget, a sixteenth of the file""")


def show(line: list[str], last: str) -> str:
    """Shows a line of the program's, in a table of the contest `last` or a new one; returns that contest's name."""
    layout = "{} {:>24} {:>8} {:>24} {:>8} {:>6} {:>7} {:>7}"
    match line:
        case ["hit", _, what, *figures]:
            print(f"  {what:<30} {spread(figures):>24} ns")
        case ["row", _, what, name, *fields]:
            if what != last:
                print(layout.format(f"  {what:<30}", "1 thread, ns", "", "2 threads, ns", "", "calls", "faults", "memory"))
            one, two = ((spread(at[:3]), at[3] if at[3] == "-" else f"x{at[3]}") for at in (fields, fields[4:]))
            print(layout.format(f"    {name:<28}", *one, *two, *fields[8:]))
            return what
        case ["note", _, what, *_]:
            print(f"  note: {what}")
    return last


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
        case ["hit", bits, what, median, *_]:
            report.add(f"{bits} bits, {what}", {"ns": median})
        case ["row", bits, what, name, one, _, _, _, two, _, _, _, calls, faults, memory]:
            for kind, unit, value in (("1 thread", "ns", one), ("2 threads", "ns", two), ("system calls", "an operation", calls),
                                      ("faults", "an operation", faults), ("memory", "to the budget", memory)):
                report.add(f"{bits} bits, {what}, {name}, {kind}", {unit: value})


def markdown(lines: list[list[str]]) -> str:
    """As tables: the times, what they are made of, and the aims."""
    hits, aims = [], []
    contests: dict[tuple[str, str], dict[str, list[str]]] = {}  # by bits and name: the contenders' fields
    for line in lines:
        match line:
            case ["hit", bits, what, *figures]:
                hits.append([bits, what, brief_spread(figures)])
            case ["row", bits, what, name, *fields]:
                contests.setdefault((bits, what), {})[name] = fields
            case ["aim", bits, what, *figures, aim]:
                ratio = "{:.2f} ({:.2f} to {:.2f})".format(*map(float, figures))
                aims.append([bits, what, ratio, aim, "met" if meets(float(figures[0]), aim) else "missed"])
    names = list(dict.fromkeys(name for contest in contests.values() for name in contest))

    def cells(cell) -> list[list[str]]:
        return [[*contest, *(cell(rows[name]) if name in rows else "" for name in names)]
                for contest, rows in contests.items()]

    rule = "---: ---" + " ---:" * len(names)
    return "".join([
        table(["bits", "hits", "ns"], "---: --- ---:", hits),
        table(["bits", "ns, 1 thread / 2 threads", *names], rule,
              cells(lambda fields: f"{brief_spread(fields)} / {brief_spread(fields[4:])}")),
        table(["bits", "system calls / faults / memory", *names], rule,
              cells(lambda fields: " / ".join(fields[8:]))),
        table(["bits", "aim of", "ratio", "aim", "verdict"], "---: --- ---: ---: ---", aims),
        "\n"])


def table(head: list[str], rule: str, rows: list[list[str]]) -> str:
    return "\n" + "".join(f"| {' | '.join(row)} |\n" for row in (head, rule.split(), *rows))


def brief_spread(figures: list[str]) -> str:
    """The median, and in brackets how far the quartiles are apart."""
    median, lower, upper = map(float, figures[:3])
    return f"{brief(median)} ({brief(upper - lower)})"


def brief(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}" if value < 1000 else str(int(value))
