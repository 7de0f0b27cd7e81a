"""The bench `linux`: kmapper beside Linux's own kmap, in one run on one machine.

A module of ours (bench/linux) runs the rows in Debian 12's i386 kernel, which bench/linux/prepare.sh has fetched; our
kernel's bench job runs those of the same names in kmapper.
"""
import datetime
import re
import statistics
import subprocess
import sys
from collections import defaultdict
from typing import NamedTuple

from code_size import show_code
from machine import figures, measure
from report import BUILD, Report, failed, load_average, meets, this_machine

FOLDER = BUILD / "linux"
ROUNDS = 9

# Every row, and what is done.
ROWS = {
    "lowmem": "a page of low memory",
    "hit": "one page, mapped all the time",
    "hit-write": "the same, written",
    "hit-256": "256 pages in turn, all of them mapped",
    "miss-4096": "4,096 pages in turn",
    "miss-65536": "65,536 pages in turn",
    "pinned-256": "4,096 pages in turn, 256 of 512 slots pinned",
    "pinned-448": "the same, 448 of them pinned",
    "pinned-496": "the same, 496 of them pinned",
    "mix-128-of-65536": "90 % of the accesses on 128 of 65,536 pages",
    "mix-99-128-of-65536": "99 % of them",
    "zipf-65536": "65,536 pages, Zipf 0.99",
    "local": "kmap_local of one page",
    "local-4-deep": "the same, four on top of each other",
    "local-4096": "kmap_local, 4,096 pages in turn",
    "memcpy-from-64": "memcpy_from_page of 64 bytes",
    "memcpy-to-64": "memcpy_to_page of 64 bytes",
    "clear-high": "clear_highpage",
    "copy-high": "copy_highpage",
    "vmap-1": "vmap, touch and vunmap of one page",
    "vmap-16": "the same of 16 pages, each touched",
    "kmap-65536-p50": "kmap alone, 65,536 pages in turn: the median",
    "kmap-65536-p99": "the 99th percentile",
    "kmap-65536-p99.9": "the 99.9th percentile",
    "kmap-65536-max": "the most",
    # A thread stays on each of 1 or 2 CPUs; the figure is for an operation of all of them together.
    "hits-own-pages-cpus-1": "one thread: hits on 16 pages",
    "hits-own-pages-cpus-2": "two threads: hits, 16 pages of its own each",
    "hits-one-page-cpus-1": "one thread, one page",
    "hits-one-page-cpus-2": "two threads, one page",
    "misses-cpus-1": "one thread: 2,048 pages in turn",
    "misses-cpus-2": "two threads: 2,048 pages of its own each",
    "mix-cpus-1": "one thread: 90 % on 128 of 16,384 pages",
    "mix-cpus-2": "two threads, the same pages",
}

# What is aimed at, at 512 slots: of which figure, in which row, what Linux's must at least be of ours; and the last of
# ours alone: what two CPUs must do more than one.
AIMS = (
    ("instructions", "hit", "10"), ("instructions", "miss-4096", "4"), ("instructions", "pinned-496", "6"),
    ("instructions", "mix-128-of-65536", "6"), ("instructions", "local", "4"), ("ns", "local", "2"),
    ("instructions", "memcpy-from-64", "3"), ("instructions", "vmap-16", "3"), ("instructions", "kmap-65536-p99.9", "40"),
    ("ns", "hits-own-pages-cpus-2", "3"), ("ns", "misses-cpus-2", "3"),
    ("own", "hits-own-pages", "1.01"), ("own", "misses", "1.01"),
)


class Boot(NamedTuple):
    key: str  # to whose figures it adds
    name: str  # of its log
    words: str  # for the kernel
    options: tuple[str, ...] = ()  # for QEMU


