"""The benches `core` and `highmem`: what a program of this machine prints, judged."""
import subprocess

from report import BUILD, Report, judged


def run(report: Report, name: str) -> None:
    print(f"{name}: on this machine, in one run")
    program = BUILD / "release" / "bench" / f"{name}_bench"
    for line in subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines():
        row, figure, unit, aim = line.split("\t")
        aim = None if aim == "-" else aim
        print(f"  {row:<40} {figure:>10} {unit:<6} {judged(figure, aim)}")
        report.add(row, {unit: figure}, aim)
