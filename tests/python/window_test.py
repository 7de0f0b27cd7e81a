"""A window is a file by slices. What is wrong is one exception, with one line that names it."""
import errno
import os
import pathlib
import unittest

import kmapper
from scratch import PAGE, FileTest


class Budget(unittest.TestCase):
    def test_has_256_MiB_of_which_a_quarter_is_for_long_ranges(self):
        stats = kmapper.Budget().stats()
        self.assertEqual(stats["budget"], 256 << 20)
        self.assertEqual(stats["span_bytes"] >> 20, 64)

    def test_takes_its_options(self):
        stats = kmapper.Budget(bytes=64 * PAGE, granule=PAGE, placement="copies", span_bytes=7 * PAGE).stats()
        self.assertEqual((stats["budget"], stats["granule"]), (64 * PAGE, PAGE))
        self.assertEqual(stats["span_bytes"], 8 * PAGE)  # at any offset

    def test_names_what_is_wrong(self):
        for wrong, line in (({"bytes": 0}, "bytes 0: a budget has at least a granule"),
                            ({"placement": "away"}, "placement 'away' is none of automatic, slots, home, copies")):
            with self.assertRaisesRegex(ValueError, f"^{line}$"):
                kmapper.Budget(**wrong)
        with self.assertRaisesRegex(kmapper.Error, "a granule of 5 bytes is not a power of two") as caught:
            kmapper.Budget(granule=5)
        self.assertEqual(caught.exception.status, "invalid_option")

    def test_trims_what_has_no_holder(self):
        budget = kmapper.Budget(64 * PAGE, granule=PAGE)
        self.assertEqual(budget.trim(), 0)


class Window(FileTest):
    def test_opens_paths_and_descriptors(self):
        path = self.file(content=b"content")
        budget = kmapper.Budget()
        descriptor = os.open(path, os.O_RDONLY)
        for file in (path, os.fsencode(path), pathlib.Path(path), descriptor):
            self.assertEqual(kmapper.Window(file, budget)[:], b"content")
        os.close(descriptor)

    def test_keeps_its_own_descriptor(self):
        descriptor = os.open(self.file(content=b"content"), os.O_RDONLY)
        window = kmapper.Window(descriptor, kmapper.Budget())
        os.close(descriptor)
        self.assertEqual(window[:], b"content")

    def test_slices_as_bytes_do(self):
        content = os.urandom(5 * PAGE + 100)
        budget = kmapper.Budget(1 << 20, granule=PAGE)
        window = self.window(content=content, budget=budget)
        self.assertEqual(len(window), len(content))
        for part in (slice(None), slice(1, 2), slice(-5, None), slice(PAGE - 1, 4 * PAGE + 1), slice(7, 7),
                     slice(9, 5), slice(5 * PAGE, 1 << 60), slice(-1 << 60, 3)):
            self.assertEqual(window[part], content[part], part)
        with self.assertRaises(TypeError):
            window[0]
        with self.assertRaisesRegex(ValueError, "step 1, not 2$"):
            window[0:9:2]
        self.assertEqual(budget.stats()["spans"], 0)  # it went from granule to granule

    def test_writes_slices(self):
        content = bytearray(os.urandom(5 * PAGE))
        window = self.window(content=bytes(content), writable=True)
        for part, value in ((slice(0, 3), b"abc"), (slice(-3, None), bytearray(b"xyz")),
                            (slice(PAGE - 2, 3 * PAGE), memoryview(bytes(2 * PAGE + 2))), (slice(4, 4), b"")):
            window[part] = content[part] = value
        window.sync()
        self.assertEqual(window[:], content)

    def test_writes_only_what_fits(self):
        window = self.window(content=b"content", writable=True)
        with self.assertRaisesRegex(ValueError, "7 bytes at 0 cannot hold the 8 bytes that are given$"):
            window[:] = b"contents"
        with self.assertRaisesRegex(TypeError, "cannot be deleted$"):
            del window[:]
        with self.assertRaises(TypeError):
            window[0:1] = 5

    def test_is_opened_for_reading_unless_it_is_writable(self):
        window = self.window(content=b"content")
        with self.assertRaisesRegex(TypeError, r"/kmapper-python-\w+: the window was opened for reading$"):
            window[0:1] = b"C"

    def test_reads_into_any_buffer(self):
        content = os.urandom(3 * PAGE)
        window = self.window(content=content)
        buffer = bytearray(PAGE + 1)
        window.readinto(PAGE - 1, buffer)
        self.assertEqual(buffer, content[PAGE - 1:2 * PAGE])
        with self.assertRaises(TypeError):
            window.readinto(0, b"constant")
        with self.assertRaises(kmapper.Error) as caught:
            window.readinto(3 * PAGE - 1, buffer)
        self.assertEqual(caught.exception.status, "beyond_end")

    def test_sees_a_file_that_has_grown_after_refresh(self):
        path = self.file(content=b"one")
        window = kmapper.Window(path, kmapper.Budget(placement="copies"))
        self.assertEqual(window[:], b"one")
        with open(path, "ab") as file:
            file.write(b"two")
        self.assertEqual(len(window), 3)
        window.refresh()
        self.assertEqual(window[:], b"onetwo")

    def test_shows_the_file_as_its_placement_does(self):
        path = self.file(content=b"before")
        shown = {it: memoryview(kmapper.Window(path, kmapper.Budget(placement=it)).map(0, 6))
                 for it in ("slots", "copies")}
        with open(path, "r+b") as file:
            file.write(b"behind")
        self.assertEqual({it: bytes(view) for it, view in shown.items()}, {"slots": b"behind", "copies": b"before"})

    def test_is_not_used_when_it_is_closed(self):
        with self.window(content=b"content") as window:
            pass
        window.close()
        for use in (lambda: len(window), lambda: window[:], lambda: window.map(0, 1), window.sync, window.refresh,
                    lambda: window.longest, lambda: window.readinto(0, bytearray(1))):
            with self.assertRaisesRegex(ValueError, "the window is closed$"):
                use()


