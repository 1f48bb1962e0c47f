"""g″ by code, over flat arrays; 0 at kinks of g and of g′, NaN where z is NaN.

A member ``…_second`` writes g″(z) to out, which may be z itself.
"""

import math

import numpy as np

from .activations import FAR, SELU_ALPHA, SELU_SCALE, ActivationCode
from .elementary import cos, exp, sigmoid_bend, sigmoids, silu_bend, sin, tanh_and_slope
from .error_function import ONE_OVER_ROOT_TWO_PI, TWO_OVER_ROOT_PI, lifted_gaussian
from .exponential import LOWERED, lifted_product
from .linked import family, shared
from .signatures import Line
from .simd import fma


@shared
def zero_second(z: Line, out: Line):
    """0, of an activation that is linear piece by piece."""
    zero = z.dtype.type(0)
    for i in range(z.size):
        x = z[i]
        out[i] = zero if x == x else x


@shared
def tanh_second(z: Line, out: Line):
    """-2 t (1 - t^2), t = tanh z."""
    two = z.dtype.type(2)
    for i in range(z.size):
        x = z[i]
        t, slope = tanh_and_slope(x)
        value = -two * t * slope
        out[i] = value if x == x else x


@shared
def sigmoid_second(z: Line, out: Line):
    """s (1 - s) (1 - 2 s), s = 1 / (1 + e^-z)."""
    for i in range(z.size):
        x = z[i]
        value = sigmoid_bend(x)
        out[i] = value if x == x else x


@shared
def elu_second(z: Line, out: Line):
    """0 above 0, e^z below."""
    zero = z.dtype.type(0)
    for i in range(z.size):
        x = z[i]
        value = zero if x >= zero else exp(x)
        out[i] = value if x == x else x


@shared
def selu_second(z: Line, out: Line):
    """0 above 0, s t e^z below."""
    zero = z.dtype.type(0)
    for i in range(z.size):
        x = z[i]
        value = zero if x >= zero else z.dtype.type(SELU_SCALE * SELU_ALPHA) * exp(x)
        out[i] = value if x == x else x


@shared
def softplus_second(z: Line, out: Line):
    """s (1 - s), s = 1 / (1 + e^-z)."""
    for i in range(z.size):
        x = z[i]
        s, rest = sigmoids(x)
        value = s * rest
        out[i] = value if x == x else x


@shared
def gelu_second(z: Line, out: Line):
    """(2 - z^2) times the normal density."""
    half, two, far = z.dtype.type(0.5), z.dtype.type(2), z.dtype.type(FAR)
    for i in range(z.size):
        x = z[i]
        near = min(max(x, -far), far)
        density = lifted_product(z.dtype.type(ONE_OVER_ROOT_TWO_PI), lifted_gaussian(near, half))
        value = fma(-near, near, two) * density * LOWERED(x)
        out[i] = value if x == x else x


@shared
def silu_second(z: Line, out: Line):
    """s (1 - s) (2 + z (1 - 2 s)), s = 1 / (1 + e^-z)."""
    for i in range(z.size):
        x = z[i]
        value = silu_bend(x)
        out[i] = value if x == x else x


@shared
def softsign_second(z: Line, out: Line):
    """-2 sign z / (1 + |z|)^3, 0 at 0."""
    zero, one, two = z.dtype.type(0), z.dtype.type(1), z.dtype.type(2)
    for i in range(z.size):
        x = z[i]
        d = one / (one + abs(x))
        value = -two * math.copysign(d * d * d, x) if x != zero else zero
        out[i] = value if x == x else x


@shared
def sin_second(z: Line, out: Line):
    """-sin z."""
    for i in range(z.size):
        x = z[i]
        value = -sin(x)
        out[i] = value if x == x else x


@shared
def cos_second(z: Line, out: Line):
    """-cos z."""
    for i in range(z.size):
        x = z[i]
        value = -cos(x)
        out[i] = value if x == x else x


@shared
def exp_second(z: Line, out: Line):
    """e^z."""
    for i in range(z.size):
        x = z[i]
        value = exp(x)
        out[i] = value if x == x else x


@shared
def gaussian_second(z: Line, out: Line):
    """(4 z^2 - 2) e^-z^2."""
    one, two, far = z.dtype.type(1), z.dtype.type(2), z.dtype.type(FAR)
    for i in range(z.size):
        x = z[i]
        near = min(max(x, -far), far)
        value = lifted_product(fma(two * two * near, near, -two), lifted_gaussian(near, one)) * LOWERED(x)
        out[i] = value if x == x else x


@shared
def erf_second(z: Line, out: Line):
    """-4 z e^-z^2 / √π."""
    one, two, far = z.dtype.type(1), z.dtype.type(2), z.dtype.type(FAR)
    for i in range(z.size):
        x = z[i]
        near = min(max(x, -far), far)
        slope = lifted_product(z.dtype.type(TWO_OVER_ROOT_PI), lifted_gaussian(near, one))
        value = -two * near * slope * LOWERED(x)
        out[i] = value if x == x else x


@shared
def unknown_second(z: Line, out: Line):
    """NaN, for a code that is no activation's."""
    for i in range(z.size):
        out[i] = np.nan


second_derivative, prepare_second_derivatives = family("second_derivative", {
    ActivationCode.IDENTITY: zero_second,
    ActivationCode.TANH: tanh_second,
    ActivationCode.SIGMOID: sigmoid_second,
    ActivationCode.RELU: zero_second,
    ActivationCode.LEAKY_RELU: zero_second,
    ActivationCode.ELU: elu_second,
    ActivationCode.SELU: selu_second,
    ActivationCode.SOFTPLUS: softplus_second,
    ActivationCode.GELU: gelu_second,
    ActivationCode.SILU: silu_second,
    ActivationCode.SOFTSIGN: softsign_second,
    ActivationCode.SIN: sin_second,
    ActivationCode.COS: cos_second,
    ActivationCode.EXP: exp_second,
    ActivationCode.GAUSSIAN: gaussian_second,
    ActivationCode.ERF: erf_second,
    ActivationCode.HARD_TANH: zero_second,
}, unknown_second)
