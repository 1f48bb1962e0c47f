"""Numbers that carry derivatives: every rule against differences in extended precision, values with the bits of plain arrays."""

import warnings

import numpy as np
import pytest

from engine import Residual
from engine.jets.carried import BINARY, FLAT, UNARY, Carried

m = 9
generator = np.random.default_rng(5)
X = generator.uniform(0.3, 1.6, (m, 1))
JETS = generator.uniform(0.3, 1.6, (m, 2, 1))  # of u.value and u.d(0)

# r of a = u, b = u_x and a constant c
RULES = {
    "a + b": lambda a, b, c: a + b, "a + c": lambda a, b, c: a + c, "c + a": lambda a, b, c: c + a,
    "2 + a": lambda a, b, c: 2 + a,
    "a - b": lambda a, b, c: a - b, "a - c": lambda a, b, c: a - c, "c - a": lambda a, b, c: c - a, "2 - a": lambda a, b, c: 2 - a,
    "a * b": lambda a, b, c: a * b, "a * c": lambda a, b, c: a * c, "c * a": lambda a, b, c: c * a, "2 * a": lambda a, b, c: 2 * a,
    "a / b": lambda a, b, c: a / b, "a / c": lambda a, b, c: a / c, "c / a": lambda a, b, c: c / a, "2 / a": lambda a, b, c: 2 / a,
    "a / 2": lambda a, b, c: a / 2, "a ** 2": lambda a, b, c: a**2, "a ** 3": lambda a, b, c: a**3,
    "a ** -1": lambda a, b, c: a**-1,
    "a ** 0.5": lambda a, b, c: a**0.5, "a ** 1": lambda a, b, c: a**1, "a ** 0": lambda a, b, c: a**0 + b,
    "a ** c": lambda a, b, c: a**c, "c ** a": lambda a, b, c: c**a, "2 ** a": lambda a, b, c: 2**a, "a ** b": lambda a, b, c: a**b,
    "-a": lambda a, b, c: -a, "+a": lambda a, b, c: +a, "abs": lambda a, b, c: abs(-a), "a * a * a": lambda a, b, c: a * a * a,
    "(a b)(a b) + a b": lambda a, b, c: (a * b) * (a * b) + a * b, "a a - b a + b": lambda a, b, c: a * a - b * a + b,
    "where c": lambda a, b, c: np.where(c > 0.8, a * b, b), "where a": lambda a, b, c: np.where(a > 0.8, a * a, 2.0),
    "masks": lambda a, b, c: (c > 0.7) * a + (c > 0.5) * a, "a <= b": lambda a, b, c: (a <= b) * a + (a == b) + (b != 0) * b,
    "a < c": lambda a, b, c: (a < c) * a + (a >= c) * b, "maximum of a number": lambda a, b, c: np.maximum(0.8, a),
    "a number of NumPy": lambda a, b, c: np.float64(2) * a + a * np.float32(0.5), "alike": lambda a, b, c: np.ones_like(a) * b,
    "sign": lambda a, b, c: np.sign(a - 0.8) * b, "whole numbers": lambda a, b, c: np.arange(len(c), dtype=np.int8) * a + a * 1,
    "maximum": lambda a, b, c: np.maximum(a, b), "minimum": lambda a, b, c: np.minimum(a, b),
    "burgers": lambda a, b, c: a * b - 0.01 * np.tanh(3 * a) * np.exp(-b * c)}
RULES |= {f"np.{ufunc.__name__}": lambda a, b, c, ufunc=ufunc: ufunc(0.9 * a) for ufunc in UNARY}
RULES |= {f"np.{ufunc.__name__} of two": lambda a, b, c, ufunc=ufunc: ufunc(a, b) + ufunc(c, a) for ufunc in BINARY}


