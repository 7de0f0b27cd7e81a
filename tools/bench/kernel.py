"""The bench `kernel`: what one operation costs in our kernel, and what several CPUs make of it."""
from machine import figure, measure
from report import Report, judged, load_average

# Each row, its aim at 512 slots in instructions, and what is done.
ROWS = (
    ("lowmem", "<= 8", "a page of low memory: the direct map"),
    ("hit", "<= 29", "one page, mapped all the time"),
    ("hit-write", None, "the same, written"),
    ("hit-256", "<= 32", "256 pages in turn, all of them mapped"),
    ("miss-4096", "<= 158", "4,096 pages in turn: none is mapped any more"),
    ("pinned-256", None, "the same, with 256 of the 512 slots pinned"),
    ("pinned-448", None, "the same, with 448 of them pinned"),
    ("pinned-496", "<= 158.5", "the same, with 496 of them pinned"),
    ("kmap-all-2", "<= 77", "kmap_all of two pages, both mapped"),
    ("local", "<= 50.1", "kmap_local, the same page"),
    ("local-4-deep", None, "the same, four on top of each other"),
    ("local-4096", None, "kmap_local, 4,096 pages in turn"),
    ("local-low", None, "kmap_local of a page of low memory"),
    ("memcpy-from-64", "<= 93", "memcpy_from_page of 64 bytes"),
    ("memcpy-to-64", "<= 93", "memcpy_to_page of 64 bytes"),
    ("clear-low", None, "clear_highpage of a page of low memory"),
    ("clear-high", "<= 1115", "clear_highpage: within 5 % of it"),
    ("copy-low", None, "copy_highpage of a page of low memory"),
    ("copy-high", "<= 1128", "copy_highpage: within 5 % of it"),
    ("vmap-1", "<= 387", "vmap, touch and vunmap of one page"),
    ("vmap-16", "<= 874", "the same of 16 pages: 54.6 a page"),
    ("miss-65536", "<= 158", "65,536 pages in turn"),
    ("mix-128-of-65536", "<= 46.7", "90 % of the accesses on 128 of 65,536 pages"),
    ("mix-99-128-of-65536", None, "99 % of them"),
    ("zipf-65536", None, "65,536 pages, the n-th as often as Zipf's law with the exponent 0.99 says"),
    ("kmap-65536-p50", None, "kmap alone, 65,536 pages in turn: the median"),
    ("kmap-65536-p99", "<= 380", "the 99th percentile"),
    ("kmap-65536-p99.9", "<= 400", "the 99.9th percentile"),
    ("kmap-65536-max", "<= 1500", "the most"),
)

# What several CPUs do at once, how much more of it two must do than one in the same time, and what it is.
SCALE_ROWS = (
    ("hits-own-pages", ">= 1.7", "hits, each CPU on 16 pages of its own"),
    ("hits-one-page", None, "hits, all on one page"),
    ("misses", ">= 1.7", "each CPU on pages of its own in turn: 16,384 for one CPU, 8,192 for each of two"),
    ("mix", ">= 0.8", "90 % of the accesses on the same 128 of 16,384 pages"),
)

# Interrupts for 1,000 misses: the most, by the number of slots.
INTERRUPTS = {512: "<= 4", 8192: "<= 1"}


def run(report: Report, machine: list[str]) -> None:
    counted = measure(machine, "instructions", "job=bench slots=512", "-smp", "4", "-icount", "shift=0")
    timed = measure(machine, "ns", "job=bench slots=512 unit=ns", "-smp", "4")
    show_operations(report, counted, timed)
    # In a machine of two CPUs, for times, and in one of four, for what they tell each other.
    logs = {slots: {cpus: measure(machine, f"scale-{cpus}-{slots}", f"job=scale slots={slots} ops={ops}",
                                  "-smp", str(cpus)) for cpus, ops in ((2, 262144), (4, 16384))}
            for slots in INTERRUPTS}
    show_scaling(report, logs[512][2])
    for slots, aim in INTERRUPTS.items():
        show_shootdowns(report, slots, aim, logs[slots])
    show_user(report, {cpus: measure(machine, f"user-{cpus}", "job=user slots=512", "-smp", str(cpus))
                       for cpus in (2, 4)})


