#!/usr/bin/env python3
"""Runs a command with its output in a log, and shows meanwhile how far it is.

progress.py --log FILE --what TEXT [--cpu FILE] COMMAND...

Ninja and CTest say in their output how much is done of all, and CTest which tests run. On a terminal this is one line
that is rewritten; elsewhere, as in the log of a CI run, it is a line a minute, and none of a command that takes less.
--cpu FILE adds the CPU time, user and system, of the command and all that it started, in seconds.
Ends as the command does.
"""
import argparse
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import time

SECONDS_BETWEEN_LINES = 60
SECONDS_BETWEEN_REWRITES = 0.2

NINJA_STEP = re.compile(r"\[(\d+)/(\d+)\] ")
CTEST_START = re.compile(r" *Start +\d+: (\S+)")
CTEST_END = re.compile(r" *(\d+)/(\d+) Test +#\d+: (\S+)")


class Progress:
    """What the lines of Ninja's and CTest's output say of how far they are."""

    def __init__(self):
        self.done = 0
        self.all = 0
        self.running = {}  # the names of tests, in the order in which they started

    def read_line(self, line):
        if match := NINJA_STEP.match(line):
            self.done, self.all = int(match[1]), int(match[2])
        elif match := CTEST_START.match(line):
            self.running[match[1]] = True
        elif match := CTEST_END.match(line):
            self.done, self.all = int(match[1]), int(match[2])
            self.running.pop(match[3], None)

    def text(self, what, seconds):
        """As "testing unit: 12 of 220, 34 s, mapper.Kmap": the test is the one that runs for longest."""
        parts = [f"{self.done} of {self.all}"] if self.all else []
        parts.append(f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s")
        parts += list(self.running)[:1]
        return f"{what}: {', '.join(parts)}"


class Display:
    """Shows the text of a Progress: rewritten on a terminal, now and then elsewhere."""

    def __init__(self, what, output, is_terminal):
        self.what = what
        self.output = output
        self.is_terminal = is_terminal
        self.begun = time.monotonic()
        self.shown_at = self.begun
        self.width = 0

    def show(self, progress):
        now = time.monotonic()
        if now - self.shown_at < (SECONDS_BETWEEN_REWRITES if self.is_terminal else SECONDS_BETWEEN_LINES):
            return
        self.shown_at = now
        text = progress.text(self.what, int(now - self.begun))
        if self.is_terminal:
            text = text[: shutil.get_terminal_size().columns - 1]
            self.output.write("\r" + text.ljust(self.width))
            self.width = len(text)
        else:
            self.output.write(text + "\n")
        self.output.flush()

    def clear(self):
        if self.width:
            self.output.write("\r" + " " * self.width + "\r")
            self.output.flush()


def run(command, log, progress, display):
    """Runs it, and returns its exit code; that of a command ended by a signal is 128 and the signal's number."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        pipe = child.stdout.fileno()
        rest = b""
        while True:
            if select.select([pipe], [], [], 1)[0]:
                data = os.read(pipe, 65536)
                if not data:
                    break
                log.write(data)
                log.flush()
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    progress.read_line(line.decode(errors="replace"))
            display.show(progress)
        status = child.wait()
    return status if status >= 0 else 128 - status


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", required=True)
    parser.add_argument("--what", required=True)
    parser.add_argument("--cpu")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    is_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    display = Display(options.what, sys.stderr, is_terminal)
    with open(options.log, "wb") as log:
        try:
            status = run(options.command, log, Progress(), display)
        except KeyboardInterrupt:
            status = 128 + signal.SIGINT
        finally:
            display.clear()
    if options.cpu:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        with open(options.cpu, "a", encoding="utf-8") as file:
            file.write(f"{used.ru_utime + used.ru_stime:.1f}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
