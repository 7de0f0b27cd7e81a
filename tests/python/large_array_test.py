"""numpy reads and writes an array of 100 GiB within a budget of 256 MiB."""
import unittest

import kmapper
from scratch import FileTest, numpy_or_skip

numpy = numpy_or_skip()
GIB = 1 << 30
LENGTH = 100 * GIB // 8


def most_resident():
    """The most memory that this process has had, in bytes."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM:"))


class LargeArray(FileTest):
    def test_is_read_and_written_within_the_budget(self):
        for placement in ("automatic", "slots", "copies"):
            with self.subTest(placement):
                self.go_through(self.file(100 * GIB), placement)
        self.assertLess(most_resident(), 600 << 20)

    def go_through(self, path, placement):
        rows = [0, 1, 10**6, 12_345_678_901, LENGTH - 2, LENGTH - 1]
        rows += range(LENGTH // 2, LENGTH // 2 + 2**27, 2**20)  # of one GiB, four times the budget
        with open(path, "r+b") as file:
            for row in rows:
                file.seek(8 * row)
                file.write(numpy.float64(row).tobytes())

        budget = kmapper.Budget(256 << 20, placement=placement)
        array = kmapper.Array(kmapper.Window(path, budget, writable=placement != "copies"), "f8")
        self.assertEqual(array.shape, (LENGTH,))
        numpy.testing.assert_array_equal(array[rows], rows)
        self.assertEqual(array[LENGTH // 2 - 1:LENGTH // 2 + 2**20 + 1].sum(), LENGTH + 2**20)

        middle = kmapper.Array(array.window, "f8", 2**27, offset=8 * (LENGTH // 2))
        self.assertEqual(sum(chunk.sum() for chunk in middle.chunks(1 << 20)), sum(rows[6:]))
        self.assertEqual(sum(middle[row:row + 2**20].sum() for row in range(0, len(middle), 2**20)), sum(rows[6:]))
        if placement != "copies":
            for chunk in middle.chunks():
                chunk[0] += 1
            array.window.sync()
            self.assertGreater(sum(middle[:1]), rows[6])
            self.assertEqual(numpy.fromfile(path, "f8", 1, offset=middle.offset)[0], rows[6] + 1)
        stats = budget.stats()
        self.assertLessEqual(stats["mapped"], 256 << 20)


if __name__ == "__main__":
    unittest.main()
