"""Activations made of lines and parabolas, members of `activate`; see activations.py."""

from .layout import ActivationParameters
from .linked import shared
from .signatures import Line


@shared
def identity_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """z."""
    g = gamma[gamma_offset:gamma_offset + count]
    for i in range(count):
        g[i] = 1


@shared
def relu_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """max(z, 0)."""
    a, g, zero, one = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count], z.dtype.type(0), z.dtype.type(1)
    for i in range(count):
        x = a[i]
        a[i] = max(x, zero) + zero
        g[i] = one if x > zero else (zero if x == x else x)


@shared
def leaky_relu_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """z above 0, slope z below."""
    a, g, zero, one = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count], z.dtype.type(0), z.dtype.type(1)
    slope = z.dtype.type(parameters.first)
    for i in range(count):
        x = a[i]
        a[i] = x if x > zero else slope * x
        g[i] = one if x > zero else (slope if x == x else x)


@shared
def hard_tanh_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """z cut off at low and high."""
    a, g, zero, one = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count], z.dtype.type(0), z.dtype.type(1)
    low, high = z.dtype.type(parameters.first), z.dtype.type(parameters.second)
    for i in range(count):
        x = a[i]
        a[i] = min(max(x, low), high)
        g[i] = (one if x > low and x < high else zero) if x == x else x


@shared
def hard_sigmoid_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """(z + 3) / 6, cut off at 0 and 1."""
    a, g, zero = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count], z.dtype.type(0)
    three, six, sixth = z.dtype.type(3), z.dtype.type(6), z.dtype.type(1 / 6)
    for i in range(count):
        x = a[i]
        a[i] = (min(max(x, -three), three) + three) / six
        g[i] = (sixth if abs(x) < three else zero) if x == x else x


@shared
def hard_swish_layer(z: Line, offset: int, gamma: Line, gamma_offset: int, count: int, parameters: ActivationParameters):
    """z times (z + 3) / 6 cut off at 0 and 1."""
    a, g, zero, one = z[offset:offset + count], gamma[gamma_offset:gamma_offset + count], z.dtype.type(0), z.dtype.type(1)
    three, six = z.dtype.type(3), z.dtype.type(6)
    for i in range(count):
        x = a[i]
        above = max(x, -three)
        near = min(above, three)
        slope = (near + near + three) / six
        a[i] = above * ((near + three) / six)
        g[i] = (slope if abs(x) < three else (one if x > zero else zero)) if x == x else x
