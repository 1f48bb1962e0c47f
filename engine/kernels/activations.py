"""g, g′ and g″ by code, over flat arrays (eq. 2 and 4)."""

import math

import numpy as np

from .elementary import (
    cos,
    erf_and_slope,
    exp,
    gelu_and_slope,
    sigmoid,
    sigmoid_bend,
    sigmoids,
    silu_and_slope,
    silu_bend,
    sin,
    softplus,
    tanh_and_slope,
)
from .error_function import ONE_OVER_ROOT_TWO_PI, TWO_OVER_ROOT_PI, lifted_gaussian
from .exponential import LOWERED, lifted_exp, lifted_product
from .linked import family, kernel, shared
from .simd import fma, number
from .trigonometric import MODERATE, wave_moderate

CUSTOM = -1
NAMES = ("identity", "tanh", "sigmoid", "relu", "leaky_relu", "elu", "selu", "softplus", "gelu", "silu", "softsign", "sin",
         "cos", "exp", "gaussian", "erf", "hard_tanh")
CODES = {name: code for code, name in enumerate(NAMES)}
(IDENTITY, TANH, SIGMOID, RELU, LEAKY_RELU, ELU, SELU, SOFTPLUS, GELU, SILU, SOFTSIGN, SIN, COS, EXP, GAUSSIAN, ERF,
 HARD_TANH) = range(len(NAMES))

LEAK = 0.01
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017
FAR = 40.0  # beyond, e^-z^2/2 is 0 in either dtype and z^2 may overflow


def layer(function):
    """Compile one activation: z <- g(z) and gamma <- g′(z), for `count` numbers of each from z_first and gamma_first.

    A choice that leaves z[i] as it was becomes a masked store, which Zen 3 takes long for: tanh, float32, 2.3 ns a number, without
    it and with `half_power` 1.2. So NaN passes through the arithmetic instead.
    """
    return shared("line integer line integer integer")(function)


@layer
def identity_layer(z, z_first, gamma, gamma_first, count):
    """z."""
    g = gamma[gamma_first:gamma_first + count]
    for i in range(count):
        g[i] = 1


@layer
def tanh_layer(z, z_first, gamma, gamma_first, count):
    """tanh z."""
    a, g = z[z_first:z_first + count], gamma[gamma_first:gamma_first + count]
    for i in range(count):
        t, slope = tanh_and_slope(a[i])
        a[i] = t
        g[i] = slope


@layer
def sigmoid_layer(z, z_first, gamma, gamma_first, count):
    """1 / (1 + e^-z)."""
    a, g = z[z_first:z_first + count], gamma[gamma_first:gamma_first + count]
    for i in range(count):
        s, rest = sigmoids(a[i])
        a[i] = s
        g[i] = s * rest


@layer
def relu_layer(z, z_first, gamma, gamma_first, count):
    """max(z, 0)."""
    a, g, zero, one = z[z_first:z_first + count], gamma[gamma_first:gamma_first + count], z.dtype.type(0), z.dtype.type(1)
    for i in range(count):
        x = a[i]
        a[i] = max(x, zero) + zero
        g[i] = one if x > zero else (zero if x == x else x)


@layer
def leaky_relu_layer(z, z_first, gamma, gamma_first, count):
    """z above 0, z / 100 below."""
    a, g, zero, one = z[z_first:z_first + count], gamma[gamma_first:gamma_first + count], z.dtype.type(0), z.dtype.type(1)
    slope = z.dtype.type(LEAK)
    for i in range(count):
        x = a[i]
        a[i] = x if x > zero else slope * x
        g[i] = one if x > zero else (slope if x == x else x)


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


@layer
def elu_layer(z, z_first, gamma, gamma_first, count):
    """z above 0, e^z - 1 below."""
    one = z.dtype.type(1)
    exponential_below(z[z_first:z_first + count], gamma[gamma_first:gamma_first + count], one, one)


@layer
def selu_layer(z, z_first, gamma, gamma_first, count):
    """s z above 0, s t (e^z - 1) below."""
    exponential_below(z[z_first:z_first + count], gamma[gamma_first:gamma_first + count], z.dtype.type(SELU_SCALE),
                      z.dtype.type(SELU_SCALE * SELU_ALPHA))


@layer
def softplus_layer(z, z_first, gamma, gamma_first, count):
    """log(1 + e^z)."""
    a, g = z[z_first:z_first + count], gamma[gamma_first:gamma_first + count]
    for i in range(count):
        x = a[i]
        a[i] = softplus(x)
        g[i] = sigmoid(x)


@layer
def gelu_layer(z, z_first, gamma, gamma_first, count):
    """z Phi(z)."""
    a, g = z[z_first:z_first + count], gamma[gamma_first:gamma_first + count]
    for i in range(count):
        y, slope = gelu_and_slope(a[i])
        a[i] = y
        g[i] = slope


@layer
def silu_layer(z, z_first, gamma, gamma_first, count):
    """z / (1 + e^-z)."""
    a, g = z[z_first:z_first + count], gamma[gamma_first:gamma_first + count]
    for i in range(count):
        y, slope = silu_and_slope(a[i])
        a[i] = y
        g[i] = slope


