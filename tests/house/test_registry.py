"""Whatever the engine has by name stands in `tests/cases.py`, and what it says of a loss or a reduction is so."""

import dataclasses
import importlib
import inspect
import itertools
import json
import pathlib
import re

import numpy as np
import pytest

import engine
from asv_benches.peers import __main__ as main
from asv_benches.peers import cases as work_cases
from asv_benches.peers import in_engine
from engine import activations, losses, operators, reductions, updates
from engine.kernels import activations as activation_kernels
from engine.kernels import losses as loss_kernels
from engine.kernels import reductions as reduction_kernels
from engine.kernels import updates as update_kernels
from engine.kernels.second_derivatives import second_derivative
from engine.kernels.third_derivatives import third_derivative
from schedulers import orders, rates
from tests import cases
from tests.oracle import differences
from tests.oracle.activations import EXACT, PARAMETRIC_EXACT, PARAMETRIC_FORMS
from tests.oracle.activations import FORMS as PLAIN_ACTIVATIONS
from tests.oracle.losses import FORMS as PLAIN_LOSSES
from tests.oracle.losses import derivatives
from tests.oracle.reductions import FORMS as PLAIN_REDUCTIONS

ROOT = pathlib.Path(__file__).parents[2]
BITS = ROOT / "tests" / "engine" / "bits.json"


def assert_same(registered, known, place, how="{} is missing from {}"):
    """Two sets of names are the same; the message names what is missing and the file to edit."""
    missing, left = sorted(set(known) - set(registered)), sorted(set(registered) - set(known))
    assert not missing, how.format(", ".join(missing), place)
    assert not left, f"{place} names {', '.join(left)}, which nothing else has"


def members(call):
    """{code: member} of a family of kernels."""
    return inspect.getclosurevars(inspect.unwrap(call)).nonlocals["members"]


FAMILIES = {
    "activate": (activation_kernels.activate, activation_kernels.ActivationCode, "activations"),
    "second_derivative": (second_derivative, activation_kernels.ActivationCode, "second_derivatives"),
    "third_derivative": (third_derivative, activation_kernels.ActivationCode, "third_derivatives"),
    "loss_panel": (loss_kernels.loss_panel, loss_kernels.LossCode, "losses"),
    "loss_hessian": (loss_kernels.loss_hessian, loss_kernels.LossCode, "losses"),
    "reduce_losses": (reduction_kernels.reduce_losses, reduction_kernels.ReductionCode, "reductions"),
    "reduction_hessian_product": (reduction_kernels.reduction_hessian_product, reduction_kernels.ReductionCode, "reductions"),
    "update_parameters": (update_kernels.update_parameters, update_kernels.UpdateCode, "updates"),
}


@pytest.mark.parametrize("table", FAMILIES)
def test_every_code_has_a_kernel(table):
    call, codes, file = FAMILIES[table]
    assert_same((codes(code).name for code in members(call)), (code.name for code in codes),
                f"the table of `{table}` in engine/kernels/{file}.py")


def test_every_activation_is_registered():
    assert_same(PLAIN_ACTIVATIONS, cases.ACTIVATIONS, "FORMS of tests/oracle/activations.py")
    assert_same(EXACT, cases.ACTIVATIONS, "EXACT of tests/oracle/activations.py")
    rows = re.findall(r"^\| ([a-z_, ]+) \| \d+ \| \d+ \| \d+ \| \d+ \|$", (ROOT / "docs" / "mathematics.md").read_text(), re.M)
    assert_same((name for row in rows for name in row.split(", ")), cases.ACTIVATIONS, "the table of errors in docs/mathematics.md")


def test_every_activation_with_a_parameter_is_registered():
    taking = {code.name.lower() for code in activation_kernels.DEFAULTS}
    assert_same(activations.PARAMETRIC, taking, "PARAMETRIC of engine/activations.py")
    assert_same({made.name for made in cases.PARAMETRIC.values()}, taking, "PARAMETRIC of tests/cases.py")
    assert_same(PARAMETRIC_FORMS, taking, "PARAMETRIC_FORMS of tests/oracle/activations.py")
    assert_same(PARAMETRIC_EXACT, taking, "PARAMETRIC_EXACT of tests/oracle/activations.py")
    for code, usual in activation_kernels.DEFAULTS.items():
        assert activations.NAMED[code.name.lower()].parameters == usual


def test_every_loss_is_registered():
    assert_same({*losses.NAMED, "weighted_binary_cross_entropy"}, loss_kernels.CODES, "NAMED of engine/losses.py")
    assert_same(losses.KINDS, losses.NAMED, "KINDS of engine/losses.py")
    assert_same(losses.FORMS, losses.NAMED, "FORMS of engine/losses.py")
    assert_same(PLAIN_LOSSES, losses.NAMED, "FORMS of tests/oracle/losses.py")
    assert_same({*cases.LOSSES_ELSEWHERE, *(name.removesuffix(" on probabilities") for name in cases.LOSSES)}, losses.NAMED,
                "LOSSES of tests/cases.py")
    functions = {name for name in losses.NAMED if not isinstance(getattr(losses, name), engine.Loss)}
    assert_same(losses.PARAMETRIC, functions, "PARAMETRIC of engine/losses.py")


