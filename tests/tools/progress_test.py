"""What tools/progress.py reads out of Ninja's and CTest's output, and what it shows and leaves behind."""
import io
import os
import pathlib
import pty
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOOLS))
import progress  # noqa: E402  (it lies in another folder)


def run(command, **how):
    """Returns the exit code, the log and the CPU time of a run."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, str(TOOLS / "progress.py"), "--log", f"{folder}/log", "--cpu", f"{folder}/cpu"]
        status = subprocess.run(words + ["--what", "testing", *command], check=False, **how).returncode
        log = pathlib.Path(f"{folder}/log").read_text(encoding="utf-8")
        return status, log, float(pathlib.Path(f"{folder}/cpu").read_text(encoding="utf-8"))


class Reading(unittest.TestCase):
    def setUp(self):
        self.progress = progress.Progress()

    def read(self, *lines):
        for line in lines:
            self.progress.read_line(line)

    def test_a_command_that_says_nothing_shows_its_time(self):
        self.assertEqual(self.progress.text("configuring", 59), "configuring: 59 s")
        self.assertEqual(self.progress.text("configuring", 61), "configuring: 1 min 1 s")

    def test_ninja_says_how_many_steps_are_done(self):
        self.read("[3/40] Building CXX object a.o", "warning: [7/7]")
        self.assertEqual(self.progress.text("building", 5), "building: 3 of 40, 5 s")

    def test_the_test_that_runs_for_longest_is_named(self):
        self.read("      Start  9: model.a.long", "      Start 10: model.b", "1/20 Test #10: model.b ...   Passed 0.1 sec")
        self.assertEqual(self.progress.text("testing", 5), "testing: 1 of 20, 5 s, model.a.long")

    def test_a_test_that_failed_runs_no_more(self):
        self.read("    Start 1: a.b", "1/2 Test #1: a.b ......***Failed  0.01 sec")
        self.assertEqual(self.progress.text("testing", 5), "testing: 1 of 2, 5 s")


class Showing(unittest.TestCase):
    def shows(self, is_terminal, seconds):
        output = io.StringIO()
        display = progress.Display("testing", output, is_terminal)
        display.begun -= seconds
        display.shown_at -= seconds
        display.show(progress.Progress())
        display.show(progress.Progress())  # too soon
        display.clear()
        return output.getvalue()

    def test_elsewhere_there_is_a_line_a_minute(self):
        self.assertEqual(self.shows(False, 59), "")
        self.assertEqual(self.shows(False, 61), "testing: 1 min 1 s\n")

    def test_on_a_terminal_the_line_is_rewritten_and_cleared(self):
        self.assertEqual(self.shows(True, 2), "\rtesting: 2 s\r            \r")


class Running(unittest.TestCase):
    def test_it_ends_as_the_command_does(self):
        status, log, _ = run(["sh", "-c", "echo out; echo wrong >&2; exit 7"])
        self.assertEqual((status, log), (7, "out\nwrong\n"))
        self.assertEqual(run(["sh", "-c", "kill -9 $$"])[0], 137)

    def test_it_shows_nothing_of_a_short_command_where_there_is_no_terminal(self):
        with tempfile.TemporaryFile() as output:
            run(["echo", "[1/2] Building"], stdout=output, stderr=output)
            self.assertEqual(output.tell(), 0)

    def test_on_a_terminal_it_shows_how_far_the_command_is(self):
        ours, theirs = pty.openpty()
        run(["sh", "-c", "echo '[1/2] Building'; sleep 0.5; echo '[2/2] Linking'"], stderr=theirs)
        self.assertIn(b"testing: 2 of 2", os.read(ours, 4096))

    def test_the_cpu_time_is_that_of_all_that_ran(self):
        busy = f"{sys.executable} -c 'import time\nwhile time.process_time() < 0.3: pass'"
        self.assertGreaterEqual(run(["sh", "-c", f"{busy}; {busy}"])[2], 0.6)


if __name__ == "__main__":
    unittest.main()
