"""Elementary functions: units in the last place over the whole range, special values."""

import re

import numpy as np
import pytest
from numba import config, njit
from scipy import special

from engine.kernels import elementary
from tests.cases import ACTIVATIONS, DTYPES, functions_of
from tests.oracle.activations import FORMS

LONG = np.longdouble
PI = LONG("3.14159265358979323846264338327950288")
assert np.finfo(LONG).nmant >= 63, "these tests want an 80-bit or longer long double"


def long_normal_cdf(x):
    """Φ by its continued fraction for the tail and erf's series near 0, in long double."""
    x = np.asarray(x, LONG)
    a = np.abs(x)
    term = total = a.copy()
    for k in range(1, 120):
        term = term * a * a / (2 * k + 1)
        total = total + term
    density = np.exp(-a * a / 2) / np.sqrt(2 * PI)
    near = LONG(0.5) - density * total
    fraction = np.zeros_like(a)
    for k in range(400, 0, -1):
        fraction = k / (a + fraction)
    tail = np.where(a < 2.5, near, density / (a + fraction))
    return np.where(x < 0, tail, 1 - tail)


def long_erf(x):
    x = np.asarray(x, LONG)
    a = np.abs(x)
    term = total = np.asarray(a, LONG)
    for k in range(1, 150):
        term = term * 2 * a * a / (2 * k + 1)
        total = total + term
    series = 2 / np.sqrt(PI) * np.exp(-a * a) * total
    return np.where(a < 3, np.sign(x) * series, np.sign(x) * (1 - special.erfc(a.astype(float)).astype(LONG)))


# name, the truth in long double, where it is tried
FUNCTIONS = {
    "exp": (np.exp, "any"), "expm1": (np.expm1, "any"), "log": (np.log, "positive"), "log1p": (np.log1p, "above -1"),
    "tanh": (np.tanh, "any"), "sigmoid": (lambda x: np.where(x < 0, np.exp(x), 1) / (1 + np.exp(-np.abs(x))), "any"),
    "softplus": (lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), "any"), "erf": (long_erf, "any"),
    "normal_cdf": (long_normal_cdf, "any"), "sin": (np.sin, "wave"), "cos": (np.cos, "wave"),
}
TRIED = 40 if config.DISABLE_JIT else 20000


def stated(name):
    """The largest error that the function's docstring states, in units in the last place."""
    return int(re.search(r"at most (\d) ulp", getattr(elementary, name).__doc__).group(1))


def values(kind, dtype):
    """Arguments over the whole range, subnormals included."""
    g, limits = np.random.default_rng(0), np.finfo(dtype)
    whole = np.geomspace(float(limits.smallest_subnormal), float(limits.max), 2 * TRIED)
    x = np.concatenate([whole, -whole, *(g.uniform(-size, size, TRIED) for size in (1, 20, 120, 800))])
    if kind == "positive":
        x = np.abs(x)
    if kind == "above -1":
        x = np.concatenate([x[x > -1], g.uniform(-1, -1 + 1e-3, TRIED)])
    if kind == "wave":
        x = np.concatenate([x, np.arange(1, 2 * TRIED) * np.pi / 2, g.uniform(-1e6, 1e6, TRIED)])
    return x.astype(dtype)


