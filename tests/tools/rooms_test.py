"""Which includes tools/rooms.py finds wrong, in a tree of a few files."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOMS = pathlib.Path(__file__).resolve().parents[2] / "tools" / "rooms.py"


class Rooms(unittest.TestCase):
    def found(self, source, include):
        """What is said of a source with that include, where these files are."""
        with tempfile.TemporaryDirectory() as folder:
            for name in ("include/kmapper/core/slot.hpp", "include/kmapper/process/cursor.hpp", "src/process/a.hpp",
                         "src/linux/b.hpp", "src/system/c.hpp", "tests/simulated/d.hpp", "bench/e.h", source):
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"// a comment\n# include {include}\n" if name == source else "", encoding="utf-8")
            ran = subprocess.run([sys.executable, ROOMS], cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
            self.assertEqual(ran.returncode, 1 if ran.stdout else 0)
            return ran.stdout

    def test_what_ships_includes_nothing_that_tests_or_measures(self):
        self.assertEqual(self.found("src/process/x.cpp", '"simulated/d.hpp"'),
                         "src/process/x.cpp:2: includes tests/simulated/d.hpp\n")
        self.assertIn("bench/e.h", self.found("include/kmapper/x.h", "<bench/e.h>"))
        self.assertIn("bench/e.h", self.found("src/kernel/x.S", '"../../bench/e.h"'))
        self.assertEqual(self.found("tests/unit/x.cpp", '"simulated/d.hpp"'), "")

    def test_the_core_includes_only_itself(self):
        self.assertEqual(self.found("include/kmapper/core/impl/x.hpp", '"kmapper/core/slot.hpp"'), "")
        self.assertEqual(self.found("include/kmapper/core/x.hpp", '"slot.hpp"'), "")
        self.assertEqual(self.found("include/kmapper/core/x.hpp", "<atomic>"), "")
        self.assertIn("cursor.hpp", self.found("include/kmapper/core/x.hpp", '"kmapper/process/cursor.hpp"'))
        self.assertIn("c.hpp", self.found("include/kmapper/core/x.hpp", '"system/c.hpp"'))

    def test_two_products_share_only_what_is_for_both(self):
        self.assertIn("b.hpp", self.found("src/process/x.cpp", '"linux/b.hpp"'))
        self.assertIn("a.hpp", self.found("src/linux/x.cpp", '"../process/a.hpp"'))
        self.assertEqual(self.found("src/linux/x.cpp", '"system/c.hpp"'), "")


if __name__ == "__main__":
    unittest.main()
