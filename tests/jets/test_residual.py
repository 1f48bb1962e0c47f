"""Residuals: what they read, their derivatives against formulas written out, and what is refused."""

import pickle

import numpy as np
import pytest

from engine import Residual
from engine.jets import Components

generator = np.random.default_rng(3)
m = 7
X = generator.uniform(0, 1, (m, 2))


def evaluated(residual, x, n, dtype=np.float64, **told):
    """(components, jets, r, D) of random jets."""
    x = x.astype(dtype)
    components = residual.components(x, x.shape[1], n)
    jets = generator.standard_normal((len(x), components.count, n)).astype(dtype)
    return components, jets, *residual.values_and_seeds(x, jets, components, **told)


# a residual, outputs n, components, and r and the D that are not 0, {(a, component, output): ∂r_a/∂}, of jets J [m, K, n]
EQUATIONS = {
    "Poisson": (Residual(lambda x, u: u.laplacian() + np.sin(x[:, 0])), 1, Components((0, 1), (((0, 0, 1.0), (1, 1, 1.0)),)),
                lambda x, J: [J[:, 3, 0] + np.sin(x[:, 0])], lambda x, J: {(0, 3, 0): 1}),
    "heat": (Residual(lambda x, u: u.d(0) - 0.1 * u.d(1, 1)), 1, Components((0, 1), (((1, 1, 1.0),),)),
             lambda x, J: [J[:, 1, 0] - 0.1 * J[:, 3, 0]], lambda x, J: {(0, 1, 0): 1, (0, 3, 0): -0.1}),
    "Burgers": (Residual(lambda x, u: u.d(0) + u.value * u.d(1) - 0.01 * u.laplacian(1)), 1, Components((0, 1), (((1, 1, 1.0),),)),
                lambda x, J: [J[:, 1, 0] + J[:, 0, 0] * J[:, 2, 0] - 0.01 * J[:, 3, 0]],
                lambda x, J: {(0, 0, 0): J[:, 2, 0], (0, 1, 0): 1, (0, 2, 0): J[:, 0, 0], (0, 3, 0): -0.01}),
    "Monge–Ampère": (Residual(lambda x, u: u.d(0, 0) * u.d(1, 1) - u.d(1, 0)**2), 1,
                     Components((0, 1), (((0, 0, 1.0),), ((0, 1, 1.0),), ((1, 1, 1.0),))),
                     lambda x, J: [J[:, 3, 0] * J[:, 5, 0] - J[:, 4, 0]**2],
                     lambda x, J: {(0, 3, 0): J[:, 5, 0], (0, 5, 0): J[:, 3, 0], (0, 4, 0): -2 * J[:, 4, 0]}),
    "divergence": (Residual(lambda x, u: u.divergence()), 2, Components((0, 1), ()), lambda x, J: [J[:, 1, 0] + J[:, 2, 1]],
                   lambda x, J: {(0, 1, 0): 1, (0, 2, 1): 1}),
    "Cauchy–Riemann": (Residual(lambda x, u: (u[0].d(0) - u[1].d(1), u[0].d(1) + u[1].d(0)), outputs=2), 2, Components((0, 1), ()),
                       lambda x, J: [J[:, 1, 0] - J[:, 2, 1], J[:, 2, 0] + J[:, 1, 1]],
                       lambda x, J: {(0, 1, 0): 1, (0, 2, 1): -1, (1, 2, 0): 1, (1, 1, 1): 1}),
    "edge": (Residual(lambda x, u: [u.value]), 1, Components((), ()), lambda x, J: [J[:, 0, 0]], lambda x, J: {(0, 0, 0): 1}),
    "pendulum of two": (Residual(lambda x, u: tuple(one.d(0, 0) + np.sin(one.value) for one in u), outputs=2), 2,
                        Components((0,), (((0, 0, 1.0),),)), lambda x, J: [J[:, 2, k] + np.sin(J[:, 0, k]) for k in range(2)],
                        lambda x, J: {(k, c, k): (np.cos(J[:, 0, k]), 0, 1)[c] for k in range(2) for c in (0, 2)})}


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-14), (np.float32, 1e-6)])
@pytest.mark.parametrize("name", EQUATIONS)
def test_an_equations_seeds_are_its_derivatives(name, dtype, tolerance):
    residual, n, expected, values, slopes = EQUATIONS[name]
    components, J, r, D = evaluated(residual, X, n, dtype)
    assert components == expected and r.dtype == D.dtype == dtype and D.flags.c_contiguous
    wanted = np.zeros(D.shape)
    for (a, component, output), slope in slopes(X, J.astype(np.float64)).items():
        wanted[:, a, component, output] = slope
    np.testing.assert_allclose(D, wanted, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(r.T, values(X, J.astype(np.float64)), rtol=tolerance, atol=10 * tolerance)
    assert np.array_equal(residual.values(X.astype(dtype), J, components), r)


def test_forms_of_the_same_terms_are_one_component():
    residual = Residual(lambda x, u: u.laplacian() + u.laplacian((1, 0)) * u.d(0, 1) - u.d(1, 0))
    components, _, _, D = evaluated(residual, X, 1)
    assert components == Components((0, 1), (((0, 0, 1.0), (1, 1, 1.0)), ((0, 1, 1.0),)))
    line = Residual(lambda x, u: u.laplacian() + u.d(0, 0)).components(X[:, :1], 1, 1)
    assert line == Components((0,), (((0, 0, 1.0),),)) and hash(line) == hash(Components((0,), (((0, 0, 1.0),),)))
    assert components.at(1) == 2 and components.form([(1, 1, 1), (0, 0, 1)]) == 3 and components.form([(1, 0, 1)]) == 4
    assert components.at(2) is None and components.form([(0, 0, 1)]) is None and components.count == 5
    later = Components.of([3], [[(4, 2, 1.0)]])
    assert later == Components((2, 3, 4), (((0, 2, 1.0),),)) and later.at(4) == 3 and later.form([(0, 2, 1.0)]) == 4


def test_divergence_goes_with_the_first_outputs():
    residual = Residual(lambda x, u: u.divergence((1, 0)) + u[2].value)
    _, _, _, D = evaluated(residual, X, 3)
    assert D[0, 0].tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]


