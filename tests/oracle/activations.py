"""g, g′, g″ and g‴ twice over: plainly in NumPy and SciPy (FORMS), and of one number to 33 digits by mpmath (EXACT).

Those with parameters are functions of them in PARAMETRIC_FORMS and PARAMETRIC_EXACT. Imports nothing of ours. An exact form gives
(g, g′, g″, g‴) and, where sums of terms cross 0, then the sizes of the terms of g′, of g″ and of g‴.
"""

import numpy as np
from mpmath import mp, mpf
from scipy import special
from scipy.special import expit, ndtr

S, T = 1.0507009873554805, 1.6732632423543772
PRECISION = 110
FAR = 2000  # beyond, e^-|z| and what is multiplied by it are 0 in every format
# NumPy's numbers are the ones that are meant: parameters and the constants of Klambauer et al. are rounded to float64
SCALE, ALPHA = mpf(1.0507009873554805), mpf(1.6732632423543772)


def _pdf(z):
    return np.exp(-z**2 / 2) / np.sqrt(2 * np.pi)


def _sigmoid_bend(z):
    return expit(z) * expit(-z) * (1 - 2 * expit(z))


def _sigmoid_third(z):
    return expit(z) * expit(-z) * (1 - 6 * expit(z) * expit(-z))


def _elu(z, scale, alpha):
    return scale * np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def _leaky_relu(slope):
    return lambda z: np.where(z > 0, z, slope * z), lambda z: np.where(z > 0, 1.0, slope), np.zeros_like, np.zeros_like


def _elu_forms(alpha):
    return (lambda z: _elu(z, 1, alpha), lambda z: np.where(z > 0, 1, alpha * np.exp(np.minimum(z, 0))),
            *(lambda z: np.where(z >= 0, 0, alpha * np.exp(np.minimum(z, 0))),) * 2)


def _softplus(beta):
    return (lambda z: np.logaddexp(0, beta * z) / beta, lambda z: expit(beta * z),
            lambda z: beta * expit(beta * z) * expit(-beta * z), lambda z: beta**2 * _sigmoid_bend(beta * z))


def _hard_tanh(low, high):
    return lambda z: np.clip(z, low, high), lambda z: ((low < z) & (z < high)) * 1.0, np.zeros_like, np.zeros_like


PARAMETRIC_FORMS = {"leaky_relu": _leaky_relu, "elu": _elu_forms, "softplus": _softplus, "hard_tanh": _hard_tanh}


def _cubic(z):
    """w, w′, w″ of gelu_tanh = z (1 + tanh w) / 2."""
    return (np.sqrt(2 / np.pi) * part for part in (z + 0.044715 * z**3, 1 + 3 * 0.044715 * z**2, 6 * 0.044715 * z))


def _gelu_tanh_slope(z):
    w, first, _ = _cubic(z)
    return (1 + np.tanh(w)) / 2 + z * first / (2 * np.cosh(w)**2)


def _gelu_tanh_bend(z):
    w, first, second = _cubic(z)
    return (2 * first + z * second - 2 * z * first**2 * np.tanh(w)) / (2 * np.cosh(w)**2)


def _gelu_tanh_third(z):
    w, first, second = _cubic(z)
    u, t, third = 1 / np.cosh(w)**2, np.tanh(w), np.sqrt(2 / np.pi) * 6 * 0.044715
    bend = second - 2 * t * first**2
    return u / 2 * (3 * bend + z * (third - 6 * t * first * second + (4 * t**2 - 2 * u) * first**3))


def _mish_parts(z):
    """t = tanh(log(1 + e^z)), t′, t″, t‴."""
    t, s = np.tanh(np.logaddexp(0, z)), expit(z)
    first = (1 - t**2) * s
    ratio = expit(-z) - 2 * t * s
    return t, first, first * ratio, first * (ratio**2 - s * (1 - s) * (1 + 2 * t) - 2 * first * s)


