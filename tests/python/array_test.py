"""kmapper.Array is a file that numpy reads and writes by pieces."""
import unittest
import warnings

import kmapper
from scratch import PAGE, FileTest, numpy_or_skip

numpy = numpy_or_skip()


class ArrayTest(FileTest):
    def array(self, values, writable=False, offset=0, shaped=True):
        self.path = self.file(content=bytes(offset) + values.tobytes())
        budget = kmapper.Budget(64 * PAGE, granule=PAGE)
        return kmapper.Array(kmapper.Window(self.path, budget, writable), values.dtype,
                             values.shape if shaped else None, offset)


class Array(ArrayTest):
    def test_indexes_as_arrays_of_numpy_do(self):
        for values in (numpy.arange(70000, dtype="f8"), numpy.arange(60000, dtype=">i4").reshape(3000, 20),
                       numpy.arange(24, dtype="u1").reshape(2, 3, 4),
                       numpy.arange(5000).astype("M8[s]"), numpy.zeros(9, "i4, f8, S3")):
            array = self.array(values, offset=13)
            self.assertEqual(len(array), len(values))
            for index in (0, -1, numpy.int64(1), slice(None), slice(1, 2), slice(1, 1), slice(-2, None),
                          slice(None, None, 2), slice(None, None, -1), [1, 0, -1], numpy.array([1, 1])):
                self.assertEqual(array[index].dtype, values.dtype)
                self.assertIs(type(array[index]), type(values[index]))
                numpy.testing.assert_array_equal(array[index], values[index])

    def test_gives_copies(self):
        array = self.array(numpy.arange(10), writable=True)
        array[2:4][:] = 0
        self.assertEqual(array[:].sum(), 45)

    def test_is_written_as_arrays_of_numpy_are(self):
        values = numpy.arange(60000, dtype="f4").reshape(3000, 20)
        array = self.array(values, writable=True, offset=7)
        for index, value in ((5, 1), (slice(10, 2000), numpy.arange(20)), (slice(None, None, 1000), -1.5),
                             ([3, -1], [[7] * 20, [8] * 20]), (slice(5, 5), 3)):
            array[index] = values[index] = value
        numpy.testing.assert_array_equal(array[:], values)
        array.window.sync()
        numpy.testing.assert_array_equal(numpy.fromfile(self.path, "f4", offset=7).reshape(3000, 20), values)

    def test_takes_the_rest_of_the_file_without_a_shape(self):
        self.assertEqual(self.array(numpy.arange(10), offset=16, shaped=False).shape, (10,))

    def test_is_converted_by_numpy_as_a_whole(self):
        array = self.array(numpy.arange(10, dtype="i2"))
        self.assertEqual(numpy.asarray(array).dtype, "i2")
        self.assertEqual(array.__array__("f8").dtype, "f8")
        self.assertEqual(numpy.asarray(array, "f8").sum(), 45)
        with self.assertRaisesRegex(ValueError, "is a copy"):
            array.__array__(copy=False)

    def test_names_what_is_wrong(self):
        array = self.array(numpy.arange(10))
        for index in (10, -11, [0, 10]):
            with self.assertRaisesRegex(IndexError, "the array has 10 rows"):
                array[index]
        with self.assertRaises(TypeError):
            array[0.5]
        with self.assertRaises(ValueError):
            array[0:3] = [1, 2]
        for wrong, line in (({"dtype": "O"}, "dtype object: "), ({"dtype": "V0"}, "no bytes"),
                            ({"dtype": "V3"}, "no whole number of items of 3 bytes"),
                            ({"dtype": "u1", "offset": 81}, "80 bytes from offset 81 on"),
                            ({"dtype": "u1", "offset": -1}, "offset -1 is below 0"),
                            ({"dtype": "u1", "shape": (9, 9)}, "takes 81 bytes from offset 0 on, and the file has 80"),
                            ({"dtype": "u1", "shape": ()}, "at least one dimension"),
                            ({"dtype": "u1", "shape": -1}, "none is below 0")):
            with self.assertRaisesRegex(ValueError, line):
                kmapper.Array(array.window, **wrong)


class Chunks(ArrayTest):
    def test_go_through_the_array_in_order(self):
        values = numpy.arange(60000, dtype="i8").reshape(6000, 10)
        array = self.array(values, offset=3)
        for rows in (None, 7, 250):
            chunks = [chunk.copy() for chunk in array.chunks(rows)]
            self.assertTrue(all(len(chunk) == len(chunks[0]) for chunk in chunks[:-1]))
            numpy.testing.assert_array_equal(numpy.concatenate(chunks), values)
        self.assertEqual(list(self.array(values[:0]).chunks()), [])

    def test_are_the_file_itself(self):
        array = self.array(numpy.arange(60000.0), writable=True)
        for chunk in array.chunks():
            chunk *= 2
        array.window.sync()
        numpy.testing.assert_array_equal(numpy.fromfile(self.path), numpy.arange(60000.0) * 2)

    def test_cannot_be_written_where_the_window_was_opened_for_reading(self):
        for chunk in self.array(numpy.arange(10)).chunks():
            with self.assertRaises(ValueError):
                chunk[0] = 1

    def test_are_mapped_as_long_as_they_are_used(self):
        values = numpy.arange(60000)
        array = self.array(values)
        chunks = array.chunks()
        first, second = next(chunks), next(chunks)
        part = second[100:200]
        del second
        chunks.close()
        array.window.close()
        numpy.testing.assert_array_equal(first, values[:len(first)])
        numpy.testing.assert_array_equal(part, values[len(first) + 100:len(first) + 200])

    def test_of_all_sizes_up_to_the_limit_never_wait(self):
        array = self.array(numpy.arange(60000, dtype="u1"), offset=1)
        for rows in range(PAGE - 1, array.window.longest // 3 + 1, 999):
            last = array[:0]
            for last in array.chunks(rows):
                self.assertEqual(last[0], last[:1][0])

    def test_have_a_limit(self):
        array = self.array(numpy.arange(60000, dtype="u1"))
        most = array.window.longest // 3
        for rows in (most + 1, 0, -1):
            with self.assertRaisesRegex(ValueError, rf"^{rows} rows are {rows} bytes, .* from 1 to {most}:"):
                next(array.chunks(rows))

    def test_that_are_all_kept_come_to_the_end_of_the_budget(self):
        """numpy may have threads of its own: then the call waits, and warns."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with self.assertRaises((kmapper.Error, RuntimeWarning)):
                list(self.array(numpy.arange(60000)).chunks())


if __name__ == "__main__":
    unittest.main()
