"""What tools/kmapper-check says of kernel code: of the example with its three mistakes, and of programs of a few lines.

kmapper_check_test.py FOLDER    FOLDER: where libkmapper_linux.a is
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = ROOT / "tools" / "kmapper-check"
EXAMPLE = ROOT / "examples" / "kernel-code"
LIBRARIES = None  # from the command line

RIGHT = """#include <linux/highmem.h>
#include <stdio.h>

int main(int count, char **arguments)
{
	struct page *page = alloc_page(GFP_HIGHUSER);
	char *text = kmap_local_page(page);
	text[0] = 'h';
	kunmap_local(text);
	for (count = 1; arguments[count]; count++)
		puts(arguments[count]);
	__free_page(page);
	return 0;
}
"""
USE_AFTER_KUNMAP = """#include <linux/highmem.h>
#include <string.h>

static void fill(char *to)
{
	to[7] = 'j'; /* written here */
}

int main(void)
{
	struct page *page = alloc_page(GFP_HIGHUSER);
	char *text = kmap_local_page(page); /* mapped here */
	kunmap_local(text); /* unmapped here */
	fill(text);
	return 0;
}
"""
LEAK = """#include <linux/highmem.h>

static __attribute__((__noinline__)) struct page *get(void)
{
	return alloc_page(GFP_KERNEL); /* allocated here */
}