def differences(rule, jets):
    """∂r/∂u and ∂r/∂u_x [2, m] by central differences in extended precision."""
    c, step = X[:, 0].astype(np.longdouble), np.longdouble(1e-6)
    found = []
    for k in range(2):
        up, down = jets.astype(np.longdouble), jets.astype(np.longdouble)
        up[:, k], down[:, k] = up[:, k] + step, down[:, k] - step
        found.append((rule(up[:, 0, 0], up[:, 1, 0], c) - rule(down[:, 0, 0], down[:, 1, 0], c)) / (2 * step))
    return np.array(found, np.float64)


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-9), (np.float32, 2e-5)])
@pytest.mark.parametrize("name", RULES)
def test_a_rule_agrees_with_differences(name, dtype, tolerance):
    rule, x, jets = RULES[name], X.astype(dtype), JETS.astype(dtype)
    residual = Residual(lambda x, u: rule(u.value, u.d(0), x[:, 0]))
    components = residual.components(x, 1, 1)
    r, D = residual.values_and_seeds(x, jets, components)
    assert r.dtype == D.dtype == dtype and r.shape == (m, 1) and D.shape == (m, 1, 2, 1) and D.flags.c_contiguous
    assert np.array_equal(r[:, 0], np.asarray(rule(jets[:, 0, 0].copy(), jets[:, 1, 0].copy(), x[:, 0]), dtype))
    assert np.array_equal(r, residual.values(x, jets, components))
    np.testing.assert_allclose(D[:, 0, :, 0].T, differences(rule, jets), rtol=tolerance, atol=tolerance)


def test_float32_stays_float32_on_the_way():
    one = Carried(np.full(3, 0.5, np.float32), {(0, 0): 1.0})
    for rule in UNARY:
        made = 2 * rule(one) ** 3 / 7 - 1.5
        assert made.dtype == np.float32 and made.slopes[0, 0].dtype == np.float32, rule


def test_powers_of_0_have_their_derivatives():
    zero = Carried(np.zeros(2), {(0, 0): 1.0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [np.broadcast_to((zero**n).slopes.get((0, 0), 0.0), 2).tolist() for n in (0, 1, 2, 3, 1.5)] == [
            [0, 0], [1, 1], [0, 0], [0, 0], [0, 0]]
        assert (zero ** np.array([0.0, 2.0])).slopes[0, 0].tolist() == [0, 0]
        assert (0.0 ** (zero + 2)).slopes[0, 0].tolist() == [0, 0]


def test_slopes_are_shared_and_never_changed():
    one = Carried(np.ones(2), {(0, 0): 1.0})
    sums, before = one + 1, dict(one.slopes)
    _ = sums * 3 + one / 2
    assert sums.slopes is one.slopes and one.slopes == before


@pytest.mark.parametrize("use, message", [
    (lambda a: np.arcsinh(a), r"np.arcsinh has no rule .* np.where, np.positive, .*np.sin, .*derivative="),
    (lambda a: np.clip(a, 0, 1), "np.clip has no rule"), (lambda a: np.interp(a, [0, 1], [0, 1]), "np.interp has no rule"),
    (lambda a: np.sin(a, dtype=np.float32), "np.sin with dtype has no rule"), (lambda a: np.sum(a), "np.sum joins points"),
    (lambda a: np.add.reduce(a), "np.add.reduce joins points"), (lambda a: np.asarray(a), "an array would lose"),
    (lambda a: np.array([a, a]), "an array would lose"), (lambda a: a[:2], "take no index"),
    (lambda a: 1 if a else 2, "numpy.where"),
    (lambda a: float(a), "NumPy's functions"), (lambda a: np.add(a, 1, out=np.zeros(3)), "r = r [+]"),
    (lambda a: a + 1j, "complex"),
    (lambda a: a * "x", "dtype <U1"), (lambda a: a + np.ma.masked_equal([1.0, 2.0, 3.0], 2.0), "no masked"),
    (lambda a: np.array([1, 2, None]) * a, "dtype object"), (lambda a: a % 2, "unsupported operand"),
    (lambda a: np.stack([a, a]), "np.stack has no rule"), (lambda a: list(a), "not iterable")])
def test_what_has_no_rule_is_refused_with_those_that_have(use, message):
    with pytest.raises((TypeError, ValueError), match=message):
        use(Carried(np.ones(3), {(0, 0): 1.0}))


def test_a_column_beside_a_number_a_point_is_refused():
    with pytest.raises(ValueError, match=r"came to shape \[3, 3\]; take columns of x as x\[:, 0\]"):
        Carried(np.ones(3), {}) * np.ones((3, 1))


def test_every_rule_is_tested():
    assert {f"np.{ufunc.__name__}" for ufunc in UNARY} <= RULES.keys() and len(FLAT) == 9
    assert repr(Carried(np.ones(3), {(0, 0): 1.0})) == "Carried(float64 [3], 1 derivatives)"
