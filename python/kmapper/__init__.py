"""Files far larger than memory, within a budget.

    budget = kmapper.Budget(256 << 20)                   # mapped at any moment, at most
    window = kmapper.Window("data.bin", budget)          # any number of files may share it
    with window.map(100 << 30, 4096) as mapping:         # a buffer: memoryview, numpy.frombuffer()
        print(bytes(memoryview(mapping)[:4]))
    array = kmapper.Array(window, "f8")                  # the file as an array of numpy
    total = sum(chunk.sum() for chunk in array.chunks())

What the library refuses is a kmapper.Error, what the system refuses an OSError.
"""
from ._kmapper import Budget, Error, Mapping, Window, __version__

__all__ = ["Array", "Budget", "Error", "Mapping", "Window"]


class Array:
    """A file, or a part of it, as an array that numpy reads and writes by pieces.

    The array lies in the file as numpy.ndarray.tofile() writes it: in C order, from `offset` on. Without a shape it has
    one dimension and takes the rest of the file. Its rows, array[i], are what the first dimension counts.

    array[i] and array[i:j:k], or a list of row numbers, are copies, of any size; the same on the left of `=` write to
    the file. chunks() goes through the array without a copy.
    """

    def __init__(self, window, dtype, shape=None, offset=0):
        import numpy  # not before it is needed: the rest of the module works without it
        self.window, self.dtype, self.offset = window, numpy.dtype(dtype), offset
        if self.dtype.hasobject or not self.dtype.itemsize:
            raise ValueError(f"dtype {self.dtype}: its items have no bytes that a file can hold")
        if offset < 0:
            raise ValueError(f"offset {offset} is below 0")
        if shape is None:
            shape, rest = divmod(len(window) - offset, self.dtype.itemsize)
            if shape < 0 or rest:
                raise ValueError(f"{len(window)} bytes from offset {offset} on are no whole number of items of "
                                 f"{self.dtype.itemsize} bytes")
        self.shape = tuple(shape) if hasattr(shape, "__iter__") else (shape,)
        if not self.shape or min(self.shape) < 0:
            raise ValueError(f"shape {shape}: an array has at least one dimension, and none is below 0")
        self._row = self.dtype.itemsize
        for length in self.shape[1:]:
            self._row *= length
        if offset + len(self) * self._row > len(window):
            raise ValueError(f"shape {shape} takes {len(self) * self._row} bytes from offset {offset} on, and the file "
                             f"has {len(window)}")

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return f"kmapper.Array(dtype={self.dtype.str!r}, shape={self.shape}, offset={self.offset})"

    def __getitem__(self, index):
        import numpy
        rows, shape = self._rows(index)
        result = numpy.empty(shape, self.dtype)
        bytes_of = memoryview(result.reshape(-1).view("B"))
        for at, begin, length in self._runs(rows):
            self.window.readinto(begin, bytes_of[at:at + length])
        return result if result.shape else result[()]

    def __setitem__(self, index, value):
        import numpy
        rows, shape = self._rows(index)
        value = numpy.ascontiguousarray(numpy.broadcast_to(numpy.asarray(value, self.dtype), shape))
        bytes_of = memoryview(value.reshape(-1).view("B"))
        for at, begin, length in self._runs(rows):
            self.window[begin:begin + length] = bytes_of[at:at + length]

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("an array of numpy is a copy of this one: see chunks()")
        return self[:] if dtype is None else self[:].astype(dtype)

    def chunks(self, rows=None):
        """Yields the array in pieces of so many rows, the last one shorter.

        A chunk is the file itself: where the window was opened for writing, to write to it writes to the file. It is
        mapped as long as an array of it is left, so a loop that keeps them all comes to the end of the budget. It has
        at most a third of window.longest bytes, since the next is mapped while the loop still has the last. Without
        `rows`, it has about a quarter of that, or 4 MiB.
        """
        import numpy
        most = self.window.longest // 3
        rows = max(1, min(most // 4, 4 << 20) // max(1, self._row)) if rows is None else rows
        if not 0 < rows * self._row <= most:
            raise ValueError(f"{rows} rows are {rows * self._row} bytes, and a chunk has from 1 to {most}: see "
                             "span_bytes of kmapper.Budget")
        for begin in range(0, len(self), rows):
            shape = (min(rows, len(self) - begin), *self.shape[1:])
            with self.window.map(self.offset + begin * self._row, shape[0] * self._row) as mapping:
                yield numpy.frombuffer(mapping, self.dtype).reshape(shape)

    def _rows(self, index):
        """The numbers of the rows, and the shape of an array of them."""
        every = range(len(self))
        try:
            if isinstance(index, slice):
                rows = every[index]
            elif hasattr(index, "__len__"):
                rows = [every[it] for it in index]
            else:
                return [every[index]], self.shape[1:]
        except IndexError:
            raise IndexError(f"index {index}: the array has {len(self)} rows") from None
        return rows, (len(rows), *self.shape[1:])

    def _runs(self, rows):
        """For each run of rows: its offset in memory and in the file, and its length, in bytes."""
        if isinstance(rows, range) and rows.step == 1 and rows:
            yield 0, self.offset + rows.start * self._row, len(rows) * self._row
        else:
            for place, row in enumerate(rows):
                yield place * self._row, self.offset + row * self._row, self._row
