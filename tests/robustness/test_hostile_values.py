"""Whatever a public function is given, it returns numbers or refuses by the argument's name; nothing else, and no crash."""

import re
import warnings
from datetime import datetime
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_matrix

import engine
from engine import Cost, Network, losses, operators, reductions
from schedulers import BatchSchedule, BatchStep, orders, rates, slabs
from tests.cases import network

pytestmark = [pytest.mark.robustness, pytest.mark.compiled]
NETWORKS = [network((3, 4, 2)), network((3, 4, 2), dtype=np.float32)]
M, P = 5, NETWORKS[0].size
KNOWN = (r"\b(X2?|y|A|v|u|V|U|k|w|p|q|t|c|theta|parameters|widths|activations?|groups|losses|out|seed|dtype|scheme|max_bytes"
         r"|weights|alpha|delta|fraction|l|m|n|rate|loss|reduction|damping|samples|momentum|weight_decay|beta1|betas|beta2|epsilon|factor|every"
         r"|steps|last|after|rise|start|end|probability|shard|labels|batch_size|order|indices|time|epoch|count|bytes_each|tolerance"
         r"|operator|network|cost|solver|decay|curvature|noise|value|gradient)\b")
NAMES = re.compile(KNOWN)


class Raises:
    """An object whose every conversion fails in its own way."""

    def __len__(self):
        raise KeyError("no length")

    def __array__(self, dtype=None, copy=None):
        raise ZeroDivisionError("no array")

    def __float__(self):
        raise RuntimeError("no number")

    __index__ = __getitem__ = __float__


class Short:
    """Rows of which fewer come than it says, and none like the others."""

    def __len__(self):
        return M

    def __getitem__(self, where):
        if isinstance(where, int) and where >= M:
            raise IndexError
        return np.ones((2, 3)) if isinstance(where, slice) else 3


def shapes():
    return st.sampled_from([(), (0,), (1,), (M,), (P,), (2 * M,), (M, 1), (M, 2), (M, 3), (1, 3), (0, 3), (M, 0), (P, 2), (M, 3, 1),
                            (2 * M, P)])


DTYPES = ["f4", "f8", ">f4", ">f8", "f2", "g", "i1", "u8", ">i4", "?", "c16", "M8[s]", "m8[D]", "U3", "S2", "O", "V4",
          [("a", "f8")]]


@st.composite
def arrays(draw):
    """Arrays of any dtype, shape, byte order and layout, with numbers large and small, missing or masked."""
    shape, dtype = draw(shapes()), np.dtype(draw(st.sampled_from(DTYPES)))
    fill = draw(st.sampled_from([0, 1, 2, -1, 0.5, 1e30, 1e300, -1e-310, np.nan, np.inf, 255]))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            array = np.full(shape, fill).astype(dtype)
        except (ValueError, TypeError, OverflowError):
            array = np.zeros(shape, dtype)
    kind = draw(st.sampled_from(["plain", "plain", "list", "fortran", "reversed", "broadcast", "frozen", "masked", "matrix",
                                "frame", "sparse"]))
    if kind == "list":
        return array.tolist()
    if kind == "fortran":
        return np.asfortranarray(array)
    if kind == "reversed" and array.ndim:
        return array[::-1]
    if kind == "broadcast":
        return np.broadcast_to(array.reshape(-1)[:1], shape) if array.ndim and array.size else array
    if kind == "frozen":
        array.flags.writeable = False
    if kind == "masked" and array.dtype.names is None:
        return np.ma.masked_array(array, draw(st.booleans()))
    if kind == "matrix" and array.ndim == 2:
        return np.asmatrix(array)
    plain = array.dtype.kind in "fiu" and array.dtype.isnative and array.dtype.itemsize < 16
    if kind == "frame" and array.ndim == 2 and plain:
        return pd.DataFrame(array).convert_dtypes()
    if kind == "sparse" and array.ndim == 2 and plain and array.dtype.kind == "f" and array.dtype.itemsize > 2:
        return draw(st.sampled_from([coo_array, csr_matrix]))(array)
    return array


OTHERS = st.sampled_from([
    None, True, 3, -1, 10**400, 1e308, float("nan"), 1j, "text", b"bytes", {}, {"a": 1}, set(), object(), Raises(), Raises, Short(),
    datetime(2020, 1, 1), Fraction(1, 3), np.ma.masked, pd.NA, pd.array([1, None], dtype="Int64"), range(M), iter([1, 2]),
    [[1, 2, 3]] * M, [[1], [2, 3]], [[1, 2, "3"]] * M, [[1.0, 2.0, np.ma.masked]] * M, np.float32(2), lambda: 1])