class Errors(FileTest):
    def test_of_the_system_are_OSErrors(self):
        budget = kmapper.Budget()
        for file, number, kind in (("/no/such/file", errno.ENOENT, FileNotFoundError),
                                   ("/", errno.EISDIR, IsADirectoryError), (12345, errno.EBADF, OSError)):
            with self.assertRaises(kind) as caught:
                kmapper.Window(file, budget)
            self.assertEqual(caught.exception.errno, number)
            self.assertIn(str(file), str(caught.exception))

    def test_of_the_library_have_a_line_and_a_word(self):
        window = self.window(100)
        for offset, length, word, line in ((-1, 1, "invalid_range", "1 bytes at -1: not a range"),
                                           (0, 0, "invalid_range", "0 bytes at 0: not a range"),
                                           (50, 51, "beyond_end", "51 bytes at 50: beyond the end of the file, 100 ")):
            with self.assertRaisesRegex(kmapper.Error, line) as caught:
                window.map(offset, length)
            self.assertEqual(caught.exception.status, word)
            self.assertNotIn("\n", str(caught.exception))

    def test_of_a_range_that_is_too_long_name_the_limit(self):
        window = self.window(1 << 30)
        window.map(1, window.longest)
        with self.assertRaisesRegex(kmapper.Error, f"{window.longest} bytes") as caught:
            window.map(1, window.longest + 1)
        self.assertEqual(caught.exception.status, "too_large")

    def test_of_arguments_are_TypeErrors_and_OverflowErrors(self):
        window = self.window(100)
        for wrong in ((), (1,), ("0", 1), (0, 1.5), (0, 1, 2)):
            with self.assertRaises(TypeError):
                window.map(*wrong)
        with self.assertRaises(OverflowError):
            window.map(1 << 63, 1)
        with self.assertRaisesRegex(ValueError, "file descriptor cannot be a negative integer"):
            kmapper.Window(-1, kmapper.Budget())
        for wrong in ((), ("file",), ("file", None), (None, kmapper.Budget())):
            with self.assertRaises(TypeError):
                kmapper.Window(*wrong)


if __name__ == "__main__":
    unittest.main()
