"""g‴ by code, over flat arrays; 0 at kinks of g, of g′ and of g″, NaN where z is NaN.

A member ``…_third`` writes g‴(z) to out, which may be z itself. `parameters` are those of g. Some g‴ are a g″: those of elu, selu
and exp their own, that of sin the one of cos.
"""

from .activations import FAR, ActivationCode, split
from .elementary import gelu_tanh_jerk, mish_jerk, sigmoid_bend, sigmoid_jerk, silu_jerk, steep_softplus_jerk, tanh_and_slope
from .error_function import ONE_OVER_ROOT_TWO_PI, TWO_OVER_ROOT_PI, lifted_gaussian
from .exponential import LOWERED, lifted_product
from .layout import ActivationParameters
from .linked import family, shared
from .second_derivatives import cos_second, elu_second, exp_second, selu_second, wave_second, zero_second
from .signatures import Line
from .simd import fma


@shared
def tanh_third(z: Line, out: Line, parameters: ActivationParameters):
    """2 s (2 t^2 - s), t = tanh z, s = 1 - t^2."""
    two = z.dtype.type(2)
    for i in range(z.size):
        x = z[i]
        t, slope = tanh_and_slope(x)
        value = two * slope * fma(two * t, t, -slope)
        out[i] = value if x == x else x


@shared
def sigmoid_third(z: Line, out: Line, parameters: ActivationParameters):
    """s (1 - s) (1 - 6 s (1 - s)), s = 1 / (1 + e^-z)."""
    for i in range(z.size):
        x = z[i]
        value = sigmoid_jerk(x)
        out[i] = value if x == x else x


@shared
def softplus_third(z: Line, out: Line, parameters: ActivationParameters):
    """beta^2 s (1 - s) (1 - 2 s), s = 1 / (1 + e^(-beta z))."""
    if parameters.first != 1.0:
        beta, beta_rest = split(z, parameters.first)
        for i in range(z.size):
            x = z[i]
            value = steep_softplus_jerk(x, beta, beta_rest)
            out[i] = value if x == x else x
        return
    for i in range(z.size):
        x = z[i]
        value = sigmoid_bend(x)
        out[i] = value if x == x else x


@shared
def gelu_third(z: Line, out: Line, parameters: ActivationParameters):
    """(z^3 - 4 z) times the normal density."""
    half, four, far = z.dtype.type(0.5), z.dtype.type(4), z.dtype.type(FAR)
    for i in range(z.size):
        x = z[i]
        near = min(max(x, -far), far)
        density = lifted_product(z.dtype.type(ONE_OVER_ROOT_TWO_PI), lifted_gaussian(near, half))
        value = near * fma(near, near, -four) * density * LOWERED(x)
        out[i] = value if x == x else x


@shared
def silu_third(z: Line, out: Line, parameters: ActivationParameters):
    """s (1 - s) (3 (1 - 2 s) + z (1 - 6 s (1 - s))), s = 1 / (1 + e^-z)."""
    for i in range(z.size):
        x = z[i]
        value = silu_jerk(x)
        out[i] = value if x == x else x


@shared
def softsign_third(z: Line, out: Line, parameters: ActivationParameters):
    """6 / (1 + |z|)^4, 0 at 0."""
    zero, one, six = z.dtype.type(0), z.dtype.type(1), z.dtype.type(6)
    for i in range(z.size):
        x = z[i]
        d = one / (one + abs(x))
        value = six * d * d * (d * d) if x != zero else zero
        out[i] = value if x == x else x


@shared
def cos_third(z: Line, out: Line, parameters: ActivationParameters):
    """sin z."""
    wave_second(z, out, 0.0)


@shared
def gaussian_third(z: Line, out: Line, parameters: ActivationParameters):
    """4 z (3 - 2 z^2) e^-z^2."""
    one, two, three, four, far = z.dtype.type(1), z.dtype.type(2), z.dtype.type(3), z.dtype.type(4), z.dtype.type(FAR)
    for i in range(z.size):
        x = z[i]
        near = min(max(x, -far), far)
        value = lifted_product(four * near * fma(-two * near, near, three), lifted_gaussian(near, one)) * LOWERED(x)
        out[i] = value if x == x else x


@shared
def erf_third(z: Line, out: Line, parameters: ActivationParameters):
    """(8 z^2 - 4) e^-z^2 / √π."""
    one, two, four, far = z.dtype.type(1), z.dtype.type(2), z.dtype.type(4), z.dtype.type(FAR)
    for i in range(z.size):
        x = z[i]
        near = min(max(x, -far), far)
        slope = lifted_product(z.dtype.type(TWO_OVER_ROOT_PI), lifted_gaussian(near, one))
        value = fma(four * near, near, -two) * slope * LOWERED(x)
        out[i] = value if x == x else x


@shared
def gelu_tanh_third(z: Line, out: Line, parameters: ActivationParameters):
    """s (1 - s) (3 w″ + z w‴ + 3 w′ (w′ + z w″) (1 - 2 s) + z w′^3 (1 - 6 s (1 - s))), s = 1 / (1 + e^-w), w a cubic of z."""
    for i in range(z.size):
        x = z[i]
        value = gelu_tanh_jerk(x)
        out[i] = value if x == x else x


@shared
def mish_third(z: Line, out: Line, parameters: ActivationParameters):
    """3 t″ + z t‴, t = tanh(log(1 + e^z))."""
    for i in range(z.size):
        x = z[i]
        value = mish_jerk(x)
        out[i] = value if x == x else x


@shared
def log_sigmoid_third(z: Line, out: Line, parameters: ActivationParameters):
    """-s (1 - s) (1 - 2 s), s = 1 / (1 + e^-z)."""
    for i in range(z.size):
        x = z[i]
        value = -sigmoid_bend(x)
        out[i] = value if x == x else x


third_derivative, prepare_third_derivatives = family("third_derivative", {
    ActivationCode.IDENTITY: zero_second,
    ActivationCode.TANH: tanh_third,
    ActivationCode.SIGMOID: sigmoid_third,
    ActivationCode.RELU: zero_second,
    ActivationCode.LEAKY_RELU: zero_second,
    ActivationCode.ELU: elu_second,
    ActivationCode.SELU: selu_second,
    ActivationCode.SOFTPLUS: softplus_third,
    ActivationCode.GELU: gelu_third,
    ActivationCode.SILU: silu_third,
    ActivationCode.SOFTSIGN: softsign_third,
    ActivationCode.SIN: cos_second,
    ActivationCode.COS: cos_third,
    ActivationCode.EXP: exp_second,
    ActivationCode.GAUSSIAN: gaussian_third,
    ActivationCode.ERF: erf_third,
    ActivationCode.HARD_TANH: zero_second,
    ActivationCode.GELU_TANH: gelu_tanh_third,
    ActivationCode.MISH: mish_third,
    ActivationCode.HARD_SIGMOID: zero_second,
    ActivationCode.HARD_SWISH: zero_second,
    ActivationCode.LOG_SIGMOID: log_sigmoid_third,
})
