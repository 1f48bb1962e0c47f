"""Whatever the engine has by name stands in `tests/cases.py`, and what it says of a loss or a reduction is so."""

import pathlib

import numpy as np
import pytest

import engine
from engine import losses, operators, reductions, updates
from engine.kernels import reductions as reduction_kernels
from engine.operators.loss_hessian import FORMS, Form
from engine.operators.reduction_hessian import reduction_hessian
from schedulers import orders
from tests import cases
from tests.oracle import differences
from tests.oracle.activations import FORMS as PLAIN_ACTIVATIONS
from tests.oracle.losses import FORMS as PLAIN_LOSSES
from tests.oracle.losses import derivatives
from tests.oracle.reductions import FORMS as PLAIN_REDUCTIONS

ROOT = pathlib.Path(__file__).parents[2]


def test_every_activation_loss_and_reduction_is_registered():
    assert set(PLAIN_ACTIVATIONS) == set(cases.ACTIVATIONS)
    assert set(PLAIN_LOSSES) == set(losses.NAMED)
    assert {name.removesuffix(" on probabilities") for name in cases.LOSSES} == set(losses.NAMED)
    assert set(cases.REDUCTIONS) == set(PLAIN_REDUCTIONS) == set(reduction_kernels.NAMES)
    assert all(callable(getattr(reductions, name)) or name in reductions.NAMED for name in cases.REDUCTIONS)


def test_every_update_is_registered():
    public = {getattr(updates, name) for name in updates.__all__} - {updates.FirstOrder, updates.Update, updates.UpdateState}
    first_order = {kind for kind in public if issubclass(kind, updates.FirstOrder)}
    assert {type(update) for update, _, _ in cases.UPDATES.values()} == first_order
    assert {type(build()) for build in cases.SECOND_ORDER.values()} == public - first_order
    assert public <= {getattr(engine, name) for name in engine.__all__}


def test_every_order_is_registered():
    """Those by name and those that a function of `schedulers.orders` makes."""
    made = {type(orders.named(build(21))) for build in cases.ORDERS.values()}
    known = {kind for kind in vars(orders).values() if isinstance(kind, type) and issubclass(kind, orders.Order)} - {orders.Order}
    assert {kind for kind in known if not kind.__subclasses__()} <= made


def test_every_operator_is_registered():
    assert {name.partition(" ")[0] for name in cases.OPERATORS} | set(cases.OF_OPERATORS) == set(operators.__all__)
    for name, file in cases.OF_OPERATORS.items():
        assert f"{name}(" in (ROOT / "tests" / "engine" / f"{file}.py").read_text(), name


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", cases.OPERATORS)
def test_every_operator_is_linear_and_has_its_adjoint(name, dtype):
    """⟨u, O v⟩ = ⟨Oᵀ u, v⟩, products of columns are columns of products, and `dense` is the product with the identity."""
    build, symmetric = cases.OPERATORS[name]
    generator, net = np.random.default_rng(3), cases.network((3, 5, 2), dtype=dtype)
    X, y = generator.standard_normal((11, 3)).astype(dtype), cases.targets("poisson", generator, 11, 2)
    found = build(net, X, y, engine.Cost("poisson"))
    rows, columns = found.shape
    u, V = generator.standard_normal(rows).astype(dtype), generator.standard_normal((columns, 3)).astype(dtype)
    close = dict(rtol=0, atol=1e-12 if dtype == np.float64 else 1e-4)
    products = found @ V
    assert found.dtype == products.dtype == dtype and products.shape == (rows, 3)
    np.testing.assert_allclose(u @ products, (found.T @ u) @ V, **close)
    np.testing.assert_allclose(products, np.column_stack([found @ v for v in V.T]), **close)
    dense = found.dense()
    assert dense.dtype == dtype
    np.testing.assert_allclose(dense @ V, products, **close)
    if symmetric:
        np.testing.assert_allclose(dense, dense.T, **close)
        np.testing.assert_allclose(found.diagonal(), dense.diagonal(), **close)


@pytest.mark.parametrize("name", losses.NAMED)
def test_what_is_said_of_a_loss_is_so(name):
    """Form.DIAGONAL: ∇²L is diagonal everywhere; not Form.ENTRIES: it has no eigenvalue below 0 anywhere, and others have."""
    generator = np.random.default_rng(1)
    A, y = 2 * generator.standard_normal((40, 3)), cases.targets(name, generator, 40, 3)
    H = derivatives(name, A, y)[1]
    off_diagonal = np.abs(H * (1 - np.eye(3))).max()
    assert (off_diagonal < 1e-9) == (FORMS[name] is Form.DIAGONAL)
    assert (np.linalg.eigvalsh(H).min() > -1e-9) == (FORMS[name] is not Form.ENTRIES)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", cases.REDUCTIONS)
def test_second_derivatives_of_a_reduction_are_differences_of_first_ones(name, dtype):
    """∇²φ v, and its form diag(d) − c r rᵀ, against φ's own values: a branch that was forgotten gives 0."""
    m = 9
    L = np.random.default_rng(2).uniform(0.5, 2.0, m).astype(dtype)
    reduction, plain = cases.REDUCTIONS[name][1](m), cases.plain_reduction(name, m)
    expected = differences.hessian(plain, L).astype(float)
    close = dict(rtol=0, atol=1e-12 if dtype == np.float64 else 1e-5)
    np.testing.assert_allclose(reduction.gradient(L), differences.gradient(plain, L).astype(float), **close)
    products = np.column_stack([reduction.hessian_product(L, v) for v in np.eye(m, dtype=dtype)])
    np.testing.assert_allclose(products, expected, **close)
    found = reduction_hessian(reduction, L, reduction.gradient(L))
    d, c, r = (np.zeros(m), 0.0, np.zeros(m)) if found is None else found
    np.testing.assert_allclose(np.diag(d) - c * np.outer(r, r), expected, **close)


@pytest.mark.parametrize("name", cases.ACTIVATIONS)
def test_the_oracles_activations_are_derivatives_of_each_other(name):
    z = np.array([-2.7, -1.3, -0.4, 0.3, 0.8, 1.6, 3.1])
    g, first, second = PLAIN_ACTIVATIONS[name]
    for below, above in ((g, first), (first, second)):
        slopes = differences.jacobian(lambda x, f=below: np.asarray(f(x.astype(float))), z, step=1e-3).diagonal()
        np.testing.assert_allclose(np.asarray(above(z), float), slopes.astype(float), atol=1e-9)


def test_a_repr_names_every_parameter_and_no_address():
    own = engine.Cost(engine.Loss(np.add, np.subtract), engine.Reduction(np.sum, np.ones_like))
    told = {engine.Cost(losses.huber(0.5), reductions.cvar(0.3)): "Cost(huber(0.5), cvar(0.3))",
            engine.Cost("hinge", reductions.quantile(0)): "Cost(hinge, quantile(0))",
            engine.Cost("poisson", reductions.weighted([1.0, 2.0])): "Cost(poisson, weighted(2 samples))",
            own: "Cost(Loss(add, subtract), Reduction(sum, ones_like))"}
    assert {cost: repr(cost) for cost in told} == told
    assert repr(engine.Network.initialize((1, 2, 1), "tanh").activations) == "(Activation('tanh'), Activation('identity'))"
    names = {name for name in cases.REDUCTIONS if cases.REDUCTIONS[name][0]}
    assert names == set(reductions.PARAMETRIC)
