"""g″ by code, over flat arrays; 0 at kinks of g and of g′, NaN where z is NaN.

A member ``…_second`` writes g″(z) to out, which may be z itself. `parameters` are those of g.
"""

import math

from .activations import FAR, SELU_ALPHA, SELU_SCALE, ActivationCode, split
from .elementary import (
    exp,
    gelu_tanh_bend,
    mish_bend,
    sigmoid_bend,
    sigmoids,
    silu_bend,
    steep_softplus_bend,
    tanh_and_slope,
)
from .error_function import ONE_OVER_ROOT_TWO_PI, TWO_OVER_ROOT_PI, lifted_gaussian
from .exponential import LOWERED, lifted_exp, lifted_product
from .layout import ActivationParameters
from .linked import family, kernel, shared
from .signatures import Line
from .simd import fma
from .trigonometric import any_huge, waves, waves_moderate


@shared
def zero_second(z: Line, out: Line, parameters: ActivationParameters):
    """0, of an activation that is linear piece by piece."""
    zero = z.dtype.type(0)
    for i in range(z.size):
        x = z[i]
        out[i] = zero if x == x else x


@shared
def tanh_second(z: Line, out: Line, parameters: ActivationParameters):
    """-2 t (1 - t^2), t = tanh z."""
    two = z.dtype.type(2)
    for i in range(z.size):
        x = z[i]
        t, slope = tanh_and_slope(x)
        value = -two * t * slope
        out[i] = value if x == x else x


@shared
def sigmoid_second(z: Line, out: Line, parameters: ActivationParameters):
    """s (1 - s) (1 - 2 s), s = 1 / (1 + e^-z)."""
    for i in range(z.size):
        x = z[i]
        value = sigmoid_bend(x)
        out[i] = value if x == x else x


@shared
def elu_second(z: Line, out: Line, parameters: ActivationParameters):
    """0 above 0, alpha e^z below."""
    zero, alpha = z.dtype.type(0), z.dtype.type(parameters.first)
    for i in range(z.size):
        x = z[i]
        value = zero if x >= zero else lifted_product(alpha, lifted_exp(x, zero)) * LOWERED(x)
        out[i] = value if x == x else x


@shared
def selu_second(z: Line, out: Line, parameters: ActivationParameters):
    """0 above 0, s t e^z below."""
    zero = z.dtype.type(0)
    for i in range(z.size):
        x = z[i]
        value = zero if x >= zero else z.dtype.type(SELU_SCALE * SELU_ALPHA) * exp(x)
        out[i] = value if x == x else x


@shared
def softplus_second(z: Line, out: Line, parameters: ActivationParameters):
    """beta s (1 - s), s = 1 / (1 + e^(-beta z))."""
    if parameters.first != 1.0:
        beta, beta_rest = split(z, parameters.first)
        for i in range(z.size):
            x = z[i]
            value = steep_softplus_bend(x, beta, beta_rest)
            out[i] = value if x == x else x
        return
    for i in range(z.size):
        x = z[i]
        s, rest = sigmoids(x)
        value = s * rest
        out[i] = value if x == x else x


@shared
def gelu_second(z: Line, out: Line, parameters: ActivationParameters):
    """(2 - z^2) times the normal density."""
    half, two, far = z.dtype.type(0.5), z.dtype.type(2), z.dtype.type(FAR)
    for i in range(z.size):
        x = z[i]
        near = min(max(x, -far), far)
        density = lifted_product(z.dtype.type(ONE_OVER_ROOT_TWO_PI), lifted_gaussian(near, half))
        value = fma(-near, near, two) * density * LOWERED(x)
        out[i] = value if x == x else x


@shared
def silu_second(z: Line, out: Line, parameters: ActivationParameters):
    """s (1 - s) (2 + z (1 - 2 s)), s = 1 / (1 + e^-z)."""
    for i in range(z.size):
        x = z[i]
        value = silu_bend(x)
        out[i] = value if x == x else x


