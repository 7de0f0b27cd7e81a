"""An access that fails is an exception, and no dead process."""
import ctypes
import errno
import faulthandler
import os
import tempfile
import unittest

import kmapper
from scratch import PAGE, FileTest


class CutFile(FileTest):
    def setUp(self):
        self.path = self.file(4 * PAGE)
        self.opened = kmapper.Window(self.path, kmapper.Budget(1 << 20, granule=PAGE, placement="slots"))

    def test_is_an_error_of_the_mapping(self):
        mapping = self.opened.map(PAGE, 10)
        mapping.check()
        os.truncate(self.path, 0)
        self.assertEqual(bytes(mapping), bytes(10))
        line = rf"^{self.path}: 10 bytes at {PAGE}: the file has become shorter than what is mapped of it$"
        for tell in (mapping.check, mapping.close):
            with self.assertRaisesRegex(kmapper.Error, line) as caught:
                tell()
            self.assertEqual(caught.exception.status, "cut_short")
        mapping.close()

    def test_is_an_error_at_the_end_of_with(self):
        with self.assertRaisesRegex(kmapper.Error, "has become shorter"):
            with self.opened.map(0, 10) as mapping:
                os.truncate(self.path, 0)
                bytes(mapping)

    def test_does_not_hide_the_exception_of_the_block(self):
        with self.assertRaises(KeyError):
            with self.opened.map(0, 10) as mapping:
                os.truncate(self.path, 0)
                bytes(mapping)
                raise KeyError

    def test_is_an_error_of_a_slice(self):
        held = self.opened.map(PAGE, 1)  # so that the slice is mapped, as what the file was
        os.truncate(self.path, 0)
        with self.assertRaisesRegex(kmapper.Error, rf"{self.path}: 8 bytes at {PAGE}: ") as caught:
            self.opened[PAGE:PAGE + 8]
        self.assertEqual(caught.exception.status, "cut_short")
        del held

    def test_is_an_error_also_where_faulthandler_reports_what_is_fatal(self):
        self.assertTrue(faulthandler.is_enabled())
        self.test_is_an_error_of_the_mapping()


class FullDisk(FileTest):
    def full_file(self):
        """A file of holes, on a disk that has room for none of them but 64 KiB."""
        namespace, private = 0x20000, 0x44000  # CLONE_NEWNS, MS_REC | MS_PRIVATE
        folder = tempfile.mkdtemp(prefix="kmapper-python-")
        self.addCleanup(os.rmdir, folder)
        libc = ctypes.CDLL(None)
        if (libc.unshare(namespace) or libc.mount(b"none", b"/", None, private, None) or
                libc.mount(b"none", os.fsencode(folder), b"tmpfs", 0, b"size=64k")):
            self.skipTest("this process cannot mount a disk")
        self.addCleanup(libc.umount2, os.fsencode(folder), 2)  # MNT_DETACH
        path = f"{folder}/full"
        with open(path, "wb") as file:
            file.truncate(1 << 20)
        return path

    def test_is_an_OSError_of_a_slice_and_of_the_next_sync(self):
        path = self.full_file()
        window = kmapper.Window(path, kmapper.Budget(2 << 20, granule=PAGE), writable=True)
        for fails in (lambda: window.__setitem__(slice(None), b"x" * len(window)), window.sync):
            with self.assertRaisesRegex(OSError, rf"{path}: \d+ bytes at \d+: No space left on device$") as caught:
                fails()
            self.assertEqual(caught.exception.errno, errno.ENOSPC)
        window.sync()


if __name__ == "__main__":
    faulthandler.enable()
    unittest.main()