def test_every_reduction_is_registered():
    assert_same({name for name in reduction_kernels.NAMES if hasattr(reductions, name)}, reduction_kernels.NAMES,
                "engine/reductions.py")
    assert_same(PLAIN_REDUCTIONS, reduction_kernels.NAMES, "FORMS of tests/oracle/reductions.py")
    assert_same(cases.REDUCTIONS, reduction_kernels.NAMES, "REDUCTIONS of tests/cases.py")
    objects = {name for name in reduction_kernels.NAMES if isinstance(getattr(reductions, name), engine.Reduction)}
    assert_same(reductions.NAMED, objects, "NAMED of engine/reductions.py")
    taking = {name for name in cases.REDUCTIONS if cases.REDUCTIONS[name][0]}
    assert_same(reductions.PARAMETRIC, taking, "PARAMETRIC of engine/reductions.py")


@pytest.mark.parametrize("name", cases.REDUCTIONS)
def test_gradients_that_are_the_same_for_all_losses_are_said_to_be_so(name):
    plain, L = cases.plain_reduction(name, 9), np.random.default_rng(2).uniform(0.5, 2.0, 9)
    first, second = (differences.gradient(plain, losses_).astype(float) for losses_ in (L, np.roll(L, 1)))
    said = name in {code.name.lower() for code in reduction_kernels.CONSTANT}
    assert np.allclose(first, second, atol=1e-9) == said, f"{name}: see CONSTANT of engine/kernels/reductions.py"


@pytest.mark.parametrize("name", cases.REDUCTIONS)
def test_every_curved_reduction_says_what_its_hessian_is_made_of(name):
    reduction, L = cases.REDUCTIONS[name][1](9), np.linspace(0.5, 2.0, 9)
    found = reductions.reduction_hessian(reduction, L, np.full(9, 1 / 9))
    assert found is None or not np.isnan(found.scale), f"{name} has no branch in reduction_hessian of engine/reductions.py"


def test_every_update_is_registered():
    bases = {updates.FirstOrder, updates.Update, updates.UpdateState}
    for path in sorted((ROOT / "engine" / "updates").glob("*.py")):
        module = importlib.import_module(f"engine.updates.{path.stem}")
        made = {kind.__name__ for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, updates.Update)
                and kind.__module__ == module.__name__ and kind not in bases and dataclasses.is_dataclass(kind)
                and not kind.__subclasses__()}
        assert made <= set(updates.__all__), f"{made} is missing from __all__ of engine/updates/__init__.py"
    public = {getattr(updates, name) for name in updates.__all__} - bases
    first_order = {kind for kind in public if issubclass(kind, updates.FirstOrder)}
    names = {kind: kind.__name__ for kind in public}
    assert_same((type(update).__name__ for update, _, _ in cases.UPDATES.values()), map(names.get, first_order),
                "UPDATES of tests/cases.py")
    second_order = {**cases.SECOND_ORDER, **cases.EVIDENCE, **cases.WRAPPED}
    assert_same((type(build()).__name__ for build in second_order.values()), map(names.get, public - first_order),
                "SECOND_ORDER, EVIDENCE and WRAPPED of tests/cases.py")
    assert_same({*engine.__all__} & {*names.values()}, names.values(), "__all__ of engine/__init__.py")
    codes = update_kernels.UpdateCode
    assert_same((codes(kind.code).name for kind in first_order), (code.name for code in codes), "engine/updates/")
    assert_same((codes(code).name for code in update_kernels.FORMS), (code.name for code in codes),
                "FORMS of engine/kernels/updates.py")
    table = {case.split(", ")[1] for case in json.loads(BITS.read_text()) if case.startswith("ten epochs, ")}
    assert_same(table & {*cases.UPDATES}, cases.UPDATES, "tests/engine/bits.json",
                "{} is missing from {}: run python -m tests.engine.bits_table")


@pytest.mark.parametrize("name", cases.UPDATES)
def test_the_sizes_of_an_update_are_its_kernels(name):
    update = cases.UPDATES[name][0]
    numbers, rows = update_kernels.FORMS[update.code]
    assert len(update.settings) == numbers and update.state_rows <= rows, f"{name}: see FORMS of engine/kernels/updates.py"


def test_every_order_is_registered():
    """Those by name and those that a function of `schedulers.orders` makes."""
    known = {kind for kind in vars(orders).values() if isinstance(kind, type) and issubclass(kind, orders.Order)} - {orders.Order}
    known = {kind.__name__ for kind in known if not kind.__subclasses__()}
    assert_same((kind.__name__ for kind in orders.BUILT_IN), known, "BUILT_IN of schedulers/orders.py")
    made = {name for name, order in vars(orders).items() if isinstance(order, orders.Order)}
    assert_same(orders.NAMES, made, "NAMES of schedulers/orders.py")
    assert_same((type(orders.named(build(21))).__name__ for build in cases.ORDERS.values()), known, "ORDERS of tests/cases.py")