@shared
def softsign_second(z: Line, out: Line, parameters: ActivationParameters):
    """-2 sign z / (1 + |z|)^3, 0 at 0."""
    zero, one, two = z.dtype.type(0), z.dtype.type(1), z.dtype.type(2)
    for i in range(z.size):
        x = z[i]
        d = one / (one + abs(x))
        value = -two * math.copysign(d * d * d, x) if x != zero else zero
        out[i] = value if x == x else x


@kernel
def wave_second(z, out, shift):
    """sin(z + shift pi/2)."""
    if any_huge(z):
        for i in range(z.size):
            out[i] = waves(z[i], shift)[0]
        return
    for i in range(z.size):
        out[i] = waves_moderate(z[i], shift)[0]


@shared
def sin_second(z: Line, out: Line, parameters: ActivationParameters):
    """-sin z."""
    wave_second(z, out, 2.0)


@shared
def cos_second(z: Line, out: Line, parameters: ActivationParameters):
    """-cos z."""
    wave_second(z, out, 3.0)


@shared
def exp_second(z: Line, out: Line, parameters: ActivationParameters):
    """e^z."""
    for i in range(z.size):
        x = z[i]
        value = exp(x)
        out[i] = value if x == x else x


@shared
def gaussian_second(z: Line, out: Line, parameters: ActivationParameters):
    """(4 z^2 - 2) e^-z^2."""
    one, two, far = z.dtype.type(1), z.dtype.type(2), z.dtype.type(FAR)
    for i in range(z.size):
        x = z[i]
        near = min(max(x, -far), far)
        value = lifted_product(fma(two * two * near, near, -two), lifted_gaussian(near, one)) * LOWERED(x)
        out[i] = value if x == x else x


@shared
def erf_second(z: Line, out: Line, parameters: ActivationParameters):
    """-4 z e^-z^2 / √π."""
    one, two, far = z.dtype.type(1), z.dtype.type(2), z.dtype.type(FAR)
    for i in range(z.size):
        x = z[i]
        near = min(max(x, -far), far)
        slope = lifted_product(z.dtype.type(TWO_OVER_ROOT_PI), lifted_gaussian(near, one))
        value = -two * near * slope * LOWERED(x)
        out[i] = value if x == x else x


@shared
def gelu_tanh_second(z: Line, out: Line, parameters: ActivationParameters):
    """s (1 - s) (2 w′ + z w″ + z w′^2 (1 - 2 s)), s = 1 / (1 + e^-w), w a cubic of z."""
    for i in range(z.size):
        x = z[i]
        value = gelu_tanh_bend(x)
        out[i] = value if x == x else x


@shared
def mish_second(z: Line, out: Line, parameters: ActivationParameters):
    """2 t′ + z t″, t = tanh(log(1 + e^z))."""
    for i in range(z.size):
        x = z[i]
        value = mish_bend(x)
        out[i] = value if x == x else x


@shared
def hard_swish_second(z: Line, out: Line, parameters: ActivationParameters):
    """1/3 between -3 and 3, 0 elsewhere."""
    zero, three, third = z.dtype.type(0), z.dtype.type(3), z.dtype.type(1 / 3)
    for i in range(z.size):
        x = z[i]
        value = third if abs(x) < three else zero
        out[i] = value if x == x else x


@shared
def log_sigmoid_second(z: Line, out: Line, parameters: ActivationParameters):
    """-s (1 - s), s = 1 / (1 + e^-z)."""
    for i in range(z.size):
        x = z[i]
        s, rest = sigmoids(x)
        value = -s * rest
        out[i] = value if x == x else x


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
    ActivationCode.GELU_TANH: gelu_tanh_second,
    ActivationCode.MISH: mish_second,
    ActivationCode.HARD_SIGMOID: zero_second,
    ActivationCode.HARD_SWISH: hard_swish_second,
    ActivationCode.LOG_SIGMOID: log_sigmoid_second,
})
