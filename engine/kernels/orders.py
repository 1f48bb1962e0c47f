"""The order of an epoch's samples, drawn in compiled code with the bits of NumPy's ``default_rng([seed, epoch])``.

The generator is PCG64 (O'Neill 2014, XSL-RR output), seeded through NumPy's SeedSequence. Its state and increment are 128 bits
each, held as (high, low) words of 64; numbers of 32 bits are the lower and then the upper half of one of 64. NumPy promises its
streams for a version only, so that `engine.compiled_run` compares the first order of a run with NumPy's.
"""

from enum import IntEnum

import numpy as np
from numba import config

from .linked import kernel


class OrderCode(IntEnum):
    """What kernels know an order by."""

    GIVEN = 0  # the indices are there already
    SEQUENTIAL = 1
    SHUFFLED = 2
    WITH_REPLACEMENT = 3


SEQUENTIAL, SHUFFLED, WITH_REPLACEMENT = (code.value for code in list(OrderCode)[1:])

WORD = int if config.DISABLE_JIT else np.uint64  # type: ignore[attr-defined]
LOW_32, LOW_64 = WORD(0xFFFFFFFF), WORD(0xFFFFFFFFFFFFFFFF)
ZERO, ONE, SIX_BITS, HALF, TOP, ALL = (WORD(k) for k in (0, 1, 58, 16, 63, 64))
HASH, HASH_FACTOR = WORD(0x43B0D7E5), WORD(0x931E8875)  # of SeedSequence, as it takes entropy in
OUT, OUT_FACTOR = WORD(0x8B51F9DD), WORD(0x58F38DED)  # and as it gives its state
LEFT, RIGHT = WORD(0xCA01F9DD), WORD(0x4973F715)
FACTOR_HIGH, FACTOR_LOW = WORD(2549297995355413924), WORD(4865540595714422341)  # of PCG64
POOL = 4


@kernel
def spread(value):
    """value ^ (value >> 16), of 32 bits."""
    return value ^ (value >> HALF)


@kernel
def absorb(pool, i, value, constant):
    """Hash `value` into pool[i], or begin pool[i] with it where `constant` is one of the first; the next constant."""
    following = (constant * HASH_FACTOR) & LOW_32
    pool[i] = spread(((value ^ constant) * following) & LOW_32)
    return following


@kernel
def mix_in(pool, i, value, constant):
    """Mix a hash of `value` into pool[i]; the next constant."""
    following = (constant * HASH_FACTOR) & LOW_32
    hashed = spread(((value ^ constant) * following) & LOW_32)
    pool[i] = spread((LEFT * WORD(pool[i]) - RIGHT * hashed) & LOW_32)
    return following


@kernel
def entropy(seed, epoch, i):
    """Word i of [seed, epoch], each in 32-bit words from the lowest; 0 beyond them."""
    if i < seed.size:
        return WORD(seed[i])
    if i == seed.size:
        return WORD(epoch) & LOW_32
    return WORD(epoch) >> WORD(32) if i == seed.size + 1 else ZERO


@kernel
def multiply(x, y):
    """The 128 bits of x · y, as (high, low)."""
    x_high, x_low, y_high, y_low = x >> WORD(32), x & LOW_32, y >> WORD(32), y & LOW_32
    low = x_low * y_low
    middle = x_high * y_low + (low >> WORD(32))
    other = x_low * y_high + (middle & LOW_32)
    return x_high * y_high + (middle >> WORD(32)) + (other >> WORD(32)), (x * y) & LOW_64


@kernel
def advance(high, low, step_high, step_low):
    """The state of PCG64 that follows (high, low)."""
    top, bottom = multiply(low, FACTOR_LOW)
    top += high * FACTOR_LOW + low * FACTOR_HIGH
    bottom = (bottom + step_low) & LOW_64
    return (top + step_high + (ONE if bottom < step_low else ZERO)) & LOW_64, bottom


@kernel
def output(high, low):
    """The number of 64 bits that a state gives."""
    value, turn = high ^ low, high >> SIX_BITS
    return ((value >> turn) | (value << ((ALL - turn) & TOP))) & LOW_64


