"""g, γ, g″ and g‴ of every activation over the whole range of a dtype, against mpmath and the bounds in docs/mathematics.md."""

import pathlib

import numpy as np
import pytest
from numba import config

from tests.cases import ACTIVATIONS, DTYPES, PARAMETRIC, functions_of
from tests.oracle.activations import EXACT, exact

LONG = np.longdouble
DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "mathematics.md"
TRIED = 6 if config.DISABLE_JIT else 45


def stated():
    """{activation: the largest errors of g, γ, g″ and g‴}, from the rows `| tanh | 3 | 4 | 5 | 9 |`."""
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in DOCUMENT.read_text(encoding="utf-8").splitlines()]
    return {name: tuple(map(int, row[1:])) for row in rows if len(row) == 5 and row[1].isdigit()
            for name in row[0].split(", ")}


def values(dtype):
    """Arguments over the whole range, denser where something happens, the borders of ranges among them."""
    g, limits = np.random.default_rng(0), np.finfo(dtype)
    far = 800 if dtype == np.float64 else 120
    lowest, highest = np.log2(float(limits.smallest_subnormal)), np.log2(float(limits.max))
    whole, tail = np.exp2(g.uniform(lowest, highest, 3 * TRIED)), np.exp2(np.linspace(-8, np.log2(far), 4 * TRIED))
    wave = np.arange(1, TRIED) * np.pi / 2
    inside = [g.uniform(-size, size, 2 * TRIED) for size in (1, 3, 10, 40, far)]
    zeros = (-0.7517915247, -1.2784645428, 2.3993572805, 2**0.5, 0.5**0.5, 0.6584789485, 1.3169578969, 1.2247448714,
             2.0)  # of derivatives
    near_zeros = [zero + g.uniform(-1e-6, 1e-6, TRIED // 6) for zero in zeros]
    borders = np.array([0.95, 1, 7, 22, 27.2, 26.6, 28, 36, 37.5, 38.5, 40, 44.36, 88.72, 103.9, 104, 354.89, 372, 708.4, 709.78,
                        745.1, 746])
    x = np.concatenate([whole, tail, wave, borders, *inside, *near_zeros])
    x = np.concatenate([x, -x, [limits.tiny, limits.max / 2]]).astype(dtype)
    return x[np.isfinite(x)]


def errors(got, truth, size, dtype):
    """In units in the last place of `size`, or of the least subnormal number; 0 where both are infinite."""
    with np.errstate(all="ignore"):
        rounded, scale = truth.astype(dtype), np.abs(size).astype(dtype)
        ulp = np.where(np.isfinite(scale), np.maximum(np.spacing(scale), np.finfo(dtype).smallest_subnormal), 1).astype(LONG)
        return np.where(np.isfinite(rounded), np.abs(got.astype(LONG) - truth) / ulp, np.where(got == rounded, 0, np.inf))


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_errors_are_at_most_as_stated(name, dtype):
    assert set(stated()) == set(ACTIVATIONS) == set(EXACT)
    bounds = stated()[name]
    assert bounds[0] <= 4
    compare(ACTIVATIONS[name], values(dtype), bounds)


@pytest.mark.parametrize("name", PARAMETRIC)
@pytest.mark.parametrize("dtype", DTYPES)
def test_errors_with_parameters_are_at_most_one_more(name, dtype):
    activation = PARAMETRIC[name]
    z = values(dtype)
    if activation.name == "softplus":
        with np.errstate(over="ignore"):
            z = np.concatenate([z, (z / activation.parameters[0]).astype(dtype)])
    compare(activation, z[np.isfinite(z)], [bound + 1 for bound in stated()[activation.name]])


def compare(activation, z, bounds):
    name, dtype = activation.name, z.dtype.type
    truths, sizes = exact(name, z, activation.parameters)
    for symbol, function, truth, size, bound in zip(("g", "γ", "g″", "g‴"), functions_of(activation), truths, sizes, bounds,
                                                    strict=True):
        got = function(z)
        error = errors(got, truth, size, dtype)
        if name == "tanh" and symbol != "g":  # 0 in place of subnormal numbers
            least = (4 if symbol == "g‴" else 2) * np.finfo(dtype).tiny
            small = np.abs(truth) < least
            assert (np.abs(got - truth)[small] <= least).all()
            error[small] = 0
        worst = np.argmax(error)
        assert error[worst] <= bound, (
            f"{symbol}({z[worst]!r}) = {got[worst]!r}, not {truth[worst]!r}: {float(error[worst]):.2f} ulp")


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_limits_zeros_and_nan(name, dtype):
    """At ±inf what the numbers before it tend to, at ±0 the value at 0, and NaN for NaN."""
    activation = ACTIVATIONS[name]
    zeros = np.array([0.0, -0.0], dtype)
    truths, _ = exact(name, zeros)
    infinite = np.array([np.inf, -np.inf, np.finfo(dtype).max, np.finfo(dtype).min], dtype)
    for order, function in enumerate(functions_of(activation)):
        np.testing.assert_allclose(function(zeros).astype(LONG), truths[order], rtol=4 * np.finfo(dtype).eps, atol=0)
        ends = function(infinite)
        if name in ("sin", "cos"):
            assert np.isnan(ends[:2]).all()
        elif order == 0 and name in ("identity", "leaky_relu", "relu", "elu", "selu", "softplus", "gelu", "silu", "gelu_tanh",
                                    "mish", "hard_swish", "log_sigmoid"):
            assert ends[0] == (0 if name == "log_sigmoid" else np.inf) and (ends[1] == -np.inf or abs(ends[1] - ends[3]) == 0)
        else:
            assert np.array_equal(ends[:2], ends[2:])
        assert np.isnan(function(np.array([np.nan], dtype)))[0] or (name, order) == ("identity", 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_second_derivatives_at_kinks_are_zero(dtype):
    """γ there is the derivative from the left, but of what is cut off at two borders that from outside."""
    zeros, ends = np.array([0.0, -0.0], dtype), np.array([1.0, -1.0], dtype)
    slopes = {"relu": 0, "leaky_relu": dtype(0.01), "selu": dtype(1.0507009873554805 * 1.6732632423543772), "elu": 1}
    for name, slope in slopes.items():
        assert (ACTIVATIONS[name].derivative(zeros) == slope).all()
        assert (ACTIVATIONS[name].second_derivative(zeros) == 0).all()
    assert (ACTIVATIONS["softsign"].second_derivative(zeros) == 0).all()
    assert (PARAMETRIC["leaky_relu(0.2)"].derivative(zeros) == dtype(0.2)).all()
    assert (PARAMETRIC["elu(0.5)"].derivative(zeros) == 0.5).all() and not PARAMETRIC["elu(0.5)"].second_derivative(zeros).any()
    for name, borders, slopes in (("hard_tanh", ends, 0), ("hard_sigmoid", 3 * ends, 0), ("hard_swish", 3 * ends, [1, 0])):
        assert (ACTIVATIONS[name].derivative(borders) == slopes).all()
        assert (ACTIVATIONS[name].second_derivative(borders) == 0).all()
    clipped = PARAMETRIC["hard_tanh(-0.5, 2.0)"].derivative(np.array([-0.5, np.nextafter(dtype(-0.5), dtype(0)), 1.9, 2], dtype))
    assert clipped.tolist() == [0, 1, 1, 0]