def test_what_a_function_is_given_is_its_own_copy():
    def greedy(x, u):
        x *= 0
        value = u.value
        value -= value if isinstance(value, np.ndarray) else 0
        return value + u.value

    own = Residual(greedy, derivative=lambda x, u: {"value": 1.0})
    for residual in (own, Residual(greedy)):
        x, J = X.copy(), np.ones((m, 1, 1))
        residual.values(x, J, residual.components(x, 2, 1))
        assert np.array_equal(x, X) and (J == 1).all()


def test_a_derivative_of_ones_own():
    carried = Residual(lambda x, u: np.sin(u.value) * u.d(1) + x[:, 0] * u.laplacian() - u.d(0, 1)**2)
    own = Residual(carried.function, derivative=lambda x, u: {
        "value": np.cos(u.value) * u.d(1), (1,): np.sin(u.value), "laplacian": x[:, 0], (1, 0): -2 * u.d(0, 1)})
    components, J, r, D = evaluated(carried, X, 1)
    assert own.components(X, 2, 1) == components
    again, D_own = own.values_and_seeds(X, J, components)
    assert np.array_equal(r, again) and np.array_equal(D, D_own)
    two = Residual(lambda x, u: np.arcsinh(np.stack([u[0].value, u[1].d(0) + u[0].laplacian((0,))], 1)), outputs=2,
                   derivative=slopes)
    components, J, r, D = evaluated(two, X, 2)
    z = J[:, 1, 1] + J[:, 2, 0]
    np.testing.assert_allclose(r, np.arcsinh(np.stack([J[:, 0, 0], z], 1)))
    np.testing.assert_allclose(D[:, 1, 2, 0], 1 / np.sqrt(1 + z**2))
    assert np.array_equal(D[:, 1, 1, 1], D[:, 1, 2, 0]) and (D[:, 0, 1:] == 0).all() and (D[:, 1, 0] == 0).all()


