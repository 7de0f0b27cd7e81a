"""docs/SUPPORT.md claims nothing that no command tests: each row of its tables names one, and each of these exists."""

import os
import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/SUPPORT.md").read_text()


def tables():
    """The rows of each table, as lists of cells, its heading first."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", TEXT, flags=re.M):
        rows = [[cell.strip() for cell in line.strip("|\n ").split("|")] for line in block.splitlines()]
        found.append([rows[0]] + rows[2:])
    return found


def suites():
    said = subprocess.run(["./dev", "test", "--help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"^  ([a-z0-9-]+)  ", said.partition("\nSuites:\n")[2], flags=re.M))


class Support(unittest.TestCase):
    def commands(self):
        found = []
        for heading, *rows in tables():
            for row in rows:
                with self.subTest(row[0], row=row):
                    self.assertEqual(len(row), len(heading))
                    command = re.fullmatch(r"`([^`]+)`", row[heading.index("command")])
                    self.assertTrue(command, "the row names no command")
                    found.append(command[1].split())
        return found

    def test_each_row_names_a_command_that_exists(self):
        known = suites()
        self.assertIn("unit", known)
        for words in self.commands():
            if words[:2] == ["./dev", "test"]:
                self.assertEqual(set(words[2:]) - known, set(), "no such suites")
                self.assertGreater(len(words), 2)
            else:
                self.assertEqual(len(words), 1)
                self.assertTrue((ROOT / words[0]).is_file())
                self.assertTrue(words[0].endswith(".yml") or os.access(ROOT / words[0], os.X_OK))

    def test_each_suite_tests_what_some_row_claims(self):
        named = {word for words in self.commands() for word in words[2:]}
        self.assertEqual(suites() - named - {"release"}, set(), "suites without a row")


if __name__ == "__main__":
    unittest.main()