@kernel
def seeded(seed, epoch):
    """The state (high, low) and the increment (high, low) of PCG64 for SeedSequence([seed, epoch])."""
    pool, constant = np.empty(POOL, np.uint64), HASH
    for i in range(POOL):
        constant = absorb(pool, i, entropy(seed, epoch, i), constant)
    for i in range(POOL):
        for k in range(POOL):
            if i != k:
                constant = mix_in(pool, k, WORD(pool[i]), constant)
    for i in range(POOL, seed.size + (2 if WORD(epoch) > LOW_32 else 1)):
        for k in range(POOL):
            constant = mix_in(pool, k, entropy(seed, epoch, i), constant)
    words, constant = np.empty(4, np.uint64), OUT
    for i in range(8):
        value = WORD(pool[i % POOL]) ^ constant
        constant = (constant * OUT_FACTOR) & LOW_32
        value = spread((value * constant) & LOW_32)
        words[i // 2] = value if i % 2 == 0 else WORD(words[i // 2]) | (value << WORD(32))
    step_high = ((WORD(words[2]) << ONE) | (WORD(words[3]) >> TOP)) & LOW_64
    step_low = ((WORD(words[3]) << ONE) | ONE) & LOW_64
    low = (step_low + WORD(words[1])) & LOW_64
    high = (step_high + WORD(words[0]) + (ONE if low < step_low else ZERO)) & LOW_64
    high, low = advance(high, low, step_high, step_low)
    return high, low, step_high, step_low


@kernel
def next_word(high, low, step_high, step_low, spare, half):
    """A number whose lower 32 bits are the next ones drawn, and what follows it: the state, the upper half of the last number of
    64 bits, and whether that half is still to be used."""
    if half:
        return spare, high, low, spare, False
    high, low = advance(high, low, step_high, step_low)
    value = output(high, low)
    return value, high, low, value >> WORD(32), True


@kernel
def shuffle(high, low, step_high, step_low, out):
    """Exchange each of `out` from the last on with one at or before it, drawn from those by masking and rejection. A number that is
    rejected exchanges an entry with itself, for a jump that is taken at random costs more."""
    i, spare, half = WORD(max(out.size - 1, 0)), ZERO, False
    mask = ONE
    while mask < i:
        mask = (mask << ONE) | ONE
    while i > ZERO:
        below = mask >> ONE
        while i > below:
            value, high, low, spare, half = next_word(high, low, step_high, step_low, spare, half)
            value &= mask & LOW_32
            taken = value <= i
            k = value if taken else i
            out[i], out[k] = out[k], out[i]
            i -= ONE if taken else ZERO
        mask = below


@kernel
def draw_with_replacement(high, low, step_high, step_low, out):
    """Numbers below out.size by Lemire's method (2019)."""
    half, spare, count, i = False, ZERO, WORD(out.size), 0
    threshold = (LOW_32 + ONE - count) % count
    while i < out.size:
        value, high, low, spare, half = next_word(high, low, step_high, step_low, spare, half)
        product = (value & LOW_32) * count
        if (product & LOW_32) >= threshold:
            out[i] = product >> WORD(32)
            i += 1


@kernel
def draw_order(code, seed, epoch, out):
    """The samples of an epoch, in the order of their steps, to out [samples], of fewer than 2³² samples. `seed` holds the 32-bit
    words of the schedule's seed, at least one."""
    if code == SEQUENTIAL or code == SHUFFLED:
        for i in range(out.size):
            out[i] = i
    if code == SHUFFLED and out.size > 1:
        high, low, step_high, step_low = seeded(seed, epoch)
        shuffle(high, low, step_high, step_low, out)
    if code == WITH_REPLACEMENT and out.size == 1:
        out[0] = 0
    if code == WITH_REPLACEMENT and out.size > 1:
        high, low, step_high, step_low = seeded(seed, epoch)
        draw_with_replacement(high, low, step_high, step_low, out)