VALUES = arrays() | OTHERS
NUMBERS = OTHERS | st.floats() | st.integers() | arrays()


def answered(call):
    """Whether a call gave something, or refused it in words that name an argument."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for known in (DeprecationWarning, PendingDeprecationWarning):  # NumPy's and pandas' own, of what is given
            warnings.simplefilter("ignore", known)
        try:
            return call() is not None
        except (ValueError, TypeError, MemoryError) as error:
            assert NAMES.search(str(error)), f"{type(error).__name__}: {error}"
            return True


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """Every kernel that the tests below call, compiled before hypothesis watches which lines run."""
    X, Y, A = np.linspace(-1, 1, 15).reshape(M, 3), np.ones((M, 2)), np.ones((M, 2))
    for net in NETWORKS:
        v, J = np.ones(P, net.dtype), net.jacobian(X)
        G, H = operators.ggn(net, X, Y, COSTS[0]), operators.hessian(net, X, Y, COSTS[0])
        J @ v, J @ v, J.T @ np.ones(2 * M), G @ v, H @ v
        net.jacobian(X).T @ np.ones(2 * M), J.gram(), J.dense(np.empty(J.shape, net.dtype))
        for call in OF_X:
            call(net, X)
        for cost in COSTS:
            y = np.full((M, 2), 0.5) if cost.loss.kind == "classes" else Y
            for call in OF_X_AND_Y:
                call(net, X, y, cost)
            for dtype in (np.float32, np.float64):
                cost.output_gradient(A.astype(dtype), y)
                if cost.loss.name != "cosine":
                    cost.loss.hessian(A.astype(dtype), y)


PLENTY = settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck), derandomize=True)
COSTS = [Cost("squared_error"), Cost("softmax_cross_entropy", reductions.cvar(0.4)), Cost("hinge", "max"), Cost("poisson"),
         Cost("cosine"), Cost("binary_cross_entropy", reductions.log_sum_exp(2.0)),
         Cost("squared_error", reductions.group_max([0, 1, 0, 1, 2]))]
OF_X = [lambda net, X: net(X), lambda net, X: net.forward(X).gamma(1), lambda net, X: net.jacobian(X).dense(),
        lambda net, X: operators.ntk(net, X).contracted(), lambda net, X: operators.ntk(net, np.ones((2, 3)), X).dense()]
OF_X_AND_Y = [engine.value_and_gradient, lambda *given: engine.value_and_gradient(*given, max_bytes=1 << 26),
              engine.per_sample_gradients, engine.per_sample_gradient_norms, lambda *given: operators.ggn(*given).diagonal(),
              lambda *given: operators.kfac(*given).trace(),
              lambda *given: engine.objective(*given).fun(given[0].parameters)]


@PLENTY
@given(net=st.sampled_from(NETWORKS), call=st.sampled_from(OF_X), X=VALUES)
@example(net=NETWORKS[1], call=OF_X[0], X=np.full((M, 3), 1e300))
def test_samples(net, call, X):
    assert answered(lambda: call(net, X))


@PLENTY
@given(net=st.sampled_from(NETWORKS), call=st.sampled_from(OF_X_AND_Y), y=VALUES, cost=st.sampled_from(COSTS),
       X=st.just(np.linspace(-1, 1, 15).reshape(M, 3)) | VALUES)
def test_samples_and_truths(net, call, X, y, cost):
    assert answered(lambda: call(net, X, y, cost))


@PLENTY
@given(cost=st.sampled_from(COSTS), A=st.just(np.linspace(-1, 1, 10).reshape(M, 2)) | VALUES, y=VALUES)
def test_outputs_and_truths(cost, A, y):
    assert answered(lambda: cost.value(A, y)) and answered(lambda: cost.output_gradient(A, y))
    assert answered(lambda: cost.loss.hessian(A, y) if cost.loss.name != "cosine" else 0)


@PLENTY
@given(net=st.sampled_from(NETWORKS), v=VALUES, side=st.sampled_from(["J", "JT", "left", "G", "hessian", "matmat", "out", "gram"]))
def test_products(net, v, side):
    X, Y = np.linspace(-1, 1, 15).reshape(M, 3), np.zeros((M, 2))
    J = net.jacobian(X)
    calls = {"J": lambda: J.dot(v), "JT": lambda: J.T.matvec(v), "left": lambda: J.__rmul__(v), "matmat": lambda: J.matmat(v),
             "G": lambda: operators.ggn(net, X, Y, COSTS[0]) @ v, "out": lambda: J.dense(v), "gram": lambda: J.gram(v),
             "hessian": lambda: operators.hessian(net, X, Y, COSTS[0]).matvec(v)}
    try:
        assert answered(calls[side])
    except AssertionError as error:
        assert re.search("[Ss]calar operands|other must", str(error)), error


@PLENTY
@given(values=VALUES, make=st.sampled_from([
    NETWORKS[0].replace, lambda values: Network((3, 4, 2), ("tanh", "identity"), values), reductions.weighted, reductions.group_max,
    lambda values: Network.initialize(values, "tanh") if not isinstance(values, range) else 1,
    lambda values: Network.initialize((2, 1), "tanh", seed=values), lambda values: Network.initialize((2, 1), "tanh", dtype=values),
    lambda values: Network.initialize((2, 1), "tanh", scheme=values), lambda values: Network.initialize((2, 3, 1), values),
    lambda values: Cost(values), lambda values: Cost("hinge", values), lambda values: reductions.max.gradient(values)]))
def test_constructors(make, values):
    if isinstance(values, np.ndarray) and values.size > 40 or isinstance(values, list) and len(values) > 9:
        return
    assert answered(lambda: make(values))


@PLENTY
@given(value=NUMBERS, make=st.sampled_from([
    reductions.cvar, reductions.quantile, reductions.trimmed_mean, reductions.power_mean, reductions.mean_variance,
    reductions.log_sum_exp, losses.huber, engine.GradientDescent, lambda value: engine.projection(value, 4, 2),
    lambda value: NETWORKS[0].weight(value),
    lambda value: engine.value_and_gradient(NETWORKS[0], np.ones((M, 3)), np.ones((M, 2)), COSTS[0], max_bytes=value)]))
def test_numbers(make, value):
    assert answered(lambda: make(value) is not None)


@PLENTY
@given(value=NUMBERS, make=st.sampled_from([
    engine.Adam, engine.AdamW, engine.RMSprop, lambda value: engine.GradientDescent(0.1, momentum=value),
    lambda value: engine.AdamW(0.1, weight_decay=value), lambda value: engine.GaussNewton(damping=value),
    lambda value: engine.GaussNewton(rate=value), lambda value: engine.NaturalGradient(damping=value),
    lambda value: engine.LevenbergMarquardt(damping=value), rates.constant, rates.step_decay, rates.exponential_decay, rates.cosine,
    rates.warmup, rates.one_cycle, lambda value: rates.warmup(0.1, after=value), lambda value: rates.step_decay(0.1, every=value),
    orders.poisson_sampling, orders.importance, orders.stratified, orders.sharded, BatchSchedule,
    lambda value: BatchSchedule(4, order=value), lambda value: BatchSchedule(4, seed=value), lambda value: BatchStep(0, 0, value),
    lambda value: BatchStep(value, 0, [0]), lambda value: slabs(10, 8, value), lambda value: engine.Loss(value, value),
    lambda value: engine.Reduction(value, value), operators.leading_eigenvalues, operators.trace_estimate,
    lambda value: operators.ntk(value, np.ones((2, 3)))]))
def test_updates_schedules_and_operators(make, value):
    if isinstance(value, np.ndarray) and value.shape == (2 * M, P):
        return
    assert answered(lambda: make(value) is not None)


@PLENTY
@given(cut=st.integers(0, 3000), place=st.integers(0, 3000), bits=st.integers(0, 255))
def test_network_files_that_were_cut_or_flipped(saved, cut, place, bits):
    path, whole = saved
    damaged = bytearray(whole if cut % 3 else whole[:cut])
    if damaged:
        damaged[place % len(damaged)] ^= bits
    path.write_bytes(damaged)
    try:
        found = engine.load(path)
        assert found.widths == NETWORKS[0].widths and np.array_equal(found.parameters, NETWORKS[0].parameters)
    except ValueError as error:
        assert str(path) in str(error)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A path, and the bytes of a network that was saved there."""
    path = tmp_path_factory.mktemp("saved") / "network.npz"
    NETWORKS[0].save(path)
    return path, path.read_bytes()