def slopes(x, u):
    z = 1 / np.sqrt(1 + (u[1].d(0) + u[0].laplacian((0,)))**2)
    return {(0, "value"): np.stack([1 / np.sqrt(1 + u[0].value**2), 0 * z], 1), (1, (0,)): (0.0, z),
            (0, ("laplacian", (0,))): (0.0, z)}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_derivatives_in_unknowns_are_carried_too(dtype):
    residual = Residual(lambda x, u, p: u.d(0) - p["kappa"] * u.d(1, 1) + p["source"]**2 * x[:, 0],
                        unknowns={"kappa": 0.5, "source": 2.0})
    x = X.astype(dtype)
    components, J, r, D = evaluated(residual, X, 1, dtype)
    np.testing.assert_allclose(D[:, 0, 3, 0], -0.5)
    again, D, E = residual.values_and_slopes(x, J, components, unknowns={"kappa": 0.25, "source": 1.0})
    assert E.dtype == dtype and E.shape == (m, 1, 2) and (D[:, 0, 3, 0] == -0.25).all()
    np.testing.assert_allclose(E[:, 0].T, [-J[:, 3, 0], 2 * x[:, 0]], rtol=1e-6)
    np.testing.assert_allclose(again[:, 0], J[:, 1, 0] - 0.25 * J[:, 3, 0] + x[:, 0], rtol=1e-5, atol=1e-6)
    assert np.array_equal(again, residual.values(x, J, components, unknowns={"kappa": 0.25, "source": 1.0}))
    own = Residual(lambda x, u, p: p["kappa"] * u.value, unknowns={"kappa": 3.0},
                   derivative=lambda x, u, p: {"value": p["kappa"], "kappa": u.value})
    components, J, r, D = evaluated(own, X, 1, dtype)
    assert np.array_equal(own.values_and_slopes(x, J, components)[2][:, 0, 0], J[:, 0, 0]) and (D == 3).all()


def equation(x, u):
    return u.value


def test_a_residual_is_a_value():
    one = Residual(equation, unknowns=None)
    one.components(X, 2, 1)
    assert one == Residual(equation) == pickle.loads(pickle.dumps(one)) and hash(one) == hash(Residual(equation))
    assert one != Residual(equation, 2) and one != Residual(equation, derivative=equation) and one != "residual"
    told = Residual(equation, 2, equation, {"kappa": 1})
    assert repr(told) == "Residual(equation, outputs=2, derivative=equation, unknowns={'kappa': 1.0})" and hash(told)
    assert pickle.loads(pickle.dumps(told)) == told


def test_a_residual_reads_the_same_at_every_call():
    seen = []

    def fickle(x, u):
        seen.append(0)
        return u.value if len(seen) == 1 else u.value + u.d(1, 1)

    with pytest.raises(ValueError, match=r"reads u.d\(1, 1\), which it did not read in its first call.*numpy.where") as found:
        evaluated(Residual(fickle), X, 1)
    assert "raised in the residual" in found.value.__notes__[0] and "fickle" in found.value.__notes__[0]


def test_a_first_call_gives_no_warnings():
    with np.errstate(all="raise"):
        Residual(lambda x, u: np.log(1 - u.value) + 1 / (1 - u.d(0))).components(X, 2, 1)


def complex_equation(x, u):
    return u.value + 1j