FORMS = {
    "identity": (lambda z: z, np.ones_like, np.zeros_like, np.zeros_like),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z)**2, lambda z: -2 * np.tanh(z) / np.cosh(z)**2,
             lambda z: (6 * np.tanh(z)**2 - 2) / np.cosh(z)**2),
    "sigmoid": (expit, lambda z: expit(z) * expit(-z), _sigmoid_bend, _sigmoid_third),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0, np.zeros_like, np.zeros_like),
    "leaky_relu": _leaky_relu(0.01),
    "elu": _elu_forms(1.0),
    "selu": (lambda z: _elu(z, S, T), lambda z: S * np.where(z > 0, 1, T * np.exp(z)),
             *(lambda z: S * np.where(z > 0, 0, T * np.exp(z)),) * 2),
    "softplus": _softplus(1.0),
    "gelu": (lambda z: z * ndtr(z), lambda z: ndtr(z) + z * _pdf(z), lambda z: (2 - z**2) * _pdf(z),
             lambda z: (z**3 - 4 * z) * _pdf(z)),
    "silu": (lambda z: z * expit(z), lambda z: expit(z) * (1 + z * expit(-z)),
             lambda z: expit(z) * expit(-z) * (2 + z * (1 - 2 * expit(z))), lambda z: 3 * _sigmoid_bend(z) + z * _sigmoid_third(z)),
    "softsign": (lambda z: z / (1 + abs(z)), lambda z: 1 / (1 + abs(z))**2, lambda z: -2 * np.sign(z) / (1 + abs(z))**3,
                 lambda z: 6 * np.sign(z)**2 / (1 + abs(z))**4),
    "sin": (np.sin, np.cos, lambda z: -np.sin(z), lambda z: -np.cos(z)),
    "cos": (np.cos, lambda z: -np.sin(z), lambda z: -np.cos(z), np.sin),
    "exp": (np.exp, np.exp, np.exp, np.exp),
    "gaussian": (lambda z: np.exp(-z**2), lambda z: -2 * z * np.exp(-z**2), lambda z: (4 * z**2 - 2) * np.exp(-z**2),
                 lambda z: (12 * z - 8 * z**3) * np.exp(-z**2)),
    "erf": (special.erf, lambda z: 2 / np.sqrt(np.pi) * np.exp(-z**2), lambda z: -4 * z / np.sqrt(np.pi) * np.exp(-z**2),
            lambda z: (8 * z**2 - 4) / np.sqrt(np.pi) * np.exp(-z**2)),
    "hard_tanh": _hard_tanh(-1.0, 1.0),
    "gelu_tanh": (lambda z: z * (1 + np.tanh(next(_cubic(z)))) / 2, _gelu_tanh_slope, _gelu_tanh_bend,
                  _gelu_tanh_third),
    "mish": (lambda z: z * _mish_parts(z)[0], lambda z: _mish_parts(z)[0] + z * _mish_parts(z)[1],
             lambda z: 2 * _mish_parts(z)[1] + z * _mish_parts(z)[2], lambda z: 3 * _mish_parts(z)[2] + z * _mish_parts(z)[3]),
    "hard_sigmoid": (lambda z: np.clip(z + 3, 0, 6) / 6, lambda z: (abs(z) < 3) / 6, np.zeros_like, np.zeros_like),
    "hard_swish": (lambda z: z * np.clip(z + 3, 0, 6) / 6, lambda z: np.where(abs(z) < 3, (2 * z + 3) / 6, z > 0),
                   lambda z: (abs(z) < 3) / 3, np.zeros_like),
    "log_sigmoid": (lambda z: -np.logaddexp(0, -z), lambda z: expit(-z), lambda z: -expit(z) * expit(-z),
                    lambda z: -_sigmoid_bend(z)),
}


def form(label):
    """(g, g′, g″, g‴) of "tanh", or of "leaky_relu(0.2)"."""
    name, _, rest = label.partition("(")
    return PARAMETRIC_FORMS[name](*map(float, rest.rstrip(")").split(","))) if rest else FORMS[name]


