"""Measures what ./dev bench has built, which calls it: python3 tools/bench WORD..., as main() reads them.

MACHINE stands for the words that start QEMU, and `end` for the end of the last bench.
"""
import signal
import sys

import hosted
import kernel
import linux
import process
from report import Report


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.stdout.reconfigure(line_buffering=True)
    report = Report(sys.argv[1])
    match sys.argv[1:]:
        case ["kernel", *machine]:
            kernel.run(report, machine)
        case ["core" | "highmem" as name]:
            hosted.run(report, name)
        case ["process", "quick" | "full" as depth, only, free_mib, *presets]:
            process.run(report, depth, only, int(free_mib), presets)
        case ["linux", *machine]:
            linux.run(report, machine)
        case ["end", *files]:
            if missed := report.missed():
                print(f"{missed} of the aims were missed")
            for file in files:
                report.save(file)
    report.save()


if __name__ == "__main__":
    main()
