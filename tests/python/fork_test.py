"""A child process reads what was mapped when it was forked, and opens windows of its own."""
import threading
import unittest

import kmapper
from scratch import PAGE, FileTest, in_a_child


class Fork(FileTest):
    def setUp(self):
        self.path = self.file(content=b"content" + bytes(9 * PAGE))
        self.opened = kmapper.Window(self.path, kmapper.Budget(1 << 20, granule=PAGE))

    def test_the_child_reads_what_is_mapped(self):
        mapping = self.opened.map(0, 7)

        def read():
            assert bytes(mapping) == b"content"
            mapping.close()
        self.assertEqual(in_a_child(read), 0)
        self.assertEqual(bytes(mapping), b"content")

    def test_the_child_maps_nothing_in_a_window_of_its_parent(self):
        def read():
            for use in (lambda: self.opened.map(PAGE, 1), lambda: self.opened[PAGE:PAGE + 1]):
                try:
                    use()
                except kmapper.Error as error:
                    assert error.status == "forked", error
                else:
                    raise AssertionError("no error")
        self.assertEqual(in_a_child(read), 0)

    def test_the_child_opens_its_own(self):
        def read():
            assert kmapper.Window(self.path, kmapper.Budget())[:7] == b"content"
        self.assertEqual(in_a_child(read), 0)

    def test_the_child_closes_what_its_parent_opened_while_threads_use_it(self):
        done = threading.Event()

        def use():
            while not done.is_set():
                self.opened[:]
        threads = [threading.Thread(target=use) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(20):
                self.assertEqual(in_a_child(self.opened.close), 0)
        finally:
            done.set()
            for thread in threads:
                thread.join()
        self.assertEqual(self.opened[:7], b"content")


if __name__ == "__main__":
    unittest.main()