def test_every_rate_is_registered():
    known = {name for name, made in vars(rates).items() if inspect.isfunction(made) and not name.startswith("_")
             and made.__module__ == rates.__name__}
    assert_same(cases.RATES, known, "RATES of tests/cases.py")
    kinds = {name for name, made in vars(rates).items() if isinstance(made, type) and made.__module__ == rates.__name__}
    assert_same({type(rate).__name__ for rate, _ in cases.RATES.values()}, kinds, "schedulers/rates.py",
                "{} has no function that makes it in {}, with its arguments checked")


def test_every_operator_is_registered():
    files = {path.stem: path.read_text() for path in (ROOT / "engine" / "operators").glob("*.py")}
    public = {name for name, text in files.items() if re.search(rf"^def {name}\(network: Network, X\b", text, re.M)}
    assert_same(operators.__all__, public | set(operators.__all__), "__all__ of engine/operators/__init__.py")
    assert_same({name.partition(" ")[0] for name in cases.OPERATORS} | set(cases.OF_OPERATORS), operators.__all__,
                "OPERATORS, or OF_OPERATORS, of tests/cases.py")
    for name, file in cases.OF_OPERATORS.items():
        assert f"{name}(" in (ROOT / "tests" / "engine" / f"{file}.py").read_text(), f"tests/engine/{file}.py does not test {name}"


def test_every_benchmark_is_registered():
    peer = {name for name, method in vars(in_engine.Peer).items() if callable(method) and not name.startswith("_")}
    assert peer <= set(work_cases.WORK), f"{peer - set(work_cases.WORK)} is missing from WORK of asv_benches/peers/cases.py"
    assert_same(peer, work_cases.WORK, "asv_benches/peers/in_engine.py", "{} has no method in {}")
    text = "".join(path.read_text() for path in (ROOT / "asv_benches" / "benchmarks").glob("*.py"))
    smoke = {"chains_kept", "jacobian"}  # which the smoke run alone times
    timed = {work for work in work_cases.WORK if re.search(rf'\bwork = "{work}"|\.{work}\(\)|"{work}"', text)}
    assert_same(timed | smoke, work_cases.WORK, "asv_benches/benchmarks/", "{} is timed in no file of {}")


def test_every_peer_is_registered():
    assert_same(main.PEERS, {path.stem.removeprefix("in_") for path in (ROOT / "asv_benches" / "peers").glob("in_*.py")}
                - {"engine"} | {"limits"}, "PEERS of asv_benches/peers/__main__.py")


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
    n = 4 if name == "gaussian_nll" else 3
    A, y = 2 * generator.standard_normal((40, n)), cases.targets(name, generator, 40, n)
    H = derivatives(name, A, y)[1]
    off_diagonal = np.abs(H * (1 - np.eye(n))).max()
    assert (off_diagonal < 1e-9) == (losses.FORMS[name] is losses.Form.DIAGONAL), f"{name}: see FORMS of engine/losses.py"
    convex = np.linalg.eigvalsh(H).min() > -1e-9
    assert convex == (losses.FORMS[name] is not losses.Form.ENTRIES), f"{name}: see FORMS of engine/losses.py"


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
    found = reductions.reduction_hessian(reduction, L, reduction.gradient(L))
    d, c, r = (np.zeros(m), 0.0, np.zeros(m)) if found is None else found
    np.testing.assert_allclose(np.diag(d) - c * np.outer(r, r), expected, **close)


@pytest.mark.parametrize("name", cases.ACTIVATIONS)
def test_the_oracles_activations_are_derivatives_of_each_other(name):
    z = np.array([-2.7, -1.3, -0.4, 0.3, 0.8, 1.6, 3.1])
    forms = PLAIN_ACTIVATIONS[name]
    assert len(forms) == 4
    for below, above in itertools.pairwise(forms):
        slopes = differences.jacobian(lambda x, f=below: np.asarray(f(x.astype(float))), z, step=1e-3).diagonal()
        np.testing.assert_allclose(np.asarray(above(z), float), slopes.astype(float), atol=1e-9)


def test_a_repr_names_every_parameter_and_no_address():
    own = engine.Cost(engine.Loss(np.add, np.subtract), engine.Reduction(np.sum, np.ones_like))
    told = {engine.Cost(losses.huber(0.5), reductions.cvar(0.3)): "Cost(huber(0.5), cvar(0.3))",
            engine.Cost("hinge", reductions.quantile(0)): "Cost(hinge, quantile(0.0))",
            engine.Cost("poisson", reductions.weighted([1.0, 2.0])): "Cost(poisson, weighted(2 samples))",
            own: "Cost(Loss(add, subtract), Reduction(sum, ones_like))"}
    assert {cost: repr(cost) for cost in told} == told
    assert repr(engine.Network.initialize((1, 2, 1), "tanh").activations) == "(Activation('tanh'), Activation('identity'))"
