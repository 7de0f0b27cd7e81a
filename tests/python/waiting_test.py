"""Calls that wait do so without the GIL, warn, can be interrupted, and never wait for themselves."""
import signal
import threading
import time
import unittest
import warnings

import kmapper
from scratch import PAGE, FileTest


class Waiting(FileTest):
    def setUp(self):
        """All of the budget is held but what is for long ranges."""
        self.budget = kmapper.Budget(8 * PAGE, granule=PAGE)
        self.opened = kmapper.Window(self.file(64 * PAGE), self.budget)
        self.hold()

    def hold(self):
        stats = self.budget.stats()
        self.held = [self.opened.map(i * PAGE, 1) for i in range((stats["budget"] - stats["span_bytes"]) // PAGE)]

    def beside(self, act):
        """Runs act() in a thread, which is joined at the end."""
        thread = threading.Thread(target=act)
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def test_is_an_error_where_no_thread_is_left_to_give_anything_back(self):
        with self.assertRaisesRegex(kmapper.Error, "all threads sleep for mappings") as caught:
            self.opened.map(60 * PAGE, 1)
        self.assertEqual(caught.exception.status, "would_deadlock")
        self.held.pop()
        self.opened.map(60 * PAGE, 1)

    def test_goes_on_when_another_thread_gives_something_back(self):
        for show in (lambda: bytes(self.opened.map(60 * PAGE, 1)), lambda: self.opened[61 * PAGE:61 * PAGE + 1]):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                self.beside(self.give_back_soon)
                self.assertEqual(show(), b"\0")
            self.hold()
        self.assertEqual(self.budget.stats()["sleeps"], 2)

    def give_back_soon(self):
        time.sleep(0.1)  # in which the other thread begins to wait, and has not got the GIL
        self.held.clear()

    def test_warns_after_a_second_and_goes_on(self):
        def give_back():
            begin = time.monotonic()
            while not caught and time.monotonic() < begin + 5:
                time.sleep(0.01)
            self.held.clear()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.beside(give_back)
            self.assertEqual(self.opened[60 * PAGE:60 * PAGE + 1], b"\0")
        self.assertEqual([it.category for it in caught], [RuntimeWarning])
        self.assertRegex(str(caught[0].message), rf"has waited for a second: .*: \d+ bytes at {60 * PAGE}: ")

    def test_ends_with_an_exception_of_a_signal(self):
        class Interrupted(Exception):
            pass

        def interrupt(number, frame):
            raise Interrupted
        done = threading.Event()
        self.beside(done.wait)
        self.addCleanup(done.set)
        self.addCleanup(signal.signal, signal.SIGALRM, signal.signal(signal.SIGALRM, interrupt))
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with self.assertRaises(Interrupted):
                self.opened.map(60 * PAGE, 1)
        self.held.pop()
        self.opened.map(60 * PAGE, 1)


class Threads(FileTest):
    def test_map_read_and_write_one_window_at_once(self):
        """Each adds one to each of its words, of which a granule has one for every thread."""
        threads, words = 4, 512
        window = self.window(words * PAGE, budget=kmapper.Budget(64 * PAGE, granule=PAGE), writable=True)
        failed = []

        def count(thread):
            try:
                for turn in range(3):
                    for word in range(words):
                        begin = word * PAGE + 8 * thread
                        with window.map(begin, 8) as mapping:
                            memoryview(mapping).cast("Q")[0] += 1
                        number = int.from_bytes(window[begin:begin + 8], "little")
                        if number != turn + 1:
                            raise AssertionError(f"{number} at {begin} in turn {turn}")
            except BaseException as error:
                failed.append(error)
        running = [threading.Thread(target=count, args=(thread,)) for thread in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        self.assertEqual(failed, [])

    def test_close_a_window_that_others_use(self):
        for _ in range(50):
            window = self.window(64 * PAGE)
            begun = threading.Event()

            def use():
                try:
                    while True:
                        window[:]
                        window.map(0, PAGE)
                        begun.set()
                except ValueError:  # closed
                    pass
            thread = threading.Thread(target=use)
            thread.start()
            begun.wait()
            window.close()
            thread.join()


if __name__ == "__main__":
    unittest.main()