def sign(z):
    return mpf((z > 0) - (z < 0))


def gate(z):
    """s = 1 / (1 + e^-z), s (1 - s) and tanh(z / 2)."""
    e = exp_minus(abs(z))
    d = 1 / (1 + e)
    return d if z >= 0 else e * d, e * d * d, sign(z) * (1 - e if abs(z) > 1 else -mp.expm1(-abs(z))) * d


def exp_minus(square):
    """e^-square, 0 where no format holds it."""
    return mp.exp(-square) if square < FAR else mpf(0)


def tanh(z):
    _, quarter, t = gate(2 * z)
    slope = 4 * quarter
    third = -2 * slope**2, 4 * t * t * slope
    return t, slope, -2 * t * slope, sum(third), slope, 2 * t * slope, third[1] - third[0]


def sigmoid_form(z):
    s, slope, t = gate(z)
    return s, slope, -slope * t, slope * (1 - 6 * slope), slope, slope * t, slope * (t * t + 2 * slope)


def exponential(scale, alpha):
    def form(z):
        if z > 0:
            return scale * z, scale, mpf(0), mpf(0)
        e = exp_minus(-z)
        bend = scale * alpha * e if z < 0 else mpf(0)
        return scale * alpha * (mp.expm1(z) if e else -1), scale * alpha * e, bend, bend
    return form


def softplus(z):
    return max(z, mpf(0)) + mp.log1p(exp_minus(abs(z))), *sigmoid_form(z)[:3]


def steep_softplus(beta):
    def form(z):
        g, first, second, third = softplus(beta * z)
        return g / beta, first, beta * second, beta**2 * third
    return form


def log_sigmoid(z):
    g, first, second, third = softplus(-z)
    return -g, first, -second, third


def clipped(low, high):
    return lambda z: (min(max(z, low), high), mpf(low < z < high), mpf(0), mpf(0))


def leaky_relu(slope):
    return lambda z: (z if z > 0 else slope * z, mpf(1) if z > 0 else slope, mpf(0), mpf(0))


def gelu_tanh(z):
    a = 2 * mp.sqrt(2 / mp.pi)
    b = a * mpf("0.044715")
    w, first = a * z + b * z**3, a + 3 * b * z * z
    s, slope, t = gate(w)
    bend = 2 * a + 12 * b * z * z, -z * first**2 * t
    third = -3 * t * first * (a + 9 * b * z * z), 24 * b * z, z * first**3 * t * t, -2 * z * first**3 * slope
    return (z * s, s + z * first * slope, sum(bend) * slope, sum(third) * slope,
            s + abs(z) * first * slope, (bend[0] + abs(bend[1])) * slope, sum(map(abs, third)) * slope)


def mish(z):
    e = exp_minus(abs(z))
    if z > 0:
        n, q, first = 1 + 2 * e, 1 + 2 * e + 2 * e * e, 4 * e * e * (1 + e)
        bend = 4 * e * e * (2 * e**3 + 2 * e * e - 3 * e - 2)
    else:
        n, q, first = e * (2 + e), 2 + 2 * e + e * e, 4 * e * (1 + e)
        bend = 4 * e * (2 + 2 * e - 3 * e * e - 2 * e**3)
    t, first, second, s = n / q, first / q**2, bend / q**3, (1 if z > 0 else e) / (1 + e)
    rest = (e if z > 0 else 1) / (1 + e)
    third = second * (rest - 2 * t * s) - first * s * (rest + 2 * first + 2 * t * rest)
    return (z * t, t + z * first, 2 * first + z * second, 3 * second + z * third,
            t + abs(z) * first, 2 * first + abs(z * second), 3 * first * (rest + 2 * t * s) + abs(z * third))


def hard_swish(z):
    inside = abs(z) < 3
    return z * min(max(z + 3, mpf(0)), mpf(6)) / 6, (2 * z + 3) / 6 if inside else mpf(z > 0), mpf(inside) / 3, mpf(0)


