"""A mapping is a buffer, and stays mapped until it is closed and its last buffer is released."""
import gc
import os
import unittest

import kmapper
from scratch import PAGE, FileTest


class Mapping(FileTest):
    def setUp(self):
        self.budget = kmapper.Budget(1 << 20, granule=PAGE)
        self.content = bytes(range(256)) * 64
        self.opened = kmapper.Window(self.file(content=self.content), self.budget)

    def pinned(self):
        return self.budget.stats()["pinned"]

    def test_shows_the_bytes_of_the_file(self):
        for offset, length in ((0, 1), (100, 4000), (PAGE - 1, 2), (5, 3 * PAGE)):
            with self.opened.map(offset, length) as mapping:
                self.assertEqual(len(mapping), length)
                self.assertEqual(bytes(mapping), self.content[offset:offset + length])

    def test_takes_its_range_by_name(self):
        self.assertEqual(bytes(self.opened.map(length=2, offset=3)), self.content[3:5])

    def test_is_given_back_at_the_end_of_with(self):
        with self.opened.map(0, 1) as mapping:
            self.assertEqual(self.pinned(), PAGE)
        self.assertEqual(self.pinned(), 0)
        del mapping

    def test_is_given_back_when_it_is_not_used_any_more(self):
        mapping = self.opened.map(0, 1)
        self.assertEqual(self.pinned(), PAGE)
        del mapping
        gc.collect()
        self.assertEqual(self.pinned(), 0)

    def test_outlives_with_as_long_as_a_buffer_is_left(self):
        with self.opened.map(0, 2 * PAGE) as mapping:
            view = memoryview(mapping)
            part = view[PAGE:]
        view.release()
        self.assertEqual(bytes(part), self.content[PAGE:2 * PAGE])
        self.assertEqual(self.pinned(), 2 * PAGE)
        part.release()
        self.assertEqual(self.pinned(), 0)

    def test_stays_when_a_buffer_goes_before_it_is_closed(self):
        with self.opened.map(0, 1) as mapping:
            memoryview(mapping).release()
            self.assertEqual(self.pinned(), PAGE)

    def test_has_no_new_buffers_when_it_is_closed(self):
        mapping = self.opened.map(0, 10)
        view = memoryview(mapping)
        mapping.close()
        mapping.close()
        with self.assertRaisesRegex(ValueError, r"/kmapper-python-\w+: 10 bytes at 0: the mapping is closed$"):
            memoryview(mapping)
        self.assertEqual(view[9], 9)

    def test_outlives_its_window(self):
        with self.opened as window:
            view = memoryview(window.map(0, 3))
        del window, self.opened
        gc.collect()
        self.assertEqual(bytes(view), b"\x00\x01\x02")

    def test_keeps_the_file_open_of_a_window_that_is_closed(self):
        path = self.file(1)

        def times_open():
            links = (f"/proc/self/fd/{it}" for it in os.listdir("/proc/self/fd"))
            return sum(os.path.realpath(it) == path for it in links)
        before = times_open()
        window = kmapper.Window(path, self.budget)
        mapping = window.map(0, 1)
        window.close()
        self.assertEqual(times_open(), before + 1)
        mapping.close()
        self.assertEqual(times_open(), before)
        window = kmapper.Window(path, self.budget)
        window.close()
        self.assertEqual(times_open(), before)

    def test_cannot_be_written_where_the_window_was_opened_for_reading(self):
        view = memoryview(self.opened.map(0, 1))
        self.assertTrue(view.readonly)
        with self.assertRaises(TypeError):
            view[0] = 1

    def test_writes_to_the_file(self):
        path = self.file(content=self.content)
        with kmapper.Window(path, self.budget, writable=True) as window, window.map(PAGE - 1, 2) as mapping:
            memoryview(mapping)[:] = b"ab"
            window.sync()
        with open(path, "rb") as file:
            self.assertEqual(file.read(), self.content[:PAGE - 1] + b"ab" + self.content[PAGE + 1:])

    def test_is_not_made_without_a_window(self):
        with self.assertRaises(TypeError):
            kmapper.Mapping()


if __name__ == "__main__":
    unittest.main()
