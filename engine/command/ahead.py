"""Kernels compiled ahead of time: every public operation is called on small data, on threads too, and what that needs is cached."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator

import numba
import numpy as np
from numpy.typing import NDArray

from schedulers import BatchSchedule

from .. import configuration, losses, operators, pool, reductions, training
from ..activations import NAMED as ACTIVATIONS
from ..cost import Cost
from ..evaluation import value_and_gradient
from ..ggn_diagonals import per_sample_ggn_diagonals
from ..gradient_moments import gradient_moments
from ..helper_processes import without_helpers
from ..kernels.numba_internals import compilations
from ..losses import NAMED as LOSSES
from ..network import Network
from ..objective import objective
from ..operators import Jacobian
from ..per_sample import per_sample_gradient_norms, per_sample_gradients
from ..typing import Array, DType
from ..updates import Adam, AdamW, GradientDescent, LevenbergMarquardt, RMSprop
from .compile_workers import Workers

WIDE, SMALL = (8, 160, 128, 3), (3, 4, 2)  # with weights that are transposed for passes backward, and without
OPERATORS = (operators.ggn, operators.fisher, operators.empirical_fisher, operators.hessian, operators.kfac, operators.ekfac)
SAMPLES, SHARED = 40, 600  # SHARED: so many that threads share the sums of a damped step
COST = Cost("softmax_cross_entropy")


@contextlib.contextmanager
def on_threads(count: int) -> Iterator[None]:
    """Use so many threads, and share among them however little there is to do."""
    worth, threads = pool.WORTH_A_THREAD, pool.num_threads()
    pool.WORTH_A_THREAD = 1e-9
    configuration.set_num_threads(count)
    try:
        with pool.learner.off():
            yield
    finally:
        pool.WORTH_A_THREAD = worth
        configuration.set_num_threads(threads)


def network(widths: tuple[int, ...], dtype: DType) -> Network:
    """A small one."""
    return Network.initialize(widths, "tanh", seed=0, dtype=dtype)


def batch(widths: tuple[int, ...], dtype: DType, samples: int = SAMPLES) -> tuple[Array, Array, NDArray[np.int64]]:
    """Samples, numbers to aim at, classes."""
    generator = np.random.default_rng(0)
    X = generator.uniform(0.1, 0.9, (samples, widths[0])).astype(dtype)
    return X, generator.uniform(0.1, 0.9, (samples, widths[-1])).astype(dtype), generator.integers(0, widths[-1], samples)


def all_activations(dtype: DType) -> None:
    """Each layer kernel and each second and third derivative."""
    made = Network((1,) * (len(ACTIVATIONS) + 1), tuple(ACTIVATIONS), np.zeros(2 * len(ACTIVATIONS), dtype))
    for activation in made.activations:
        for function in (activation.function, activation.derivative, activation.second_derivative,
                         activation.third_derivative):
            assert function is not None
            function(np.ones(1, dtype))


def forward(dtype: DType) -> None:
    """Predictions, and everything a forward pass tells."""
    net, (X, *_) = network(SMALL, dtype), batch(SMALL, dtype)
    net(X)
    passed = net.forward(X)
    for l in (1, 2):
        passed.z(l), passed.a(l), passed.gamma(l), passed.D(l)


def jacobian(dtype: DType) -> None:
    """The Jacobian in factors and in full, its products, norms and Gram matrices."""
    for widths in (SMALL, WIDE):
        X, *_ = batch(widths, dtype)
        J = Jacobian(network(widths, dtype), X)
        J.dense(), J.wrt_weight(1), J.wrt_bias(1), J.wrt_input(), J.row_norms(), J.gram(), J.gram(Jacobian(J.network, X))
        v, u = np.ones(J.shape[1], dtype), np.ones(J.shape[0], dtype)
        J @ v, J.T @ u, Jacobian(J.network, X) @ v, Jacobian(J.network, X).T @ u, list(J.slabs(1 << 26))


def costs(dtype: DType) -> None:
    """Every loss and every reduction, with their second derivatives."""
    X, y, classes = batch(SMALL, dtype)
    for loss in (*LOSSES.values(), losses.binary_cross_entropy(pos_weight=2.0)):
        targets = classes if loss.kind == "classes" else np.ones_like(y) if loss.kind == "signs" else y
        A, targets = (y[:, :2], targets[:, :1]) if loss.name == "gaussian_nll" else (y, targets)
        assert loss.hessian is not None
        Cost(loss).value(A, targets), loss.hessian(A, targets)
    L = np.linspace(1, 2, SAMPLES).astype(dtype)
    for reduction in (reductions.mean, reductions.sum, reductions.max, reductions.weighted(L), reductions.weighted_mean(L),
                      reductions.log_sum_exp(1.0), reductions.cvar(0.5), reductions.quantile(0.5), reductions.trimmed_mean(0.1),
                      reductions.power_mean(2.0), reductions.mean_variance(0.5), reductions.group_max(classes)):
        assert reduction.hessian_product is not None
        reduction.value(L), reduction.gradient(L), reduction.hessian_product(L, L)


def gradient(dtype: DType) -> None:
    """D_θ C by its roads: block by block, after all losses, by the rows of wide weights, and in two passes."""
    for widths, samples in ((SMALL, 2 * SAMPLES), (SMALL, 20 * SAMPLES), (WIDE, 3 * SAMPLES), (WIDE, 10 * SAMPLES)):
        net, (X, y, classes) = network(widths, dtype), batch(widths, dtype, samples)
        for cost in (COST, Cost("softmax_cross_entropy", reductions.cvar(0.5))):
            value_and_gradient(net, X, classes, cost)
            value_and_gradient(net, X, classes, cost, max_bytes=1 << 26)
        aim = objective(net, X, y, Cost("squared_error"))
        aim.fun(net.parameters), aim.jac(net.parameters)


def fitting(dtype: DType) -> None:
    """An epoch with each first-order update, in one call, on threads and step by step, and a step with full and diagonal
    curvature."""
    net, (X, y, classes) = network(SMALL, dtype), batch(SMALL, dtype, SHARED)
    for targets, cost in ((classes, COST), (y, Cost("squared_error"))):
        training.fit(net, X, targets, cost, LevenbergMarquardt(solver="cholesky"), BatchSchedule(SHARED), epochs=1, progress=False)
    for reduction in ("mean", reductions.log_sum_exp(1.0)):  # on threads
        cost = Cost("softmax_cross_entropy", reduction)
        training.fit(net, X, classes, cost, GradientDescent(0.1), BatchSchedule(SHARED), epochs=1, progress=False)
    X, _, classes = batch(SMALL, dtype)
    for update in (GradientDescent(0.1), Adam(), AdamW(), RMSprop()):
        for reduction in ("mean", reductions.log_sum_exp(1.0), reductions.power_mean(2.0)):  # the last one never in one call
            cost = Cost("softmax_cross_entropy", reduction)
            for mask in (None, np.ones(net.size, bool)):
                training.fit(net, X, classes, cost, update, BatchSchedule(16), epochs=1, trainable=mask, validation=(X, classes),
                             progress=False)


def curvature(dtype: DType) -> None:
    """Operators that a cost has, and gradients and GGN diagonals of single samples."""
    net, (X, _, classes) = network(SMALL, dtype), batch(SMALL, dtype)
    for build in OPERATORS:
        operator = build(net, X, classes, COST)
        operator @ np.ones(net.size, dtype), operator.dense(), operator.diagonal(), operator.trace()
    per_sample_gradients(net, X, classes, COST), per_sample_gradient_norms(net, X, classes, COST)
    per_sample_ggn_diagonals(net, X, classes, COST)
    X, _, classes = batch(SMALL, dtype, SHARED)
    gradient_moments(net, X, classes, COST), gradient_moments(net, X, classes, COST, max_bytes=1 << 17)
    operators.ntk(net, X).dense()


SESSION = {"activations": all_activations, "forward": forward, "Jacobian": jacobian, "costs": costs, "gradient": gradient,
           "fit": fitting, "curvature": curvature}
# the parts of it whose kernels a part needs too
AFTER = {"Jacobian": ("forward",), "gradient": ("forward",), "fit": ("gradient", "costs"), "curvature": ("Jacobian", "gradient")}


def compile_part(dtype: str, name: str) -> tuple[int, float]:
    """Compile what a part of the session needs; how many functions that were, and in how many seconds."""
    started = time.perf_counter()
    with compilations() as count, without_helpers():
        for threads in (1, max(pool.num_threads(), 2)):  # what threads share is compiled without a wrapper for Python
            with on_threads(threads):
                SESSION[name](np.dtype(dtype))
    return len(count.names), time.perf_counter() - started


def compile_ahead(dtypes: Iterable[str], say: Callable[[str], object] = print) -> int:
    """Compile all kernels for `dtypes`, on every core, one line said for each part; how many functions were compiled.

    A part begins when those are in the cache whose kernels it needs too, so that few are compiled twice.
    """
    compiled, tasks = 0, [(dtype, name) for dtype in dtypes for name in SESSION]

    def done(task: tuple[str, str], answer: tuple[int, float]) -> None:
        nonlocal compiled
        compiled += answer[0]
        say(f"{task[0]}  {task[1]:12} {answer[0]:4} functions  {answer[1]:6.1f} s")

    workers = min(pool.num_threads(), len(tasks))
    if workers > 1 and not numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        with Workers(workers) as side_by_side:
            if side_by_side.compile(tasks, AFTER, done):
                return compiled
    for task in tasks:
        done(task, compile_part(*task))
    return compiled