int main(void)
{
	return get() ? 0 : 7;
}
"""


def line_of(text, marked):
    """The number of the first line that contains a text."""
    return next(number for number, it in enumerate(text.splitlines(), 1) if marked in it)


class KmapperCheck(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp()).resolve()
        self.addCleanup(shutil.rmtree, self.folder)
        # As installed: the command finds both by its own place, and not the source tree's.
        self.command = self.folder / "prefix" / "bin" / "kmapper-check"
        self.command.parent.mkdir(parents=True)
        shutil.copy(COMMAND, self.command)
        (self.folder / "prefix/include").symlink_to(ROOT / "include")
        (self.folder / "prefix/lib").mkdir()
        (self.folder / "prefix/lib/any-cpu").symlink_to(LIBRARIES)
        self.work = self.folder / "work"
        self.work.mkdir()

    def write(self, name, text):
        (self.work / name).write_text(text, encoding="utf-8")
        return name

    def example(self):
        for it in ("nanofs.c", "nanofs.h", "driver.c", "fuzz.c", "fix.patch"):
            shutil.copy(EXAMPLE / it, self.work)

    def run_it(self, *arguments, environment=None, command=None):
        """(EXIT CODE, STANDARD OUTPUT, STANDARD ERROR)"""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KMAPPER_", "GITHUB_"))}
        ran = subprocess.run([command or self.command, *arguments], cwd=self.work, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, check=False, env={**kept, **(environment or {})})
        return ran.returncode, ran.stdout, ran.stderr

    def assert_misused(self, expected, *arguments, **how):
        code, out, said = self.run_it(*arguments, **how)
        self.assertEqual((code, out, said.count("\n")), (2, "", 1), said)
        self.assertIn(expected, said)


class RightCode(KmapperCheck):
    def test_what_is_right_passes_in_silence(self):
        self.assertEqual(self.run_it(self.write("right.c", RIGHT)), (0, "", ""))

    def test_arguments_and_output_are_the_programs(self):
        self.assertEqual(self.run_it(self.write("right.c", RIGHT), "--", "--asan", "b c"), (0, "--asan\nb c\n", ""))

    def test_the_standard_may_be_an_old_one(self):
        self.write("right.c", RIGHT)
        self.assertEqual(self.run_it("-std=gnu89", "right.c"), (0, "", ""))
        self.write("new.c", RIGHT.replace("for (count = 1", "for (int it = 0; it < 0; it++); for (count = 1"))
        self.assertEqual(self.run_it("new.c")[0], 0)
        self.assertIn("for", self.run_it("-std=gnu89", "new.c")[2])

    def test_options_of_the_compiler_are_passed_on(self):
        (self.work / "include").mkdir()
        self.write("include/mine.h", "#define SECOND 2\n")
        self.write("main.c", "#include <mine.h>\n#include <math.h>\n"
                             "int main(int n, char **v) { return FIRST + SECOND - 3 + (cos(n - 1) != 1); }\n")
        self.assertEqual(self.run_it("-D", "FIRST=1", "-Iinclude", "-O2", "-g3", "main.c", "-lm"), (0, "", ""))

    def test_a_stub_comes_before_every_file(self):
        self.write("stub.h", "static inline int my_stub(void) { return 0; }\n")
        self.write("main.c", "int main(void) { return my_stub(); }\n")
        self.assertEqual(self.run_it("--stub", "stub.h", "main.c"), (0, "", ""))

    def test_the_program_is_kept_where_it_is_wanted(self):
        self.assertEqual(self.run_it("-o", "kept", self.write("right.c", RIGHT)), (0, "", ""))
        self.assertEqual(self.run_it("--", "./kept", "a"), (0, "a\n", ""))

    def test_a_missing_kernel_header_is_made_empty(self):
        self.write("right.c", "#include <linux/of_no_version.h>\n#include <asm/of_no_cpu.h>\n" + RIGHT)
        code, _, said = self.run_it("right.c")
        self.assertEqual(code, 0, said)
        self.assertEqual(said, "kmapper-check: made empty, because there is no such header: "
                               "linux/of_no_version.h\n")  # of <asm/...>, the stubs have what there is

    def test_code_may_have_a_pr_fmt_and_kernel_c(self):
        self.write("main.c", '#define pr_fmt(format) "mine: " format\n'
                             "int main(void) { char minus = 0xff; pr_info(\"%d\\n\", minus == 0xff); return 0; }\n")
        self.assertEqual(self.run_it("-Wall", "main.c"), (0, "", "mine: 1\n"))

    def test_a_missing_header_of_ones_own_is_an_error(self):
        code, _, said = self.run_it(self.write("main.c", '#include "mine.h"\nint main(void) { return 0; }\n'))
        self.assertEqual(code, 1)
        self.assertRegex(said, "main.c:1:10: fatal error: .*mine.h")

    def test_headers_of_the_kernel_and_of_libc_go_together(self):
        kernel = "".join(f"#include <linux/{it}.h>\n" for it in (
            "kernel", "string", "errno", "types", "fs", "module", "time", "uio", "fcntl", "poll", "signal",
            "stat", "limits", "stddef"))
        libc = "".join(f"#include <{it}.h>\n" for it in (
            "errno", "fcntl", "poll", "pthread", "signal", "stdlib", "string", "time", "unistd", "sys/stat",
            "sys/time", "sys/uio", "sys/wait", "sys/resource", "sys/mman", "sys/ioctl"))
        for number, text in enumerate((kernel + libc + RIGHT, libc + RIGHT.replace("<linux/highmem.h>",
                                       "<linux/highmem.h>\n" + kernel))):
            code, _, said = self.run_it(self.write(f"{number}.c", text))
            self.assertEqual((code, said), (0, ""))


class Mistakes(KmapperCheck):
    def test_each_place_is_shown_as_a_compiler_shows_it(self):
        self.write("wrong.c", USE_AFTER_KUNMAP)
        code, _, said = self.run_it("wrong.c")
        at = {it: line_of(USE_AFTER_KUNMAP, f"/* {it} here */") for it in ("written", "mapped", "unmapped")}
        lines = said.splitlines()
        self.assertEqual(code, 1)
        self.assertRegex(lines[0], f"^wrong.c:{at['written']}: error: use after kunmap_local: write to page 0x[0-9a-f]+"
                                   r", offset 0x7 \[kmapper\]$")
        self.assertIn(f"wrong.c:{at['mapped']}: note: last mapped locally here, in main", lines)
        self.assertIn(f"wrong.c:{at['unmapped']}: note: last unmapped locally here, in main", lines)
        self.assertEqual(lines[-1], "note: kunmap_local when the access is over")

    def test_a_fault_in_libc_has_the_line_of_its_caller(self):
        wrong = USE_AFTER_KUNMAP.replace("to[7] = 'j'", 'strcpy(to + 7, "text of some length, " + (to == 0))')
        code, _, said = self.run_it(self.write("wrong.c", wrong))
        self.assertEqual(code, 1)
        self.assertIn(f"wrong.c:{line_of(wrong, '/* written here */')}: error: use after kunmap_local: write", said)

    def test_a_function_of_kmappers_headers_has_the_line_of_its_caller(self):
        wrong = RIGHT.replace("return 0;", "SetPageUptodate(page); /* set here */\n\treturn 0;")
        code, _, said = self.run_it(self.write("wrong.c", wrong))
        self.assertEqual(code, 1)
        self.assertRegex(said, f"^wrong.c:{line_of(wrong, '/* set here */')}: error: ")

    def test_a_report_of_a_program_that_ends_well_counts_too(self):
        self.write("main.c", '#include <stdio.h>\nint main(void) { return fputs("kmapper: a; b\\n", stderr) < 0; }\n')
        self.assertEqual(self.run_it("main.c"), (1, "", "error: a [kmapper]\nnote: b\n"))

    def test_a_file_elsewhere_has_its_whole_path(self):
        self.write("wrong.c", USE_AFTER_KUNMAP)
        (self.work / "below").mkdir()
        said = self.run_it("-c", "cd below && ../../prefix/bin/kmapper-check ../wrong.c", command="sh")[2]
        self.assertIn(f"{self.work}/wrong.c:6: error: ", said)

    def test_a_leak_has_the_line_that_allocated(self):
        self.write("leak.c", LEAK)
        code, _, said = self.run_it("leak.c")
        self.assertEqual(code, 1)
        self.assertIn(f"leak.c:{line_of(LEAK, 'allocated here')}: error: leak: 1 page", said)
        self.assertEqual(self.run_it("--no-leaks", "leak.c"), (0, "", ""))

    def test_what_the_program_says_is_passed_on(self):
        wrong = USE_AFTER_KUNMAP.replace("fill(text);", 'fputs("before\\n", stderr); fill(text);')
        code, _, said = self.run_it(self.write("wrong.c", "#include <stdio.h>\n" + wrong))
        self.assertEqual(code, 1)
        self.assertEqual(said.splitlines()[0], "before")
        self.assertNotIn("kmapper: ", said)

    def test_github_gets_an_annotation(self):
        self.write("a,b.c", USE_AFTER_KUNMAP)
        code, _, said = self.run_it("--github", "a,b.c")
        self.assertEqual(code, 1)
        self.assertRegex(said, r"^::error file=a%2Cb\.c,line=6,title=kmapper::use after kunmap_local: write to page "
                               r"[^\n]*%0Aa,b\.c:12: note: last mapped locally here, in main%0A[^\n]*\n$")
        said = self.run_it("--github", "a,b.c", environment={"GITHUB_WORKSPACE": str(self.folder)})[2]
        self.assertIn("file=work/a%2Cb.c,line=6,", said)

    def test_without_addr2line_the_places_are_shown_as_they_are(self):
        self.run_it("-o", "wrong", self.write("wrong.c", USE_AFTER_KUNMAP))
        code, _, said = self.run_it(self.command, "--", "./wrong", environment={"PATH": "/nothing"},
                                    command=sys.executable)
        self.assertEqual(code, 1)
        self.assertIn("addr2line is not installed", said)
        self.assertRegex(said, r"\nnote: last mapped locally by (main in )?/.*/wrong 0x[0-9a-f]+\n")

    def test_a_program_that_is_built_already_is_run(self):
        self.run_it("-o", "wrong", self.write("wrong.c", USE_AFTER_KUNMAP))
        code, _, said = self.run_it("--", "./wrong")
        self.assertEqual(code, 1)
        self.assertIn("wrong.c:6: error: use after kunmap_local", said)

    def test_sampled_checks_few_mappings_and_slots_are_few(self):
        self.write("main.c", "#include <stdio.h>\n#include <stdlib.h>\nint main(void) {\n"
                             "char *check = getenv(\"KMAPPER_CHECK\"), *slots = getenv(\"KMAPPER_SLOTS\");\n"
                             "return printf(\"%s %s\\n\", check ? check : \"-\", slots ? slots : \"-\") < 0; }\n")
        for options, expected in ((("--sampled",), "sampled -"), (("--sampled=7", "--slots", "3"), "sampled:7 3"),
                                  ((), "- -")):
            self.assertEqual(self.run_it(*options, "main.c"), (0, expected + "\n", ""))

    def test_asan_finds_what_is_not_of_pages(self):
        compiler = [os.environ.get("CC", "cc"), "-fsanitize=address", "-xc", "-", "-o", "/dev/null"]
        if subprocess.run(compiler, input=b"int main(void) { return 0; }", stderr=subprocess.DEVNULL,
                          check=False).returncode != 0:
            self.skipTest("the compiler has no AddressSanitizer")
        self.write("right.c", RIGHT)
        self.assertEqual(self.run_it("--asan", "right.c"), (0, "", ""))
        self.write("heap.c", "#include <stdlib.h>\nint main(void) {\n volatile char *bytes = malloc(1);\n"
                             " free((void *)bytes);\n return bytes[0] & 0;\n}\n")
        code, _, said = self.run_it("--asan", "heap.c")
        self.assertEqual(code, 1)
        self.assertIn("heap-use-after-free", said)


class Assertions(KmapperCheck):
    def test_a_bug_has_its_line(self):
        self.write("bug.c", "int main(int n, char **v) {\n  BUG_ON(n == 1);\n  return 0;\n}\n")
        code, _, said = self.run_it("bug.c")
        self.assertEqual((code, said), (1, "bug.c:2: error: kernel BUG: n == 1 [kmapper]\n"))

    def test_a_warning_is_an_error(self):
        self.write("warn.c", "int main(int n, char **v) {\n  WARN_ON(n);\n  return 0;\n}\n")
        code, _, said = self.run_it("warn.c")
        self.assertEqual((code, said), (1, "warn.c:2: error: WARNING: n [kmapper]\n"))

    def test_a_lock_that_would_never_be_free_is_named(self):
        self.write("lock.c", "static DECLARE_RWSEM(lock);\nint main(void) {\n  down_write(&lock);\n"
                             "  down_read(&lock);\n  return 0;\n}\n")
        code, _, said = self.run_it("lock.c")
        self.assertEqual(code, 1)
        self.assertIn("lock.c:4: error: kernel BUG: down_read: the thread holds it for writing [kmapper]\n", said)

    def test_a_function_without_a_declaration_is_an_error(self):
        code, _, said = self.run_it(self.write("main.c", "int main(void) { return unknown(); }\n"))
        self.assertEqual(code, 1)
        self.assertIn("error: implicit declaration", said)


class Example(KmapperCheck):
    def test_each_of_its_mistakes_is_found_in_one_run(self):
        self.example()
        source = (EXAMPLE / "nanofs.c").read_text(encoding="utf-8")
        code, _, said = self.run_it("nanofs.c", "driver.c")
        self.assertEqual(code, 1)
        mapped = line_of(source, "unsigned char *to = kmap_local_folio(folio, 0);")
        self.assertIn(f"nanofs.c:{mapped}: note: last mapped locally here, in nano_read_inline\n", said)
        beyond = line_of(source, "nano_read_extents(const") + line_of(source.partition("nano_read_extents(const")[2],
                                                                      "kunmap_local(to);") - 1
        self.assertIn(f"nanofs.c:{beyond}: error: kunmap_local of the address one past the end", said)
        self.assertRegex(said, f"nanofs.c:{line_of(source, 'sum * 31')}: error: use after kunmap_local: read")
        self.assertEqual(said.count("error: "), 3, said)

    def test_corrected_it_passes_and_so_do_made_up_inodes(self):
        self.example()
        tool = ["patch", "-s", "-i", "fix.patch"] if shutil.which("patch") else ["git", "apply", "fix.patch"]
        subprocess.run(tool, cwd=self.work, check=True)
        self.assertEqual(self.run_it("nanofs.c", "driver.c"), (0, "", ""))
        self.assertEqual(self.run_it("-DWITH_MAIN", "nanofs.c", "fuzz.c"), (0, "", ""))


class Failures(KmapperCheck):
    def test_a_compile_error_is_the_compilers(self):
        self.write("bad.c", "int main(void) { return nothing; }\n")
        self.write("worse.c", "int other(void) { return nil; }\n")
        code, _, said = self.run_it("bad.c", "worse.c")
        self.assertEqual(code, 1)
        self.assertRegex(said, "bad.c:1:[0-9]+: error: .*nothing")
        self.assertRegex(said, "worse.c:1:[0-9]+: error: .*nil")
        self.assertNotIn("kmapper-check", said)  # and nothing is linked

    def test_a_program_that_fails_without_a_report_is_told(self):
        self.write("fails.c", "#include <stdlib.h>\nint main(int n, char **v) { if (n > 1) abort(); return 3; }\n")
        self.assertEqual(self.run_it("fails.c"), (1, "", "kmapper-check: fails ended with 3\n"))
        self.assertEqual(self.run_it("fails.c", "--", "x"), (1, "", "kmapper-check: fails was ended by SIGABRT\n"))

    def test_a_program_that_runs_too_long_is_ended(self):
        self.write("waits.c", "#include <unistd.h>\nint main(void) { return sleep(600); }\n")
        self.assertEqual(self.run_it("--timeout", "1", "waits.c"),
                         (1, "", "kmapper-check: waits still ran after 1 s (--timeout), and was ended\n"))

    def test_a_wrong_call_is_told_in_one_line(self):
        self.write("right.c", RIGHT)
        self.write("right.cpp", RIGHT)
        for expected, *arguments in (
                ("name the C files",), ("no option --nix", "--nix", "right.c"), ("no option -z", "-z", "right.c"),
                ("no file nix.c", "nix.c"), ("right.cpp is no C file", "right.cpp"),
                ("no file s.h", "--stub=s.h", "right.c"), ("--slots needs a value", "right.c", "--slots"),
                ("--slots 0: not a number", "--slots=0", "right.c"),
                ("--sampled x: not a number", "--sampled=x", "right.c"),
                ("no compiler nocc", "--cc", "nocc", "right.c"), ("no program nix", "--", "nix"),
                ("--asan says how to compile", "--asan", "--", "true")):
            with self.subTest(arguments):
                self.assert_misused(expected, *arguments)

    def test_a_library_for_another_cpu_is_not_linked(self):
        code, _, said = self.run_it("-m32", self.write("right.c", RIGHT))
        if code == 1:
            self.skipTest("the compiler makes no 32-bit code")
        self.assertEqual((code, said.count("\n")), (2, 1), said)
        self.assertIn("libkmapper_linux.a is for another CPU", said)

    def test_where_kmapper_is_missing_is_told(self):
        self.write("right.c", RIGHT)
        self.assert_misused(f"highmem.h in {self.work}", "--kmapper", str(self.work), "right.c")
        self.assert_misused(f"highmem.h in {self.work}", "right.c", environment={"KMAPPER_DIR": str(self.work)})
        (self.folder / "prefix/lib/any-cpu").unlink()
        self.assert_misused(f"no libkmapper_linux in {self.folder}/prefix", "right.c")


if __name__ == "__main__":
    LIBRARIES = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
