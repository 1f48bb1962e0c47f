"""g, g′ and g″ by code, over flat arrays (eq. 2 and 4)."""

import math

import numpy as np

from .compiled import kernel
from .elementary import cos, erf, exp, expm1, normal_cdf, sigmoid, sin, softplus, tanh
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
TWO_OVER_ROOT_PI, ONE_OVER_ROOT_TWO_PI = 1.1283791670955126, 0.3989422804014327
FAR = 40.0  # beyond, e^-z^2/2 is 0 in either dtype and z^2 may overflow


@kernel
def wave_layer(z, z_first, gamma, gamma_first, count, cosine):
    """sin, or cos where `cosine`, and its derivative; one vector loop where no argument is huge."""
    a, g = z[z_first:z_first + count], gamma[gamma_first:gamma_first + count]
    largest = number(a[0], 0.0)
    for i in range(count):
        largest = max(largest, abs(a[i]) if a[i] == a[i] else number(largest, np.inf))
    if largest <= MODERATE:
        for i in range(count):
            x = np.float64(a[i])
            s, c = wave_moderate(x, 0.0), wave_moderate(x, 1.0)
            a[i] = c if cosine else s
            g[i] = -s if cosine else c
        return
    for i in range(count):
        x = a[i]
        a[i] = cos(x) if cosine else sin(x)
        g[i] = -sin(x) if cosine else cos(x)


@kernel
def activate(code, z, z_first, gamma, gamma_first, count):
    """z <- g(z) and gamma <- g′(z), for `count` numbers of each from z_first and gamma_first."""
    a, g = z[z_first:z_first + count], gamma[gamma_first:gamma_first + count]
    zero, half, one = z.dtype.type(0), z.dtype.type(0.5), z.dtype.type(1)
    if code == IDENTITY:
        for i in range(count):
            g[i] = one
    elif code == TANH:
        for i in range(count):
            t = tanh(a[i])
            a[i] = t
            g[i] = fma(-t, t, one)
    elif code == SIGMOID:
        for i in range(count):
            s = sigmoid(a[i])
            a[i] = s
            g[i] = s * (one - s)
    elif code == RELU or code == LEAKY_RELU:
        slope = zero if code == RELU else z.dtype.type(LEAK)
        for i in range(count):
            x = a[i]
            a[i] = x if x > zero else (slope * x if x == x and slope != zero else (zero if x == x else x))
            g[i] = one if x > zero else (slope if x == x else x)
    elif code == ELU or code == SELU:
        scale = one if code == ELU else z.dtype.type(SELU_SCALE)
        steep = one if code == ELU else z.dtype.type(SELU_SCALE * SELU_ALPHA)
        for i in range(count):
            x = a[i]
            e = steep * expm1(x if x < zero else (zero if x == x else x))
            a[i] = scale * x if x > zero else e
            g[i] = scale if x > zero else e + steep
    elif code == SOFTPLUS:
        for i in range(count):
            x = a[i]
            a[i] = softplus(x)
            g[i] = sigmoid(x)
    elif code == GELU:
        for i in range(count):
            x = a[i]
            near = min(max(x, z.dtype.type(-FAR)), z.dtype.type(FAR))
            cdf = normal_cdf(x)
            density = z.dtype.type(ONE_OVER_ROOT_TWO_PI) * exp(-half * near * near)
            a[i] = x * cdf if x > -z.dtype.type(FAR) or x != x else -zero
            g[i] = fma(near, density, cdf)
    elif code == SILU:
        for i in range(count):
            x = a[i]
            s = sigmoid(x)
            y = x * s if x > -z.dtype.type(800) or x != x else -zero
            a[i] = y
            g[i] = s + (y * (one - s) if s < one else zero)
    elif code == SOFTSIGN:
        for i in range(count):
            x = a[i]
            d = one / (one + abs(x))
            a[i] = x / (one + abs(x)) if abs(x) != z.dtype.type(np.inf) else math.copysign(one, x)
            g[i] = d * d
    elif code == SIN or code == COS:
        wave_layer(z, z_first, gamma, gamma_first, count, code == COS)
    elif code == EXP:
        for i in range(count):
            e = exp(a[i])
            a[i] = e
            g[i] = e
    elif code == GAUSSIAN:
        for i in range(count):
            x = a[i]
            near = min(max(x, z.dtype.type(-FAR)), z.dtype.type(FAR))
            e = exp(-near * near) if x == x else x
            a[i] = e
            g[i] = -(near + near) * e
    elif code == ERF:
        for i in range(count):
            x = a[i]
            near = min(max(x, z.dtype.type(-FAR)), z.dtype.type(FAR))
            a[i] = erf(x)
            g[i] = z.dtype.type(TWO_OVER_ROOT_PI) * exp(-near * near) if x == x else x
    elif code == HARD_TANH:
        for i in range(count):
            x = a[i]
            a[i] = min(max(x, -one), one) if x == x else x
            g[i] = (one if abs(x) < one else zero) if x == x else x


@kernel
def second_derivative(code, z, out):
    """out <- g″(z); at kinks 0."""
    zero, half, one, two = z.dtype.type(0), z.dtype.type(0.5), z.dtype.type(1), z.dtype.type(2)
    for i in range(z.size):
        x = z[i]
        near = min(max(x, z.dtype.type(-FAR)), z.dtype.type(FAR))
        value = zero
        if code == TANH:
            t = tanh(x)
            value = -two * t * fma(-t, t, one)
        elif code == SIGMOID:
            s = sigmoid(x)
            value = s * (one - s) * (one - two * s)
        elif code == ELU:
            value = zero if x > zero else exp(x)
        elif code == SELU:
            value = zero if x > zero else z.dtype.type(SELU_SCALE * SELU_ALPHA) * exp(x)
        elif code == SOFTPLUS:
            s = sigmoid(x)
            value = s * (one - s)
        elif code == GELU:
            value = z.dtype.type(ONE_OVER_ROOT_TWO_PI) * exp(-half * near * near) * (two - near * near)
        elif code == SILU:
            s = sigmoid(x)
            value = s * (one - s) * (two + max(min(x, z.dtype.type(800)), z.dtype.type(-800)) * (one - two * s))
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
            value = (two * two * near * near - two) * exp(-near * near)
        elif code == ERF:
            value = -two * z.dtype.type(TWO_OVER_ROOT_PI) * near * exp(-near * near)
        out[i] = value if x == x else x
