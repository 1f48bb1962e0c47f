"""Elementary functions of one number, float32 or float64: polynomials in explicit fma, the same bits on every CPU."""

from .error_function import erf, erf_and_slope, gelu_and_slope, normal_cdf
from .exponential import exp, expm1, sigmoid, sigmoid_bend, sigmoid_jerk, sigmoids, tanh, tanh_and_slope
from .gates import (
    gelu_tanh_and_slope,
    gelu_tanh_bend,
    gelu_tanh_jerk,
    mish_and_slope,
    mish_bend,
    mish_jerk,
    silu_and_slope,
    silu_bend,
    silu_jerk,
)
from .logarithm import log, log1p, softplus, softplus_and_slope, steep_softplus, steep_softplus_bend, steep_softplus_jerk
from .trigonometric import cos, sin

__all__ = ["cos", "erf", "erf_and_slope", "exp", "expm1", "gelu_and_slope", "gelu_tanh_and_slope", "gelu_tanh_bend",
           "gelu_tanh_jerk", "log", "log1p", "mish_and_slope", "mish_bend", "mish_jerk", "normal_cdf", "sigmoid", "sigmoid_bend",
           "sigmoid_jerk", "sigmoids", "silu_and_slope", "silu_bend", "silu_jerk", "sin", "softplus", "softplus_and_slope",
           "steep_softplus", "steep_softplus_bend", "steep_softplus_jerk", "tanh", "tanh_and_slope"]
