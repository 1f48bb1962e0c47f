"""Elementary functions of one number, float32 or float64: polynomials in explicit fma, the same bits on every CPU."""

from .error_function import erf, normal_cdf
from .exponential import exp, expm1, sigmoid, tanh
from .logarithm import log, log1p, softplus
from .trigonometric import cos, sin

__all__ = ["cos", "erf", "exp", "expm1", "log", "log1p", "normal_cdf", "sigmoid", "sin", "softplus", "tanh"]
