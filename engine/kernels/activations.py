"""g and g′ by code, over flat arrays (eq. 2 and 4); g″ and g‴ are in second_derivatives.py and third_derivatives.py.

A member ``…_layer`` replaces z by g(z) and writes g′(z) to gamma: `count` numbers of each, from `offset` and `gamma_offset` on;
`parameters` are those of g, and DEFAULTS says which activations have some. Those without curvature are in piecewise.py. A choice
that leaves z[i] as it was becomes a masked store, which Zen 3 takes long for: tanh, float32, 2.3 ns a number, without it and with
`half_power` 1.2. So NaN passes through the arithmetic instead.
"""

import math
from enum import IntEnum

import numpy as np

from .compiled import inlined
from .elementary import (
    erf_and_slope,
    exp,
    gelu_and_slope,
    gelu_tanh_and_slope,
    mish_and_slope,
    sigmoids,
    silu_and_slope,
    softplus_and_slope,
    steep_softplus,
    tanh_and_slope,
)
from .error_function import lifted_gaussian
from .exponential import LOWERED, lifted_exp, lifted_product
from .layout import ActivationParameters
from .linked import family, kernel, shared
from .piecewise import hard_sigmoid_layer, hard_swish_layer, hard_tanh_layer, identity_layer, leaky_relu_layer, relu_layer
from .signatures import Line
from .simd import fma
from .trigonometric import any_huge, waves, waves_moderate

CUSTOM = -1


class ActivationCode(IntEnum):
    """What kernels know an activation by."""

    IDENTITY = 0
    TANH = 1
    SIGMOID = 2
    RELU = 3
    LEAKY_RELU = 4
    ELU = 5
    SELU = 6
    SOFTPLUS = 7
    GELU = 8
    SILU = 9
    SOFTSIGN = 10
    SIN = 11
    COS = 12
    EXP = 13
    GAUSSIAN = 14
    ERF = 15
    HARD_TANH = 16
    GELU_TANH = 17
    MISH = 18
    HARD_SIGMOID = 19
    HARD_SWISH = 20
    LOG_SIGMOID = 21


CODES = {code.name.lower(): code.value for code in ActivationCode}

# the parameters of the activations that have some: slope, alpha, beta, and low and high
DEFAULTS = {ActivationCode.LEAKY_RELU: (0.01,), ActivationCode.ELU: (1.0,), ActivationCode.SOFTPLUS: (1.0,),
            ActivationCode.HARD_TANH: (-1.0, 1.0)}
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017
FAR = 40.0  # beyond, e^-z^2/2 is 0 in either dtype and z^2 may overflow


@inlined
def split(z, parameter):
    """A parameter as the nearest number of z's dtype and what that leaves."""
    high = z.dtype.type(parameter)
    return high, z.dtype.type(parameter - np.float64(high))


@shared
def tanh_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """tanh z."""
    a, g = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count]
    for i in range(count):
        t, slope = tanh_and_slope(a[i])
        a[i] = t
        g[i] = slope


@shared
def sigmoid_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """1 / (1 + e^-z)."""
    a, g = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count]
    for i in range(count):
        s, rest = sigmoids(a[i])
        a[i] = s
        g[i] = s * rest


@kernel
def exponential_below(a, g, scale, steep):
    """scale z above 0, steep (e^z - 1) below."""
    zero, one = a.dtype.type(0), a.dtype.type(1)
    for i in range(a.size):
        x = a[i]
        p, lifted = lifted_exp(min(x, zero), zero)
        power = lifted * LOWERED(x)
        a[i] = scale * x if x > zero else steep * fma(power, p, power - one)
        g[i] = scale if x > zero else fma(steep, p, steep) * lifted * LOWERED(x)


@shared
def elu_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """z above 0, alpha (e^z - 1) below."""
    exponential_below(z[offset:offset + count], gamma[gamma_offset:gamma_offset + count], z.dtype.type(1),
                      z.dtype.type(parameters.first))


@shared
def selu_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """s z above 0, s t (e^z - 1) below."""
    exponential_below(z[offset:offset + count], gamma[gamma_offset:gamma_offset + count], z.dtype.type(SELU_SCALE),
                      z.dtype.type(SELU_SCALE * SELU_ALPHA))