@layer
def softsign_layer(z, z_first, gamma, gamma_first, count):
    """z / (1 + |z|)."""
    a, g = z[z_first:z_first + count], gamma[gamma_first:gamma_first + count]
    one, infinite = z.dtype.type(1), z.dtype.type(np.inf)
    for i in range(count):
        x = a[i]
        d = one / (one + abs(x))
        a[i] = x / (one + abs(x)) if abs(x) != infinite else math.copysign(one, x)
        g[i] = d * d


@kernel
def wave_layer(a, g, cosine):
    """sin, or cos where `cosine`, and its derivative; one vector loop where no argument is huge."""
    largest = number(a[0], 0.0)
    for i in range(a.size):
        largest = max(largest, abs(a[i]) if a[i] == a[i] else number(largest, np.inf))
    if largest <= MODERATE:
        for i in range(a.size):
            x = np.float64(a[i])
            s, c = wave_moderate(x, 0.0), wave_moderate(x, 1.0)
            a[i] = c if cosine else s
            g[i] = -s if cosine else c
        return
    for i in range(a.size):
        x = a[i]
        a[i] = cos(x) if cosine else sin(x)
        g[i] = -sin(x) if cosine else cos(x)


@layer
def sin_layer(z, z_first, gamma, gamma_first, count):
    """sin z."""
    wave_layer(z[z_first:z_first + count], gamma[gamma_first:gamma_first + count], False)


@layer
def cos_layer(z, z_first, gamma, gamma_first, count):
    """cos z."""
    wave_layer(z[z_first:z_first + count], gamma[gamma_first:gamma_first + count], True)


@layer
def exp_layer(z, z_first, gamma, gamma_first, count):
    """e^z."""
    a, g = z[z_first:z_first + count], gamma[gamma_first:gamma_first + count]
    for i in range(count):
        e = exp(a[i])
        a[i] = e
        g[i] = e


@layer
def gaussian_layer(z, z_first, gamma, gamma_first, count):
    """e^-z^2."""
    a, g, one, far = z[z_first:z_first + count], gamma[gamma_first:gamma_first + count], z.dtype.type(1), z.dtype.type(FAR)
    for i in range(count):
        near = min(max(a[i], -far), far)
        e = lifted_gaussian(near, one)
        a[i] = lifted_product(one, e) * LOWERED(near)
        g[i] = -lifted_product(near + near, e) * LOWERED(near)


@layer
def erf_layer(z, z_first, gamma, gamma_first, count):
    """erf z."""
    a, g = z[z_first:z_first + count], gamma[gamma_first:gamma_first + count]
    for i in range(count):
        y, slope = erf_and_slope(a[i])
        a[i] = y
        g[i] = slope


@layer
def hard_tanh_layer(z, z_first, gamma, gamma_first, count):
    """z cut off at -1 and 1."""
    a, g, zero, one = z[z_first:z_first + count], gamma[gamma_first:gamma_first + count], z.dtype.type(0), z.dtype.type(1)
    for i in range(count):
        x = a[i]
        a[i] = min(max(x, -one), one)
        g[i] = (one if abs(x) < one else zero) if x == x else x


LAYERS = (identity_layer, tanh_layer, sigmoid_layer, relu_layer, leaky_relu_layer, elu_layer, selu_layer, softplus_layer,
          gelu_layer, silu_layer, softsign_layer, sin_layer, cos_layer, exp_layer, gaussian_layer, erf_layer,
          hard_tanh_layer)  # as NAMES
activate, prepare = family("activate", LAYERS)


@kernel
def second_derivative(code, z, out):
    """out <- g″(z); 0 at kinks of g and of g′."""
    zero, half, one, two = z.dtype.type(0), z.dtype.type(0.5), z.dtype.type(1), z.dtype.type(2)
    for i in range(z.size):
        x = z[i]
        near = min(max(x, z.dtype.type(-FAR)), z.dtype.type(FAR))
        value = zero
        if code == TANH:
            t, slope = tanh_and_slope(x)
            value = -two * t * slope
        elif code == SIGMOID:
            value = sigmoid_bend(x)
        elif code == ELU:
            value = zero if x >= zero else exp(x)
        elif code == SELU:
            value = zero if x >= zero else z.dtype.type(SELU_SCALE * SELU_ALPHA) * exp(x)
        elif code == SOFTPLUS:
            s, rest = sigmoids(x)
            value = s * rest
        elif code == GELU:
            density = lifted_product(z.dtype.type(ONE_OVER_ROOT_TWO_PI), lifted_gaussian(near, half))
            value = fma(-near, near, two) * density * LOWERED(x)
        elif code == SILU:
            value = silu_bend(x)
        elif code == SOFTSIGN:
            d = one / (one + abs(x))
            value = -two * math.copysign(d * d * d, x) if x != zero else zero
        elif code == SIN:
            value = -sin(x)
        elif code == COS:
            value = -cos(x)
        elif code == EXP:
            value = exp(x)
        elif code == GAUSSIAN:
            value = lifted_product(fma(two * two * near, near, -two), lifted_gaussian(near, one)) * LOWERED(x)
        elif code == ERF:
            slope = lifted_product(z.dtype.type(TWO_OVER_ROOT_PI), lifted_gaussian(near, one))
            value = -two * near * slope * LOWERED(x)
        out[i] = value if x == x else x
