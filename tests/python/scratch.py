"""What the tests of the module share."""
import os
import sys
import tempfile
import unittest

import kmapper

PAGE = os.sysconf("SC_PAGESIZE")


def numpy_or_skip():
    """The module numpy. Without it, ends the test as CTest wants a test that was skipped."""
    try:
        import numpy
    except ImportError as missing:
        print(f"skipped: {missing}: it is in Debian's package python3-numpy")
        sys.exit(77)
    return numpy


class FileTest(unittest.TestCase):
    """A test with files of its own, which are gone when it ends."""

    def file(self, size=0, content=b""):
        """The path of a new file that begins with `content` and has `size` bytes, or as many as that."""
        file = tempfile.NamedTemporaryFile(prefix="kmapper-python-")
        self.addCleanup(file.close)
        file.write(content)
        file.flush()
        os.truncate(file.name, max(size, len(content)))
        return file.name

    def window(self, *arguments, budget=None, writable=False, **of_file):
        budget = budget or kmapper.Budget(1 << 20, granule=PAGE)
        return kmapper.Window(self.file(*arguments, **of_file), budget, writable)


def in_a_child(act):
    """Calls act() in a fork of this process. Returns the child's exit code: 0 if act() returned."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException as error:  # whatever it is, the child's part of the test ends here
            print(f"in the child: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