COUNTING, TWO_CPUS = ("-icount", "shift=0"), ("-smp", "2")
CPUS, MODULE_CPUS = "job=scale ops=16384 rounds=1", "kmap_bench.cpus=1 kmap_bench.ops=16384 kmap_bench.rounds=1"
# Under icount a second CPU starts only while the first executes PAUSE: there Linux leaves starting it to the module.
INSTRUCTIONS = (
    Boot("linux", "linux-instructions", "kmap_bench.tlb=1", COUNTING),
    Boot("linux", "linux-cpus-instructions", f"maxcpus=1 {MODULE_CPUS}", TWO_CPUS + COUNTING),
    Boot("linux flushes", "linux-cpus-flushes", f"{MODULE_CPUS} kmap_bench.tlb=1", TWO_CPUS),
    Boot("ours", "kmapper-instructions", "job=bench slots=512", COUNTING),
    Boot("ours", "kmapper-cpus-instructions", f"{CPUS} slots=512", TWO_CPUS + COUNTING),
    Boot("ours flushes", "kmapper-cpus-flushes", f"{CPUS} slots=512", TWO_CPUS),
    Boot("wide", "kmapper-8192-instructions", "job=bench slots=8192", COUNTING),
    Boot("wide", "kmapper-8192-cpus-instructions", f"{CPUS} slots=8192", TWO_CPUS + COUNTING),
)
# Both systems in turn, round for round.
NANOSECONDS = (
    Boot("linux", "linux-ns", "kmap_bench.ops=4096 kmap_bench.batches=15"),
    Boot("ours", "kmapper-ns", "job=bench slots=512 ops=4096 batches=15"),
    Boot("wide", "kmapper-8192-ns", "job=bench slots=8192 ops=4096 batches=15"),
    Boot("linux", "linux-cpus-ns", "kmap_bench.cpus=1 kmap_bench.ops=65536 kmap_bench.rounds=5", TWO_CPUS),
    Boot("ours", "kmapper-cpus-ns", "job=scale slots=512 ops=65536 rounds=5", TWO_CPUS),
    Boot("wide", "kmapper-8192-cpus-ns", "job=scale slots=8192 ops=65536 rounds=5", TWO_CPUS),
)

Ratios = dict[tuple[str, str], str]  # by figure and row, as they are printed


def run(report: Report, machine: list[str]) -> None:
    show_caption(machine)
    ratios = show_instructions(report, count_instructions(machine))
    ratios |= show_nanoseconds(report, *measure_nanoseconds(machine))
    judge(report, ratios)
    show_code(report, machine)