def show_operations(report: Report, counted: str, timed: str) -> None:
    layout = "  {:<19} {:>12}  {:<18} {:>11} {:>10} {:>11}   {}"
    print("kernel: one map, touch and unmap; instructions under -icount shift=0, ns under TCG without it")
    print(layout.format("row", "instructions", "aim", "INVLPG/1000", "full/1000", "ns", "what is done"))
    for row, aim, about in ROWS:
        _, _, instructions, others = figure(counted, row)
        ns = figure(timed, row).value
        invlpgs, full = (others.get(name, "-") for name in ("invlpg/1000", "full/1000"))
        print(layout.format(row, instructions, judged(instructions, aim), invlpgs, full, ns, about))
        report.add(row, {"instructions": instructions}, aim)
        report.add(row, {"INVLPG/1000": invlpgs, "full flushes/1000": full, "ns": ns})


def show_scaling(report: Report, two_cpus: str) -> None:
    layout = "  {:<15} {:>24} {:>24} {:>12}  {:<15}   {}"
    print("\nkernel: all CPUs at once; ns for one operation of all together (least to most of 9 rounds), "
          f"load {load_average()}")
    print(layout.format("row", "1 CPU", "2 CPUs", "times 1 CPU", "aim", "what is done"))
    for row, aim, about in SCALE_ROWS:
        one, two = (figure(two_cpus, row, cpus).others for cpus in (1, 2))
        times = f"{float(one['ns']) / float(two['ns']):.2f}"
        spans = (f"{it['ns']} ({it['least']}-{it['most']})" for it in (one, two))
        print(layout.format(row, *spans, times, judged(times, aim), about))
        report.add(f"{row} on 1 CPU", {"ns": one["ns"]})
        report.add(f"{row} on 2 CPUs", {"ns": two["ns"]})
        report.add(f"{row} on 2 CPUs", {"times 1 CPU": times}, aim)


def show_shootdowns(report: Report, slots: int, aim: str, logs: dict[int, str]) -> None:
    layout = "  {:<15} {:>5} {:>11} {:>9}  {:<15} {:>13} {:>17} {:>11}"
    print(f"\nkernel: for 1,000 misses, {slots:,} slots")
    print(layout.format("row", "CPUs", "shootdowns", "IPIs", "aim", "IPIs avoided", "entries flushed", "full"))
    for row in ("misses", "mix"):
        for cpus, log in logs.items():
            others = figure(log, row, cpus).others
            told = [others.get(name, "-") for name in ("shootdowns", "ipis", "avoided", "invlpgs", "full")]
            own_aim = aim if row == "misses" and told[1] != "-" else None
            verdict = judged(told[1], own_aim) if own_aim else "-"
            print(layout.format(row, cpus, told[0], told[1], verdict, *told[2:]))
            name = f"{row} on {cpus} CPUs, {slots} slots"
            report.add(name, {"IPIs/1000 misses": told[1]}, own_aim)
            report.add(name, {"IPIs avoided/1000 misses": told[2], "entries flushed/1000 misses": told[3]})


def show_user(report: Report, logs: dict[int, str]) -> None:
    layout = "  {:>5} {:>12} {:>12} {:>8}  {:<15} {:>16}  {}"
    print("\nkernel: programs in ring 3 on all CPUs but one, which hits, or misses, all the time")
    print(layout.format("CPUs", "us, hits", "us, misses", "times", "aim", "IPIs/1000 misses", "aim"))
    for cpus, log in logs.items():
        others = figure(log, "user", cpus).others
        # With more CPUs than cores, the time is the host's.
        aim = "<= 1.02" if cpus == 2 else None
        print(layout.format(cpus, others["hits_us"], others["misses_us"], others["times"],
                            judged(others["times"], aim), others["ipis"], judged(others["ipis"], "<= 4")))
        report.add(f"ring 3 beside misses, {cpus} CPUs", {"times": others["times"]}, aim)
        report.add(f"ring 3 beside misses, {cpus} CPUs", {"IPIs/1000 misses": others["ipis"]}, "<= 4")
