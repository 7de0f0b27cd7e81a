"""What ./dev bench makes of what kernels and programs print: figures, ratios, aims, tables. Boots and builds nothing."""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "bench"))
# ruff: noqa: E402  (they lie in another folder)
import kernel
import linux
import machine
import process
import report


def shown(function, *arguments):
    """What it returns, and the lines that it shows."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        result = function(*arguments)
    return result, output.getvalue().splitlines()


class Reports(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = pathlib.Path(folder.name)
        for name, path in (("report.RESULTS", self.build / "bench.json"), ("machine.BUILD", self.build)):
            patch = mock.patch(name, path)
            patch.start()
            self.addCleanup(patch.stop)
        self.report = report.Report("core")

    def fails(self, message, function, *arguments):
        with self.assertRaises(SystemExit) as end, contextlib.redirect_stderr(io.StringIO()):
            shown(function, *arguments)
        self.assertIn(message, str(end.exception))


class Aims(Reports):
    def test_numbers_are_compared_and_not_texts(self):
        self.assertEqual(report.judged("9.99", ">= 10"), ">= 10 (missed)")
        self.assertEqual(report.judged("29", ">= 3"), ">= 3")
        self.assertEqual(report.judged("32.00", "<= 32"), "<= 32")
        self.assertEqual(report.judged("132", "<= 32"), "<= 32 (missed)")
        self.assertEqual(report.judged("33", None), "-")

    def test_benches_of_one_run_add_to_each_other(self):
        self.report.add("a", {"ns": "10.20", "ratio": "-"})
        self.report.save()
        later = report.Report("linux")
        later.add('"b"', {"ratio": "2"}, ">= 3")
        self.assertEqual(later.missed(), 1)
        later.save(self.build / "x.json")
        self.assertEqual(json.loads((self.build / "x.json").read_text()),
                         [{"bench": "core", "row": "a", "value": 10.2, "unit": "ns", "aim": None},
                          {"bench": "linux", "row": '"b"', "value": 2, "unit": "ratio", "aim": ">= 3"}])


class Machines(Reports):
    def boots(self, script):
        return machine.measure(["sh", "-c", script], "x", "job=bench")

    def test_a_machine_ends_with_pass_and_exit_code_1(self):
        log = self.boots("printf 'bench hit 29.00 full/1000=0.35\\r\\nPASS\\r\\n'; exit 1")
        self.assertEqual(machine.figure(log, "hit"), ("bench", "hit", "29.00", {"full/1000": "0.35"}))
        self.fails("the kernel measured no row hit on 2 CPUs", machine.figure, log, "hit", 2)
        self.fails("QEMU's exit code 0, not with PASS", self.boots, "echo PASS")
        self.fails("QEMU's exit code 1, not with PASS", self.boots, "echo PASS; echo more; exit 1")
        self.fails("QEMU's exit code 1, not with PASS", self.boots, "exit 1")

    def test_what_two_cpus_do_is_shown_by_its_name(self):
        log = ("scale mix cpus=2 ns=2.00 least=1.00 most=3.00 misses=50.00 shootdowns=48.00 ipis=40.00 "
               "avoided=1.00 invlpgs=2000.00 full=0.40\nscale misses cpus=2 ns=1.00 misses=0.00")
        _, lines = shown(kernel.show_shootdowns, self.report, 512, "<= 4", {2: log})
        self.assertEqual(lines[3].split(), ["misses", "2", "-", "-", "-", "-", "-", "-"])
        self.assertEqual(lines[4].split(), ["mix", "2", "48.00", "40.00", "-", "1.00", "2000.00", "0.40"])
        self.assertEqual([it["value"] for it in self.report.results], [40, 1, 2000])
        _, lines = shown(kernel.show_shootdowns, self.report, 512, "<= 4", {2: log + " shootdowns=48.00 ipis=40.00 avoided=1.00 "
                                                                         "invlpgs=2000.00 full=0.40"})
        self.assertEqual(lines[3].split(), ["misses", "2", "48.00", "40.00", "<=", "4", "(missed)", "1.00", "2000.00",
                                            "0.40"])

    def test_programs_beside_misses_are_judged_where_each_has_a_core(self):
        log = "scale user cpus={} hits_us=1000 misses_us=1100 times=1.10 misses=5000 ipis=0.20"
        _, lines = shown(kernel.show_user, self.report, {cpus: log.format(cpus) for cpus in (2, 4)})
        self.assertEqual(lines[3].split(), ["2", "1000", "1100", "1.10", "<=", "1.02", "(missed)", "0.20", "<=", "4"])
        self.assertEqual(lines[4].split(), ["4", "1000", "1100", "1.10", "-", "0.20", "<=", "4"])


class Linux(Reports):
    def test_rows_of_several_cpus_have_the_loops_own_cost_subtracted(self):
        rows = linux.read("bench hit 301.00\nbench loop-cpus-1 3.00\nbench loop-cpus-2 4.00\n"
                          "bench mix-cpus-1 29.00\nbench mix-cpus-2 3.50\n"
                          "tlb mix-cpus-2 invlpg/1000=0.00 full/1000=3.90 ipi/1000=1.95\nPASS")
        self.assertEqual(rows["hit"], ("301.00", "counts", "-/-/0.00"))
        self.assertEqual(rows["mix-cpus-1"].value, "26.00")
        self.assertEqual(rows["mix-cpus-2"].value, "-0.50")
        self.assertEqual(rows["tlb mix-cpus-2"].flushes, "0.00/3.90/1.95")

    def test_what_is_counted_for_1000_misses_is_shown_for_1000_operations(self):
        rows = linux.read("scale loop cpus=2 ns=2.00 misses=0.00\n"
                          "scale mix cpus=2 ns=29.50 misses=50.00 ipis=40.00 invlpgs=2000.00 full=0.40")
        self.assertEqual(rows["mix-cpus-2"], ("27.50", "ns", "100.00/0.02/2.00"))

    def spread(self, unit, rate, *values):
        return linux.spread([{"hit": linux.Row(str(value), unit, "-")} for value in values], "hit", rate)

    def test_a_ratio_is_claimed_where_the_gap_is_more_than_the_spreads(self):
        ours = self.spread("ns", 1e9, 10, 11, 9, 10, 12, 8, 10, 30, 10)
        near = self.spread("counts", 1e9, 10, 20, 25, 60, 80, 90, 100, 110, 120)
        far = self.spread("counts", 2e9, 160, 164, 158, 160, 156, 166, 160, 158, 162)
        self.assertEqual([str(ours), str(near), str(far)], ["10.0 (1.00)", "80.0 (75.0)", "80.0 (2.00)"])
        self.assertEqual(far.times(ours), "8.00")
        self.assertEqual(near.times(ours), "-")

    def test_a_row_that_a_system_did_not_print(self):
        rounds = {"linux": [], "ours": [{"hit": linux.Row("1", "ns", "-")}], "wide": []}
        self.fails("a system measured no row lowmem, in ns", linux.show_nanoseconds, self.report, rounds, 1e9)
        self.fails("a system measured no row lowmem, in instructions", linux.show_instructions, self.report,
                   {key: {} for key in ("linux", "linux flushes", "ours", "ours flushes", "wide")})

    def test_aims_are_judged_by_the_ratio_and_not_at_all_without_one(self):
        ratios = {(figure, row): least for figure, row, least in linux.AIMS}
        shown(linux.judge, self.report, ratios)
        self.assertEqual(self.report.missed(), 0)
        _, lines = shown(linux.judge, self.report, ratios | {("instructions", "hit"): "9.99", ("ns", "local"): "-"})
        self.assertEqual(self.report.missed(), 1)
        self.assertRegex("\n".join(lines), r"instructions +hit +9\.99 +>= 10 +missed\n")
        self.assertRegex("\n".join(lines), r"ns +local +- +>= 2 +no claim")


class Process(Reports):
    LINES = [line.split("\t") for line in (
        "price\t64\tdisk file\t4 KiB fault\t1500\t1400\t1600",
        "hit\t64\ta hit\t8.123\t8\t9",
        "row\t64\tzipf\tautomatic\t-\t0.500\t0.900\t1\t100\t90\t110\t-\t2\t50\t40\t60\t-",
        "row\t64\tzipf\tpread\t1.000\t0.000\t1.000\t1\t1234.5\t1000\t2000\t12\t2\t700\t600\t800\t14",
        "best\t64\tzipf\t1\tpread\t12.345\t11\t13",
        "best\t64\tzipf\t2\tpread\t14\t13\t15",
        "row\t64\twrites\tpread\t1.000\t0.000\t1.000\t1\t8\t7\t9\t-\t2\t7\t6\t8\t-",
        "aim\t64\tzipf: pread to window\t12.345\t11\t13\t>= 13",
        "note\t64\twrites: no window",
        "together\t64\tdisk file\t32 pages by pread\t76000\t75000\t77000")]

    def test_rows_are_shown_beneath_their_contest(self):
        last, lines = shown(lambda: process.show(self.LINES[3], process.show(self.LINES[2], "")))
        self.assertEqual(last, "zipf")
        self.assertEqual([line.split()[0] for line in lines], ["zipf", "1", "automatic", "pread"])
        self.assertEqual(lines[1].split(), ["1", "thread,", "ns", "2", "threads,", "ns", "calls", "faults", "memory"])
        self.assertEqual(lines[3].split()[1:], ["1234", "[1000-2000]", "x12", "700", "[600-800]", "x14", "1.000", "0.000",
                                                "1.000"])

    def test_a_contest_that_follows_has_a_head_of_its_own(self):
        _, lines = shown(process.show, self.LINES[6], "zipf")
        self.assertEqual([line.split()[0] for line in lines], ["writes", "1", "pread"])

    def test_what_is_no_row_is_shown_as_it_comes(self):
        for line, start in ((self.LINES[0], "  disk file, 4 KiB fault "), (self.LINES[8], "  note: writes: no window"),
                            (self.LINES[9], "  disk file, 32 pages by pread ")):
            last, lines = shown(process.show, line, "zipf")
            self.assertEqual(last, "zipf")
            self.assertTrue(lines[0].startswith(start), lines)

    def test_what_is_kept(self):
        for line in self.LINES:
            process.keep(self.report, line)
        # A price, a hit, three rows, two best, an aim, several at once; the window has no system calls.
        self.assertEqual(len(self.report.results), 1 + 1 + (4 + 5 + 5) + 2 + 1 + 1)
        self.assertEqual(self.report.missed(), 1)

    def test_files_are_as_large_as_the_free_memory_allows(self):
        self.assertEqual(process.file_mib(8192, 100000), 8192)
        self.assertEqual(process.file_mib(8192, 8192), 4096)
        self.assertEqual(process.file_mib(8192, 10), 64)

    def test_the_tables_of_the_document(self):
        self.assertEqual(process.markdown(self.LINES), """
