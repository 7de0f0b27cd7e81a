"""The bench `core`: what bench/core_bench.cpp prints, judged."""
import subprocess

from report import BUILD, Report, judged


def run(report: Report) -> None:
    print("core: on this machine, in one run")
    program = BUILD / "release" / "bench" / "core_bench"
    for line in subprocess.run([program], stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines():
        row, figure, unit, aim = line.split("\t")
        aim = None if aim == "-" else aim
        print(f"  {row:<40} {figure:>10} {unit:<6} {judged(figure, aim)}")
        report.add(row, {unit: figure}, aim)
