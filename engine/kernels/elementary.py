"""Elementary functions of one number, float32 or float64: polynomials in explicit fma, the same bits on every CPU."""

from .error_function import erf, erf_and_slope, gelu_and_slope, normal_cdf
from .exponential import exp, expm1, sigmoid, sigmoid_bend, sigmoids, silu_and_slope, silu_bend, tanh, tanh_and_slope
from .logarithm import log, log1p, softplus
from .trigonometric import cos, sin

__all__ = ["cos", "erf", "erf_and_slope", "exp", "expm1", "gelu_and_slope", "log", "log1p", "normal_cdf", "sigmoid", "sigmoid_bend",
           "sigmoids", "silu_and_slope", "silu_bend", "sin", "softplus", "tanh", "tanh_and_slope"]