| bits | ns, by system calls alone | 4 KiB fault |
| ---: | --- | ---: |
| 64 | disk file | 1,500 (200) |

| bits | hits | ns |
| ---: | --- | ---: |
| 64 | a hit | 8.12 (1.00) |

| bits | several at once | ns a page |
| ---: | --- | ---: |
| 64 | disk file, 32 pages by pread | 76,000 (2,000) |

| bits | ns, 1 / 2 threads | automatic | pread |
| ---: | --- | ---: | ---: |
| 64 | zipf | 100 / 50 | 1,234 / 700 |
| 64 | writes | - | 8.00 / 7.00 |

| bits | quartiles apart, % of the median, 1 / 2 threads | automatic | pread |
| ---: | --- | ---: | ---: |
| 64 | zipf | 20 / 40 | 81 / 29 |
| 64 | writes | - | 25 / 29 |

| bits | system calls / faults / memory, 1 / 2 threads | automatic | pread |
| ---: | --- | ---: | ---: |
| 64 | zipf | - / 0.500 / 0.900 | 1.000 / 0.000 / 1.000 |
| 64 | writes | - | 1.000 / 0.000 / 1.000 |

| bits | the best contender, and its time to the window's, 1 / 2 threads |  |
| ---: | --- | --- |
| 64 | zipf | pread 12.35 / pread 14.00 |

| bits | aim of | ratio | aim | verdict |
| ---: | --- | ---: | ---: | --- |
| 64 | zipf: pread to window | 12.35 (11.00 to 13.00) | >= 13 | missed |

- 64 bits, writes: no window

""")


if __name__ == "__main__":
    unittest.main()
