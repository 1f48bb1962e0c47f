"""Orders that kernels draw: the bits of NumPy's generator."""

import numpy as np
import pytest

from engine.compiled_run import words
from engine.kernels.orders import OrderCode, draw_order

DRAWS = {OrderCode.SEQUENTIAL: lambda generator, n: np.arange(n),
         OrderCode.SHUFFLED: lambda generator, n: generator.permutation(n),
         OrderCode.WITH_REPLACEMENT: lambda generator, n: generator.integers(0, n, n) if n else np.arange(0)}


def drawn(code, seed, epoch, n):
    out = np.full(n, -1)
    draw_order(code.value, words(seed), epoch, out)
    return out


@pytest.mark.parametrize("code", DRAWS)
@pytest.mark.parametrize("seed", [0, 1, 12345, 2**32 - 1, 2**32, 2**40 + 5, 2**64 + 3, 2**130 + 17, 2**300 + 9])
def test_an_order_has_numpys_bits_for_any_seed_and_epoch(code, seed):
    for epoch in (0, 1, 2**32 - 1, 2**32, 2**40):
        for n in (0, 1, 2, 3, 33):
            assert np.array_equal(drawn(code, seed, epoch, n), DRAWS[code](np.random.default_rng([seed, epoch]), n)), (epoch, n)


@pytest.mark.compiled
@pytest.mark.parametrize("code", DRAWS)
def test_an_order_has_numpys_bits_for_any_number_of_samples(code):
    for n in (*range(2, 70), 127, 128, 129, 512, 1797, 65536, 65537, 300_001):
        for epoch in range(3):
            assert np.array_equal(drawn(code, 7, epoch, n), DRAWS[code](np.random.default_rng([7, epoch]), n)), (epoch, n)


def test_a_seed_in_words():
    assert words(0).tolist() == [0] and words(2**32 - 1).tolist() == [2**32 - 1]
    assert words(2**32).tolist() == [0, 1] and words(5 + (7 << 32) + (1 << 95)).tolist() == [5, 7, 1 << 31]