def show_caption(machine: list[str]) -> None:
    release, version = (FOLDER / "fetched").read_text().split()
    cpu, memory = (machine[machine.index(option) + 1] for option in ("-cpu", "-m"))
    qemu = subprocess.run(["qemu-system-x86_64", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    print(f"""\
linux: kmapper beside Linux {release} (Debian {version}), {datetime.date.today()}, ./dev bench linux
  machine  {qemu.splitlines()[0].replace("emulator version ", "")} with TCG, -cpu {cpu}, {memory.removesuffix("M")} MiB of memory,
           on {this_machine()}; load {load_average()} at the start
  one op   map a page, read one word of it, unmap it; kmap-65536-*: the call of kmap alone. The same loop without the
           operation is measured too, and subtracted; the cheapest of several batches counts, on both
  Linux    512 slots, as Debian ships it: one lock for all slots taken with interrupts off, preemption count, might_sleep,
           hash from page to address; on one CPU it takes the lock prefixes out of its own code
  kmapper  the build that people ship: SMP-safe (it keeps its locked instructions on one CPU), statistics on, misuse
           detected; hits without a lock; interrupt state, and whether the caller may sleep, only where a miss needs it""")


def start(machine: list[str], boot: Boot) -> str:
    if not boot.key.startswith("linux"):
        return measure(machine, boot.name, boot.words, *boot.options)
    release = (FOLDER / "fetched").read_text().split()[0]
    image = ("-kernel", f"{FOLDER}/root/boot/vmlinuz-{release}", "-initrd", f"{FOLDER}/initramfs.cpio")
    return measure(machine, boot.name, f"console=ttyS0 quiet nokaslr printk.time=0 {boot.words}", *image, *boot.options)


class Row(NamedTuple):
    value: str
    unit: str  # "counts" of the time-stamp counter, or "ns"
    flushes: str  # INVLPGs, full flushes and IPIs in 1,000 operations


NOTHING = Row("-", "-", "-")
Rows = dict[str, Row]


def read(log: str) -> Rows:
    """Rows of several CPUs have the loop's own cost subtracted here: each system prints it as the first of them. What Linux
    counts of flushes it prints as rows of their own, which are called "tlb ROW" here."""
    rows: Rows = {}
    loops: dict[str, float] = defaultdict(float)
    for kind, name, value, others in figures(log):
        unit = "counts"
        if kind == "tlb":
            name = f"tlb {name}"
        elif kind == "scale":
            name, value, unit = f"{name}-cpus-{others['cpus']}", others["ns"], "ns"
        base, _, cpus = name.partition("-cpus-")
        if cpus and value:
            if base == "loop":
                loops[cpus] = float(value)
            value = f"{float(value) - loops[cpus]:.2f}"
        rows[name] = Row(value, unit, flushes_per_1000(others))
    return rows


def flushes_per_1000(others: dict[str, str]) -> str:
    """For 1,000 operations. job=scale counts them for 1,000 misses; where IPIs are not counted there is one CPU."""
    if "misses" in others:
        misses = float(others["misses"])
        return "/".join(f"{float(others.get(name, 0)) * misses / 1000:.2f}" for name in ("invlpgs", "full", "ipis"))
    return "/".join((others.get("invlpg/1000", "-"), others.get("full/1000", "-"), others.get("ipi/1000", "0.00")))


def count_instructions(machine: list[str]) -> dict[str, Rows]:
    measured: dict[str, Rows] = defaultdict(dict)
    for boot in INSTRUCTIONS:
        measured[boot.key] |= read(start(machine, boot))
    clock = measured["linux"].get("instruction", NOTHING).value
    if clock != "1.00":
        failed(f"under -icount shift=0 the time-stamp counter says {clock} for one instruction, not 1.00")
    return measured


def show_instructions(report: Report, measured: dict[str, Rows]) -> Ratios:
    print("""
instructions an operation, under -icount shift=0; INVLPGs, full flushes and IPIs in 1,000 operations (an INVLPG, a CR3 or
CR4 load, an IPI and each turn of a rep count as one instruction; Linux's flushes are counted by kprobes in a pass of
their own). CPUs take turns under icount: the rows of two CPUs have their flushes and IPIs from a run without it""")
    layout = "  {:<21} {:>9} {:>9} {:>7} {:>9}  {:>17} {:>17}  {}"
    print(layout.format("row", "Linux", "kmapper", "ratio", "8,192", "Linux I/F/IPI", "kmapper I/F/IPI", "what is done"))
    ratios: Ratios = {}
    their_flushes, our_flushes = (measured[key] | measured[f"{key} flushes"] for key in ("linux", "ours"))
    for row, about in ROWS.items():
        theirs, ours, wide = (measured[key].get(row, NOTHING).value for key in ("linux", "ours", "wide"))
        if "-" in (theirs, ours):
            failed(f"a system measured no row {row}, in instructions")
        ratio = ratios["instructions", row] = f"{float(theirs) / float(ours):.2f}" if float(ours) > 0 else "-"
        flushes = their_flushes.get(f"tlb {row}", NOTHING).flushes, our_flushes[row].flushes
        print(layout.format(row, theirs, ours, ratio, wide, *flushes, about))
        report.add(row, {"instructions, Linux": theirs, "instructions, kmapper": ours,
                         "instructions, kmapper with 8192 slots": wide, "instructions, Linux / kmapper": ratio})
    return ratios


class Spread(NamedTuple):
    """The median of the rounds, and how far the quartiles are apart."""

    median: float
    width: float

    def times(self, other: "Spread") -> str:
        """How many times the other this is: a dash where either spread is more than they are apart."""
        is_clear = max(self.width, other.width) <= abs(self.median - other.median)
        return f"{self.median / other.median:.2f}" if other.median > 0 and is_clear else "-"

    def __str__(self) -> str:
        return f"{brief(self.median)} ({brief(self.width)})"


def brief(ns: float) -> str:
    return f"{ns:.2f}" if ns < 10 else f"{ns:.1f}" if ns < 100 else f"{ns:.0f}"


def spread(rounds: list[Rows], row: str, rate: float) -> Spread:
    """Of the logs that have that row, in ns."""
    rows = [rows[row] for rows in rounds if row in rows]
    values = sorted(float(it.value) * (1 if it.unit == "ns" else 1e9 / rate) for it in rows)
    if not values:
        failed(f"a system measured no row {row}, in ns")
    at = [values[int((len(values) - 1) * part + 0.5)] for part in (0.25, 0.5, 0.75)]
    return Spread(at[1], at[2] - at[0])


def measure_nanoseconds(machine: list[str]) -> tuple[dict[str, list[Rows]], float]:
    """Both systems count in the host's time-stamp counter, which kmapper measures against the timer chip. The median of
    what it found converts the counts of both."""
    measured: dict[str, list[Rows]] = defaultdict(list)
    rates = []
    for number in range(1, ROUNDS + 1):
        print(f"ns: round {number} of {ROUNDS}", file=sys.stderr)
        for boot in NANOSECONDS:
            log = start(machine, boot)
            measured[boot.key].append(read(log))
            if boot.name == "kmapper-ns":
                rates.append(int(re.search(r" slots; (\d+) counts a second", log)[1]))
    return measured, statistics.median(rates)


def show_nanoseconds(report: Report, measured: dict[str, list[Rows]], rate: float) -> Ratios:
    print(f"""
ns an operation, without icount; {ROUNDS} rounds, both systems in turn: the median, and in brackets what lies between
the quartiles; no ratio where that, on either side, is more than the medians are apart. Rows of 2 CPUs: for an
operation of both together; with perfect scaling they have half the figure of 1. Load {load_average()} at the end""")
    layout = "  {:<21} {!s:>18} {!s:>18} {:>7} {!s:>18}  {}"
    print(layout.format("row", "Linux", "kmapper", "ratio", "8,192", "what is done"))
    ratios: Ratios = {}
    for row, about in ROWS.items():
        theirs, ours, wide = (spread(measured[key], row, rate) for key in ("linux", "ours", "wide"))
        ratio = ratios["ns", row] = theirs.times(ours)
        print(layout.format(row, theirs, ours, ratio, wide, about))
        base, _, cpus = row.partition("-cpus-")
        if cpus == "2":
            ratios["own", base] = spread(measured["ours"], f"{base}-cpus-1", rate).times(ours)
        report.add(row, {
            "ns, Linux": brief(theirs.median), "ns between quartiles, Linux": brief(theirs.width),
            "ns, kmapper": brief(ours.median), "ns between quartiles, kmapper": brief(ours.width),
            "ns, kmapper with 8192 slots": brief(wide.median), "ns, Linux / kmapper": ratio})
    return ratios


def judge(report: Report, ratios: Ratios) -> None:
    print('\naims at 512 slots: how many times kmapper\'s figure Linux\'s is; "own": how much more two CPUs do than one in kmapper')
    layout = "  {:<13} {:<21} {:>8} {:>7}   {}"
    print(layout.format("figure", "row", "ratio", "aim", "verdict"))
    for figure, row, least in AIMS:
        ratio, aim = ratios[figure, row], f">= {least}"
        verdict = "no claim: the spread is more than the gap"
        if ratio != "-":
            verdict = "met" if meets(float(ratio), aim) else "missed"
        print(layout.format(figure, row, ratio, aim, verdict))
        report.add(row, {f"{figure}: ratio": ratio}, aim)