def gelu(z):
    far = abs(z) > FAR
    cdf = mpf(z > 0) if far else mp.erfc(-z / mp.sqrt(2)) / 2
    density = exp_minus(z * z / 2) / mp.sqrt(2 * mp.pi)
    bend, third = (2 - z * z) * density, (z**3 - 4 * z) * density
    return z * cdf, cdf + z * density, bend, third, cdf + abs(z) * density, bend, third


def silu(z):
    s, slope, bend, third, *_, size = sigmoid_form(z)
    return (z * s, s + z * slope, 2 * slope + z * bend, 3 * bend + z * third,
            s + abs(z) * slope, 2 * slope + abs(z * bend), 3 * abs(bend) + abs(z) * size)


def softsign(z):
    d = 1 / (1 + abs(z))
    return z * d, d * d, -2 * sign(z) * d**3, 6 * sign(z) ** 2 * d**4


def gaussian(z):
    e = exp_minus(z * z)
    return e, -2 * z * e, (4 * z * z - 2) * e, (12 * z - 8 * z**3) * e


def erf(z):
    slope = 2 / mp.sqrt(mp.pi) * exp_minus(z * z)
    return mp.erf(z) if abs(z) < FAR else sign(z), slope, -2 * z * slope, (4 * z * z - 2) * slope


PARAMETRIC_EXACT = {"leaky_relu": leaky_relu, "elu": lambda alpha: exponential(mpf(1), alpha), "softplus": steep_softplus,
                    "hard_tanh": clipped}
EXACT = {
    "identity": lambda z: (z, mpf(1), mpf(0), mpf(0)),
    "tanh": tanh,
    "sigmoid": sigmoid_form,
    "relu": lambda z: (max(z, mpf(0)), mpf(z > 0), mpf(0), mpf(0)),
    "leaky_relu": leaky_relu(mpf(0.01)),
    "elu": exponential(mpf(1), mpf(1)),
    "selu": exponential(SCALE, ALPHA),
    "softplus": softplus,
    "gelu": gelu,
    "silu": silu,
    "softsign": softsign,
    "sin": lambda z: (mp.sin(z), mp.cos(z), -mp.sin(z), -mp.cos(z)),
    "cos": lambda z: (mp.cos(z), -mp.sin(z), -mp.cos(z), mp.sin(z)),
    "exp": lambda z: (exp_minus(-z) if z < FAR else mpf(2)**16000,) * 4,
    "gaussian": gaussian,
    "erf": erf,
    "hard_tanh": clipped(mpf(-1), mpf(1)),
    "gelu_tanh": gelu_tanh,
    "mish": mish,
    "hard_sigmoid": lambda z: (min(max(z + 3, mpf(0)), mpf(6)) / 6, mpf(abs(z) < 3) / 6, mpf(0), mpf(0)),
    "hard_swish": hard_swish,
    "log_sigmoid": log_sigmoid,
}


def long(value):
    """The long double nearest to one of mpmath's numbers, or very near to it."""
    fraction, exponent = mp.frexp(value)
    high = float(fraction)
    return np.ldexp(np.longdouble(high) + np.longdouble(float(fraction - high)), max(min(int(exponent), 16300), -16400))


def exact(name, z, parameters=()):
    """(g, g′, g″, g‴) and the sizes of their terms, long doubles [4, .], at finite floats z [.]."""
    with mp.workprec(PRECISION):
        truth = PARAMETRIC_EXACT[name](*map(mpf, parameters)) if parameters else EXACT[name]
        rows = [truth(mpf(float(number))) for number in z]
        values = np.array([[long(value) for value in row[:4]] for row in rows]).T
        sizes = values if len(rows[0]) == 4 else np.array([[long(row[k]) for k in (0, 4, 5, 6)] for row in rows]).T
    return values, abs(sizes)