@pytest.mark.parametrize("function, outputs, n, message", [
    (lambda x, u: u.d(2), 1, 1, r"an input of u.d\(2\) must be an input from 0 to 1, but is 2; x has 2 columns"),
    (lambda x, u: u.d(0, 5), 1, 1, "must be an input from 0 to 1, but is 5"), (lambda x, u: u.d(-1), 1, 1, "at least 0, but is -1"),
    (lambda x, u: u.d(), 1, 1, "takes one input"),
    (lambda x, u: u.d(0, 0, 0), 1, 1, "write an equation of higher order as a system"),
    (lambda x, u: u.laplacian((0, 0)), 1, 1, "none of them twice"),
    (lambda x, u: u.laplacian((3,)), 1, 1, r"axes\[0\] must be an input"),
    (lambda x, u: u[1].value, 1, 1, r"k of u\[k\] must be an output from 0 to 0, but is 1; give the network's last layer 2"),
    (lambda x, u: u.value, 1, 2, r"u.value is of one output, but the network has 2; say which, u\[0\].value"),
    (lambda x, u: u.laplacian(), 1, 3, r"u\[0\].laplacian\(\) for instance"),
    (lambda x, u: u.divergence(), 1, 3, "as many outputs as inp"),
    (lambda x, u: u.divergence((0, 1)), 1, 1, "for each of the 1 outputs at most"),
    (lambda x, u: x[:, 0], 1, 1, "but reads nothing, so"),
    (lambda x, u: np.sign(u.value), 1, 1, "must have a derivative in u, but gives what has none"),
    (lambda x, u: (u.value, u.value), 1, 1, r"must give shape \[7\], but gave 2 pieces of shape \[7\]; say so .*outputs=2"),
    (lambda x, u: u.value, 2, 1, r"2 pieces of shape \[7\], or an array \[7, 2\], but gave shape \[7\]"),
    (lambda x, u: (u.value, x), 2, 1, r"but gave 2 pieces of shape \[7\] and \[7, 2\]"),
    (lambda x, u: u.value and None, 1, 1, "where"),
    (lambda x, u: (u.value, None)[1], 1, 1, "but gave nothing"), (lambda x, u: (u.value, x.sum())[1], 1, 1, r"gave shape \[\]"),
    (lambda x, u: u.value * (x[:, 0] + 1j), 1, 1, "complex"),
    (lambda x, u: u.value * x[:, :1], 1, 1, r"x\[:, 0\], not x\[:, 0:1\]"),
    (lambda x, u: u.value + np.ones(3), 1, 1, "broadcast")])
def test_a_wrong_residual_is_refused_by_what_to_do(function, outputs, n, message):
    with pytest.raises((TypeError, ValueError), match=message):
        evaluated(Residual(function, outputs), X, n)


def test_plain_results_are_checked():
    own = {"derivative": lambda x, u: {"value": 1.0}}
    components, J = Components((), ()), np.ones((m, 1, 1))
    for function, message in (
            (lambda x, u: u.value + 1j, "dtype complex128; split"), (lambda x, u: u.value[:3], r"but gave shape \[3\]"),
            (lambda x, u: u.value.astype(str), "dtype <U32"), (lambda x, u: np.ma.masked_less(u.value, 2), "masked")):
        with pytest.raises((TypeError, ValueError), match=message):
            Residual(function, **own).values(X, J, components)
    assert (Residual(lambda x, u: u.value[:, None], **own).values(X, J, components) == 1).all()
    with pytest.raises(ValueError, match=r"jets must have shape \[7, 1, n\]"):
        Residual(equation).values(X, J[:3], components)


@pytest.mark.parametrize("derivative, message", [
    (lambda x, u: [1.0], "must give a dict"), (lambda x, u: {"value": 1.0}, r"has none for u.d\(0\); give 0.0"),
    (lambda x, u: {"value": 1.0, (0,): 1.0, (1,): 0.0}, r"what the residual reads, u.d\(0\), u.value, but has \(1,\)"),
    (lambda x, u: {"value": 1.0, 0: 1.0}, r"must have keys 'value', \(i,\)"),
    (lambda x, u: {"value": x, (0,): 1.0}, r"or be one number"),
    (lambda x, u: {"value": 1.0, (0,): 1j}, "must give real numbers")])