@shared
def softplus_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """log(1 + e^(beta z)) / beta."""
    a, g = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count]
    if parameters.first != 1.0:
        beta, beta_rest = split(z, parameters.first)
        for i in range(count):
            y, slope = steep_softplus(a[i], beta, beta_rest)
            a[i] = y
            g[i] = slope
        return
    for i in range(count):
        y, slope = softplus_and_slope(a[i])
        a[i] = y
        g[i] = slope


@shared
def gelu_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """z Phi(z)."""
    a, g = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count]
    for i in range(count):
        y, slope = gelu_and_slope(a[i])
        a[i] = y
        g[i] = slope


@shared
def silu_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """z / (1 + e^-z)."""
    a, g = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count]
    for i in range(count):
        y, slope = silu_and_slope(a[i])
        a[i] = y
        g[i] = slope


@shared
def softsign_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """z / (1 + |z|)."""
    a, g = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count]
    one, infinite = z.dtype.type(1), z.dtype.type(np.inf)
    for i in range(count):
        x = a[i]
        d = one / (one + abs(x))
        a[i] = x / (one + abs(x)) if abs(x) != infinite else math.copysign(one, x)
        g[i] = d * d


@kernel
def wave_layer(a, g, shift):
    """sin(z + shift pi/2) and its derivative."""
    if any_huge(a):
        for i in range(a.size):
            a[i], g[i] = waves(a[i], shift)
        return
    for i in range(a.size):
        a[i], g[i] = waves_moderate(a[i], shift)


@shared
def sin_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """sin z."""
    wave_layer(z[offset:offset + count], gamma[gamma_offset:gamma_offset + count], 0.0)


@shared
def cos_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """cos z."""
    wave_layer(z[offset:offset + count], gamma[gamma_offset:gamma_offset + count], 1.0)


@shared
def exp_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """e^z."""
    a, g = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count]
    for i in range(count):
        e = exp(a[i])
        a[i] = e
        g[i] = e


@shared
def gaussian_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """e^-z^2."""
    a, g, one, far = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count], z.dtype.type(1), z.dtype.type(FAR)
    for i in range(count):
        near = min(max(a[i], -far), far)
        e = lifted_gaussian(near, one)
        a[i] = lifted_product(one, e) * LOWERED(near)
        g[i] = -lifted_product(near + near, e) * LOWERED(near)


@shared
def erf_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """erf z."""
    a, g = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count]
    for i in range(count):
        y, slope = erf_and_slope(a[i])
        a[i] = y
        g[i] = slope


@shared
def gelu_tanh_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """z (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2."""
    a, g = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count]
    for i in range(count):
        y, slope = gelu_tanh_and_slope(a[i])
        a[i] = y
        g[i] = slope


@shared
def mish_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """z tanh(log(1 + e^z))."""
    a, g = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count]
    for i in range(count):
        y, slope = mish_and_slope(a[i])
        a[i] = y
        g[i] = slope


@shared
def log_sigmoid_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """-log(1 + e^-z)."""
    a, g = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count]
    for i in range(count):
        y, slope = softplus_and_slope(-a[i])
        a[i] = -y
        g[i] = slope


activate, prepare_activations = family("activate", {
    ActivationCode.IDENTITY: identity_layer,
    ActivationCode.TANH: tanh_layer,
    ActivationCode.SIGMOID: sigmoid_layer,
    ActivationCode.RELU: relu_layer,
    ActivationCode.LEAKY_RELU: leaky_relu_layer,
    ActivationCode.ELU: elu_layer,
    ActivationCode.SELU: selu_layer,
    ActivationCode.SOFTPLUS: softplus_layer,
    ActivationCode.GELU: gelu_layer,
    ActivationCode.SILU: silu_layer,
    ActivationCode.SOFTSIGN: softsign_layer,
    ActivationCode.SIN: sin_layer,
    ActivationCode.COS: cos_layer,
    ActivationCode.EXP: exp_layer,
    ActivationCode.GAUSSIAN: gaussian_layer,
    ActivationCode.ERF: erf_layer,
    ActivationCode.HARD_TANH: hard_tanh_layer,
    ActivationCode.GELU_TANH: gelu_tanh_layer,
    ActivationCode.MISH: mish_layer,
    ActivationCode.HARD_SIGMOID: hard_sigmoid_layer,
    ActivationCode.HARD_SWISH: hard_swish_layer,
    ActivationCode.LOG_SIGMOID: log_sigmoid_layer,
})
