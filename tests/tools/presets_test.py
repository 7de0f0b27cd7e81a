"""CMake's presets: each says what it is and can be built, and the one that a stranger types has the libraries alone."""

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRESETS = json.loads((ROOT / "CMakePresets.json").read_text())


def said(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


class Presets(unittest.TestCase):
    def test_each_says_what_it_is_and_can_be_built(self):
        built = {preset["configurePreset"] for preset in PRESETS["buildPresets"]}
        for preset in PRESETS["configurePresets"]:
            if preset.get("hidden"):
                continue
            with self.subTest(preset["name"]):
                self.assertTrue(preset.get("displayName") and preset.get("description"))
                self.assertIn(preset["name"], built)

    def test_those_that_a_stranger_types_come_first_and_have_workflows(self):
        shown = [preset["name"] for preset in PRESETS["configurePresets"] if not preset.get("hidden")]
        self.assertEqual(shown[:2], ["default", "check"])
        self.assertEqual([preset["name"] for preset in PRESETS["workflowPresets"]], ["default", "check"])
        self.assertIn('"default"', said("cmake", "--list-presets=all"))

    def test_default_has_the_libraries_alone(self):
        with tempfile.TemporaryDirectory() as tree:
            said("cmake", "--preset", "default", "-B", tree)
            targets = said("ninja", "-C", tree, "-t", "targets", "all")
            self.assertIn("libkmapper.so:", targets)
            folders = {target.partition("/")[0] for target in targets.splitlines()}
            self.assertEqual(folders & {"tests", "bench", "examples"}, set())


if __name__ == "__main__":
    unittest.main()