def test_a_wrong_derivative_is_refused(derivative, message):
    with pytest.raises((TypeError, ValueError), match=message):
        evaluated(Residual(lambda x, u: u.value + u.d(0), derivative=derivative), X, 1)


@pytest.mark.parametrize("told, message", [
    ({"function": 3}, "Residual's function must be a callable"), ({"outputs": 0}, "outputs must be a whole number of at least 1"),
    ({"derivative": 3}, "Residual's derivative must be a function of x and u, or left out"),
    ({"unknowns": 3}, "map names to first values"),
    ({"unknowns": {"value": 1}}, "other than 'value'"), ({"unknowns": {"k": np.nan}}, r"unknowns\['k'\] must be a finite number")])
def test_a_residual_of_something_else_is_refused(told, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Residual(**{"function": equation, **told})


def test_an_unknown_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="has no unknown 'k', but 'kappa'"):
        Residual(lambda x, u, p: p["k"] * u.value, unknowns={"kappa": 1.0}).components(X, 2, 1)


LINEAR = {
    "the heat equation": lambda x, u: u.d(0) - 0.1 * u.d(1, 1),
    "a sum": lambda x, u: u.laplacian() + 3 * u.d(0) - u.value / x[:, 0] + np.sin(x[:, 1]),
    "where x says": lambda x, u: np.where(x[:, 0] > 0.5, u.value, -u.d(1)),
    "signs": lambda x, u: -(+u.value) * np.exp(x[:, 0]) + np.negative(np.positive(u.d(0))),
    "parts": lambda x, u: np.add(u.value, 1) + np.subtract(2, u.d(0)) + np.multiply(x[:, 1], u.d(1)) + np.divide(u.value, 3)}
BENT = {
    "a product": lambda x, u: u.value * u.d(0), "a square": lambda x, u: u.value**2, "a power": lambda x, u: 2.0**u.value,
    "a quotient": lambda x, u: 1 / u.value, "a function": lambda x, u: np.sin(u.value), "a size": lambda x, u: abs(u.value),
    "the larger": lambda x, u: np.maximum(u.value, x[:, 0]), "a comparison": lambda x, u: (u.value > x[:, 0]) * u.d(0),
    "where u says": lambda x, u: np.where(u.value != 0, u.d(0), u.d(1)), "a sign": lambda x, u: np.sign(u.value) * u.d(0),
    "the smaller": lambda x, u: np.minimum(x[:, 0], u.value), "a comparison of NumPy's": lambda x, u: np.less(u.value, 1) * u.d(0),
    "something read and thrown away": lambda x, u: u.d(0) + 0 * np.cos(u.value)}


@pytest.mark.parametrize("name", {**LINEAR, **BENT})
def test_seeds_of_what_is_linear_in_u_are_those_at_any_network(name):
    """A second time too, at other points and in another dtype, for seeds may be remembered."""
    residual = Residual({**LINEAR, **BENT}[name])
    for dtype, points in ((np.float32, X), (np.float64, X), (np.float32, X[:3]), (np.float64, X + 0.25)):
        points = points.astype(dtype)
        components, _, _, D = evaluated(residual, points, 1, dtype)
        fixed = residual.fixed_seeds(points, components, 1)
        assert (fixed is not None) == (name in LINEAR)
        assert fixed is None or fixed.dtype == dtype and fixed.flags.c_contiguous and np.array_equal(fixed, D)


def test_what_may_depend_on_more_than_u_has_no_fixed_seeds():
    for residual in (Residual(lambda x, u, p: u.d(0) - p["k"], unknowns={"k": 1.0}),
                     Residual(lambda x, u: u.value, derivative=lambda x, u: {"value": 1.0})):
        assert residual.fixed_seeds(X, residual.components(X, 2, 1), 1) is None
