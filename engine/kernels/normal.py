"""Standard normal numbers of random ones (Box & Muller 1958), by our own logarithm, sine and cosine: the same on any machine."""

import numpy as np

from .linked import kernel
from .logarithm import log
from .trigonometric import waves_moderate


@kernel
def standard_normal(whole, unit, out):
    """out [2 h] = √(-2 log u) cos 2π v, then √(-2 log u) sin 2π v: u = (whole + 1/2) unit of the first h whole numbers [2 h],
    v = whole unit of the others, all of them less than 1 / unit."""
    half, scale, turn = whole.size // 2, out.dtype.type(unit), out.dtype.type(6.283185307179586 * unit)
    middle, minus_two = out.dtype.type(0.5), out.dtype.type(-2.0)
    radii, angles, first, second = whole[:half], whole[half:], out[:half], out[half:]
    for i in range(half):
        radius = np.sqrt(minus_two * log((out.dtype.type(radii[i]) + middle) * scale))
        sine, cosine = waves_moderate(out.dtype.type(angles[i]) * turn, 0.0)
        first[i], second[i] = radius * cosine, radius * sine
