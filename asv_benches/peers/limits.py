"""What the machine can do: fills of memory in both kinds of stores, and the tile on data in the first-level cache."""

import numpy as np

import engine
from engine.kernels.linked import kernel
from engine.kernels.simd import lanes_of, stream, tile
from engine.pool import num_threads, over

from .cases import Work

EVERY_CORE = num_threads()
PIECE = 4096  # numbers stored at a time
UNITS, INNER, ROWS, PANELS = 64, 48, 6, 4  # B of a tile takes 12 KiB, A 2 KiB, C 1.5 KiB


def set_threads(count):
    """Use `count` threads, or one for each core where None."""
    engine.set_num_threads(count or EVERY_CORE)


@kernel
def fill(out, value, pieces):
    """Ordinary stores to out [numbers], pieces pieces[0] … pieces[1] - 1."""
    number = value[0]
    part = out[pieces[0] * PIECE:min(pieces[1] * PIECE, out.size)]
    for i in range(part.size):
        part[i] = number


@kernel
def fill_past_the_cache(out, value, pieces):
    """Non-temporal stores to out [numbers], pieces pieces[0] … pieces[1] - 1, out of a scratch in the cache."""
    scratch = np.full(PIECE, value[0], out.dtype)
    for j in range(pieces[0], pieces[1]):
        stream(scratch, 0, out, j * PIECE, min(PIECE, out.size - j * PIECE))


@kernel
def multiply(A, B, C, times, span):
    """`times` tiles for each unit of `span`, on data that stays in the first-level cache; C [units][ROWS * PANELS lines]."""
    lanes = lanes_of(A)
    first, stop, _ = span
    for j in range(first, stop):
        c = j * ROWS * PANELS * lanes
        for _ in range(times):
            tile(ROWS, A, (0, 1, ROWS, 0, 0), B, (0, lanes, INNER * lanes), C, (c, lanes, ROWS * lanes), C, (0, 0, 0),
                 (INNER, 1, PANELS), (0, 0))


def aligned(numbers, dtype):
    """Ones from a cache line's beginning."""
    memory = np.ones(numbers + 64, dtype)
    offset = -memory.ctypes.data % 64 // memory.itemsize
    return memory[offset:offset + numbers]


class Peer:
    """A method for each piece of work. Limits give no numbers to compare."""

    def __init__(self, case):
        self.case = case

    def _filled(self, function, out):
        over(-(-out.size // PIECE), 1e9, function, out, np.full(1, 0.5, out.dtype))

    def _fills(self, rows):
        out = np.ones(rows * self.case.theta.size, self.case.dtype)
        return {"fill": Work(lambda: self._filled(fill, out), lambda _: None),
                "non-temporal fill": Work(lambda: self._filled(fill_past_the_cache, out), lambda _: None)}

    def dense(self):
        return self._fills(self.case.y.size)

    def ggn_diagonals(self):
        return self._fills(self.case.samples)

    def dense_fresh(self):
        def run(function):
            out = np.empty(self.case.y.size * self.case.theta.size, self.case.dtype)
            self._filled(function, out)
        return {"fill of fresh memory": Work(lambda: run(fill), lambda _: None)}

    def _peak(self, work):
        lanes = 64 // self.case.dtype.itemsize
        A, B, C = (aligned(count, self.case.dtype)
                   for count in (INNER * ROWS, INNER * PANELS * lanes, UNITS * ROWS * PANELS * lanes))
        each = UNITS * ROWS * INNER * PANELS * lanes
        times = max(1, round(2e8 / each))
        return {"peak": Work(lambda: over(UNITS, 1e9, multiply, A, B, C, times), lambda _: None,
                             times * each / self.case.multiply_adds(work))}

    def chains(self):
        return self._peak("chains")

    def chains_kept(self):
        return self._peak("chains_kept")

    def products_kept(self):
        return self._peak("products_kept")

    def products(self):
        return self._peak("products")

    def forward(self):
        return self._peak("forward")

    def gradient(self):
        return self._peak("gradient")

    def gradient_moments(self):
        return self._peak("gradient_moments")

    def adam_step(self):
        return self._peak("adam_step")

    def levenberg_marquardt(self):
        return self._peak("levenberg_marquardt")