def mapped(name):
    function = getattr(elementary, name)

    @njit(error_model="numpy")
    def loop(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def call(x):
        out = np.empty_like(x)
        loop(x, out)
        return out

    return call


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_units_in_the_last_place_are_as_the_docstring_says(name, dtype):
    truth, kind = FUNCTIONS[name]
    x = values(kind, dtype)
    with np.errstate(all="ignore"):
        exact = truth(x.astype(LONG))
        rounded = exact.astype(dtype)
        got = mapped(name)(x)
        ulp = np.maximum(np.spacing(np.abs(rounded)), np.finfo(dtype).smallest_subnormal).astype(LONG)
        error = np.where(np.isfinite(rounded), np.abs(got.astype(LONG) - exact) / ulp, np.where(got == rounded, 0, np.inf))
    worst = np.argmax(error)
    assert error[worst] <= stated(name) <= 4, (
        f"{name}({x[worst]!r}) = {got[worst]!r}, not {rounded[worst]!r}: {float(error[worst]):.2f} ulp")


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values(dtype):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], dtype)
    expected = {"exp": [1, 1, np.inf, 0], "expm1": [0, -0.0, np.inf, -1], "log": [-np.inf, -np.inf, np.inf, np.nan],
                "log1p": [0, -0.0, np.inf, np.nan], "tanh": [0, -0.0, 1, -1], "sigmoid": [0.5, 0.5, 1, 0],
                "softplus": [np.log(dtype(2)), np.log(dtype(2)), np.inf, 0], "erf": [0, -0.0, 1, -1],
                "normal_cdf": [0.5, 0.5, 1, 0], "sin": [0, -0.0, np.nan, np.nan], "cos": [1, 1, np.nan, np.nan]}
    assert set(expected) == set(FUNCTIONS)
    for name, wanted in expected.items():
        got = mapped(name)(x)
        np.testing.assert_array_equal(got, np.array([*wanted, np.nan], dtype))
        assert np.array_equal(np.signbit(got[:2]), np.signbit(np.array(wanted[:2], dtype))), name


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoids_are_those_of_x_and_of_minus_x(dtype):
    sigmoids = elementary.sigmoids

    @njit(error_model="numpy")
    def loop(x, low, high):
        for i in range(x.size):
            low[i], high[i] = sigmoids(x[i])

    x = values("any", dtype)
    low, high, high_again, low_again = np.empty((4, x.size), dtype)
    loop(x, low, high)
    loop(-x, high_again, low_again)
    assert np.array_equal(low, mapped("sigmoid")(x))
    assert np.array_equal(low, low_again) and np.array_equal(high, high_again)


def test_huge_angles():
    """Known values of sin at huge arguments, from 2000 digits of pi (the last is the largest float64)."""
    x = np.array([1e22, 2.0**1023, np.finfo(float).max])
    np.testing.assert_allclose(mapped("sin")(x), [-0.8522008497671888, 0.563127779850884, 0.004961954789184062], rtol=1e-15)
    np.testing.assert_allclose(mapped("cos")(x), [0.5232147853951389, -0.826369834614148, -0.9999876894265599], rtol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_against_their_plain_forms(name, dtype):
    z = np.random.default_rng(1).uniform(-5, 5, (40, 7))
    plain = FORMS[name]
    tolerance = dict(rtol=1e-11, atol=1e-13) if dtype == np.float64 else dict(rtol=2e-5, atol=2e-6)
    activation = ACTIVATIONS[name]
    z = z.astype(dtype)
    for mine, theirs in zip(functions_of(activation), plain, strict=True):
        got = mine(z)
        assert got.dtype == dtype and got.shape == z.shape
        np.testing.assert_allclose(got, theirs(z.astype(float)), **tolerance)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_derivatives_against_differences(name):
    z = np.random.default_rng(2).uniform(-4, 4, 500)
    z = z[(np.abs(z) > 1e-3) & (np.abs(np.abs(z) - 1) > 1e-3)]
    g, h = ACTIVATIONS[name], 1e-6
    np.testing.assert_allclose(g.derivative(z), (g.function(z + h) - g.function(z - h)) / (2 * h), atol=2e-8)
    np.testing.assert_allclose(g.second_derivative(z), (g.derivative(z + h) - g.derivative(z - h)) / (2 * h), atol=2e-8)
    third = (g.second_derivative(z + h) - g.second_derivative(z - h)) / (2 * h)
    np.testing.assert_allclose(g.third_derivative(z), third, atol=2e-8)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_at_extremes_are_limits_and_nan_stays_nan(name, dtype):
    z = np.array([1e30, -1e30, np.nan], dtype)
    for function in (ACTIVATIONS[name].function, ACTIVATIONS[name].derivative):
        values = function(z)
        assert not np.isnan(values[:2]).any()
    assert np.isnan(ACTIVATIONS[name].function(z)[2])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_of_a_number_are_the_same_alone_and_beside_any_other(name, dtype):
    """Signs of zero too, where a huge neighbour or NaN sends a line of numbers another way."""
    z = np.array([0.0, -0.0, 0.3, -2.7, 11.0, -90.0, 1e5, -7.3e5, 1e30, np.inf, -np.inf, np.nan], dtype)
    for function in functions_of(ACTIVATIONS[name]):
        alone = np.array([function(z[k:k + 1])[0] for k in range(z.size)])
        for line in (function(z), function(np.repeat(z, 16))[::16], function(np.repeat(z[:7], 16))[::16]):
            assert np.array_equal(line, alone[:line.size], equal_nan=True)
            assert np.array_equal(np.signbit(line[:-1]), np.signbit(alone[:line.size - 1]))
