"""Samples on the workers of a cluster: the bits of one machine, whatever the workers, and whatever befalls them."""

import functools
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

import engine
from engine import (
    Adam,
    Cost,
    GradientDescent,
    LevenbergMarquardt,
    distributed,
    fit,
    losses,
    operators,
    reductions,
    value_and_gradient,
)
from engine.penalties import ridge
from schedulers import BatchSchedule, orders

from ..cases import DTYPES, LOSSES, REDUCTIONS, SECOND_ORDER, UPDATES, network, targets

dask = pytest.importorskip("dask")
partner = pytest.importorskip("distributed")
pytestmark = pytest.mark.compiled

M, EACH = 1300, 256  # six shards, the last of 20 samples
generator = np.random.default_rng(0)
X, Y = generator.uniform(-1, 1, (M, 3)), generator.standard_normal((M, 2))
NET = network((3, 7, 2))


def started(workers, threads):
    with dask.config.set({"distributed.scheduler.work-stealing": False}):
        return partner.LocalCluster(n_workers=workers, threads_per_worker=threads, dashboard_address=":0", silence_logs=50)


@pytest.fixture(scope="module", params=[(1, 2), (3, 1)], ids=lambda pair: f"{pair[0]} workers, {pair[1]} threads")
def any_client(request):
    """Of other numbers of workers and threads than `client` has."""
    with started(*request.param) as cluster, partner.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def client():
    with started(2, 1) as cluster, partner.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def shards(client):
    return distributed.scatter(client, X, Y, samples=EACH)


def same(wanted, found):
    """What one machine gives is worked out first: it compiles, once, what workers then read from the cache."""
    value, gradient = wanted
    assert found[0] == value and found[1].dtype == gradient.dtype and np.array_equal(found[1], gradient)


def same_run(wanted, found):
    assert np.array_equal(found.network.parameters, wanted.network.parameters)
    assert [row["cost"] for row in found.history] == [row["cost"] for row in wanted.history]
    for name, array in wanted.state.arrays.items():
        assert np.array_equal(found.state.arrays[name], array), name


def test_value_and_gradient_have_the_bits_of_one_machine(any_client):
    for dtype in DTYPES:
        net = network((3, 7, 2), dtype=dtype)
        spread = distributed.scatter(any_client, X, Y, samples=EACH)
        for name in ("mean", "cvar", "weighted", "group_max"):
            cost = Cost("huber", REDUCTIONS[name][1](M))
            same(value_and_gradient(net, X, Y, cost), distributed.value_and_gradient(net, spread, cost))


def test_a_fit_has_the_bits_of_one_machine(any_client):
    spread, schedule = distributed.scatter(any_client, X, Y, samples=EACH), BatchSchedule(256, order=orders.sharded(EACH))
    cost = Cost("squared_error", reductions.cvar(0.5))
    arguments = dict(epochs=2, progress=False, validation=(X[:50], Y[:50]))
    wanted = fit(NET, X, Y, cost, Adam(0.01), schedule, **arguments)
    found = distributed.fit(NET, spread, cost, Adam(0.01), schedule, **arguments)
    same_run(wanted, found)
    assert found.history[-1]["validation_cost"] == wanted.history[-1]["validation_cost"]


@pytest.mark.parametrize("name", REDUCTIONS)
def test_every_reduction_is_exact(shards, name):
    cost = Cost("squared_error", REDUCTIONS[name][1](M))
    same(value_and_gradient(NET, X, Y, cost), distributed.value_and_gradient(NET, shards, cost))


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_exact(client, name):
    net, m = network((3, 7, 4), dtype=np.float32), 300
    y, cost = targets(name, np.random.default_rng(1), m, 4), Cost(LOSSES[name], reductions.log_sum_exp(0.5))
    spread = distributed.scatter(client, X[:m], y)
    assert spread.samples_each == 128
    same(value_and_gradient(net, X[:m], y, cost), distributed.value_and_gradient(net, spread, cost))


def test_losses_that_encode_their_targets_are_exact(client):
    net, c = network((3, 7, 4)), np.random.default_rng(1).integers(0, 4, M)
    spread, schedule = distributed.scatter(client, X, c, samples=EACH), BatchSchedule(M, order=orders.sharded(EACH))
    for smoothing in (0.0, 0.1, 0.3):  # the same shards, whose targets are encoded anew
        cost = Cost(losses.softmax_cross_entropy(smoothing, [1.0, 2.0, 3.0, 4.0]))
        same(value_and_gradient(net, X, c, cost), distributed.value_and_gradient(net, spread, cost))
    wanted = fit(net, X, c, cost, LevenbergMarquardt(), schedule, epochs=2, progress=False).network.parameters
    found = distributed.fit(net, spread, cost, LevenbergMarquardt(), schedule, epochs=2, progress=False).network.parameters
    np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-9)


def test_functions_of_ones_own_travel(shards):
    cube = engine.Activation("cube", lambda z: z**3, lambda z: 3 * z**2)
    net = engine.Network((3, 5, 2), (cube, "identity"), network((3, 5, 2)).parameters)
    cost = Cost(engine.Loss(lambda A, y: ((A - y)**4).sum(1), lambda A, y: 4 * (A - y)**3),
                engine.Reduction(lambda L: (L @ L)**0.5, lambda L: L / (L @ L)**0.5))
    same(value_and_gradient(net, X, Y, cost), distributed.value_and_gradient(net, shards, cost))


def test_more_bytes_than_the_client_adds_and_sends(shards):
    net = network((3, 400, 400, 2), dtype=np.float32)  # 0.6 MB of θ, nodes added on the workers
    cost = Cost("squared_error")
    for reduction in ("mean", "max"):
        cost = Cost("squared_error", reduction)
        same(value_and_gradient(net, X, Y, cost), distributed.value_and_gradient(net, shards, cost))


@pytest.mark.parametrize("name", UPDATES)
def test_every_first_order_update_has_the_same_bits(shards, name):
    update, schedule = UPDATES[name][0], BatchSchedule(512, order=orders.sharded(EACH), seed=3)
    trainable = np.arange(NET.size) % 3 > 0
    cost = Cost("squared_error", reductions.weighted(np.linspace(0.5, 2, M)))
    arguments = dict(epochs=2, progress=False, trainable=trainable)
    same_run(fit(NET, X, Y, cost, update, schedule, **arguments), distributed.fit(NET, shards, cost, update, schedule, **arguments))


@pytest.mark.parametrize("order", ["sequential", "shuffled", "with_replacement", "poisson_sampling"])
def test_any_order_has_the_same_bits(shards, order):
    schedule = BatchSchedule(600, order=orders.poisson_sampling(0.2) if order == "poisson_sampling" else order)
    cost, update = Cost("squared_error", reductions.cvar(0.3)), GradientDescent(0.1)
    same_run(fit(NET, X, Y, cost, update, schedule, epochs=1, progress=False),
             distributed.fit(NET, shards, cost, update, schedule, epochs=1, progress=False))


def test_a_run_can_be_resumed(shards, tmp_path):
    schedule, cost = BatchSchedule(512, order=orders.sharded(EACH)), Cost("squared_error")
    arguments = dict(progress=False, checkpoint=tmp_path / "run.npz")
    distributed.fit(NET, shards, cost, Adam(0.01), schedule, epochs=1, **arguments)
    found = distributed.fit(NET, shards, cost, Adam(0.01), schedule, epochs=2, resume=True, **arguments)
    same_run(fit(NET, X, Y, cost, Adam(0.01), schedule, epochs=2, progress=False), found)


def received(dask_worker):
    return [key for entry in dask_worker.transfer_incoming_log for key in map(str, entry["keys"])]


def test_samples_never_travel(client):
    spread = distributed.scatter(client, X, Y, samples=EACH)
    for schedule in (BatchSchedule(512, order=orders.sharded(EACH)), BatchSchedule(M, order="sequential")):
        for update in (Adam(0.01), LevenbergMarquardt()):
            distributed.fit(NET, spread, Cost("squared_error", "max"), update, schedule, epochs=1, progress=False)
    ours = {str(future.key) for future in spread.ready(NET, Cost("squared_error").loss)}
    assert not ours & {key for keys in client.run(received).values() for key in keys}
    held = client.has_what()
    assert all(any(str(key) in ours for key in keys) for keys in held.values()) and len(held) == 2


@pytest.mark.parametrize("name", SECOND_ORDER)
@pytest.mark.parametrize("dtype", DTYPES)
def test_second_order_updates_agree_to_rounding(client, name, dtype):
    net, y = network((3, 4, 1), dtype=dtype), np.sin(3 * X[:, :1])
    spread, update = distributed.scatter(client, X, y, samples=EACH), SECOND_ORDER[name]()
    cost, schedule = Cost("log_cosh", reductions.power_mean(2.0)), BatchSchedule(M, order="sequential")
    arguments = dict(epochs=3, progress=False, trainable=np.arange(net.size) != 2)
    wanted, found = (run.history.columns()["cost"] for run in (
        fit(net, X, y, cost, update, schedule, **arguments), distributed.fit(net, spread, cost, update, schedule, **arguments)))
    assert wanted[-1] < 0.8 * wanted[0]
    assert np.allclose(found, wanted, rtol=1e-8 if dtype == np.float64 else 1e-3)


def test_penalised_updates_agree_to_rounding(client):
    net, y = network((3, 4, 1)), np.sin(3 * X[:, :1])
    spread, schedule = distributed.scatter(client, X, y, samples=512), BatchSchedule(M, order="sequential")
    for update, penalty in ((LevenbergMarquardt(solver="qr"), ridge(0.01)), (engine.BayesianRegularization(settled=1), None)):
        arguments = Cost("squared_error", penalty=penalty), update, schedule
        wanted, found = (run.history.columns() for run in (
            fit(net, X, y, *arguments, epochs=3, progress=False),
            distributed.fit(net, spread, *arguments, epochs=3, progress=False)))
        names = [name for name in wanted if name not in ("seconds", "validation_cost")]
        assert all(np.allclose(found[name], wanted[name], rtol=1e-7) for name in names)


@pytest.mark.parametrize("solver", ["cholesky", "qr", "cg"])
def test_solvers_agree_to_rounding(client, solver):
    net, labels = network((3, 4, 3)), generator.integers(0, 3, M)
    spread, cost = distributed.scatter(client, X, labels, samples=512), Cost("softmax_cross_entropy", reductions.cvar(0.7))
    update, schedule = LevenbergMarquardt(1.0, solver), BatchSchedule(640, order=orders.sharded(512))
    wanted, found = (run.history.columns()["cost"] for run in (
        fit(net, X, labels, cost, update, schedule, epochs=1, progress=False),
        distributed.fit(net, spread, cost, update, schedule, epochs=1, progress=False)))
    assert np.allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize("solver", ["cholesky", "qr", "cg"])
def test_steps_of_short_rank_are_those_of_one_machine(client, solver):
    """A column twice and one-hot columns beside a bias: the least-norm step, and no drift."""
    generator = np.random.default_rng(4)
    columns = np.c_[X[:, :1], X[:, :1], np.eye(3)[generator.integers(0, 3, M)]]
    net, y = engine.Network((5, 1), ("identity",), np.zeros(6)), np.exp(X[:, 1:2])
    spread, cost = distributed.scatter(client, columns, y, samples=EACH), Cost("squared_error")
    for update, epochs in ((engine.GaussNewton(damping=0, solver=solver), 2), (LevenbergMarquardt(solver=solver), 40)):
        arguments = dict(epochs=epochs, progress=False)
        wanted, found = (run.network.parameters for run in (
            fit(net, columns, y, cost, update, BatchSchedule(M, order="sequential"), **arguments),
            distributed.fit(net, spread, cost, update, BatchSchedule(M, order="sequential"), **arguments)))
        assert np.allclose(found, wanted, atol=1e-6) and np.abs(found).max() < 2


def test_private_training_is_refused(shards):
    private = engine.Private(GradientDescent(0.1), 1.0, 1.0, seed=0)
    for update in (private, private.within(Cost("squared_error"), BatchSchedule(M), M)):
        with pytest.raises(ValueError, match="update must not be Private where samples are on workers.*engine.fit on one machine"):
            distributed.fit(NET, shards, Cost("squared_error"), update, BatchSchedule(M), epochs=1, progress=False)


def test_solvers_that_need_every_row_are_refused(shards):
    with pytest.raises(ValueError, match="cholesky, qr, cg for samples on workers.*'kernel'"):
        distributed.fit(NET, shards, Cost("squared_error"), LevenbergMarquardt(solver="kernel"), BatchSchedule(M), epochs=1,
                        progress=False)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("with_reduction", [False, True])
def test_ggn_products_have_the_same_bits(client, dtype, with_reduction):
    net, labels = network((3, 6, 4), dtype=dtype), generator.integers(0, 4, M)
    cost = Cost("softmax_cross_entropy", reductions.log_sum_exp(2.0), ridge(0.3))
    found = distributed.ggn(net, distributed.scatter(client, X, labels, samples=EACH), cost, reduction_curvature=with_reduction)
    wanted = operators.ggn(net, X, labels, cost, reduction_curvature=with_reduction)
    v, V = generator.standard_normal(net.size), generator.standard_normal((net.size, 3))
    assert np.array_equal(wanted @ v, found @ v) and np.array_equal(wanted @ V, found.T @ V) and (found @ v).dtype == dtype
    assert np.array_equal(wanted.diagonal(), found.diagonal()) and wanted.trace() == found.trace()
    assert np.allclose(found.dense(), wanted.dense(), rtol=1e-4 if dtype == np.float32 else 1e-11, atol=1e-6)


@pytest.mark.parametrize("part", ["the last layer", "every third number"])
def test_the_ggn_of_a_part_has_the_same_bits(client, part):
    net, labels = network((3, 6, 4)), generator.integers(0, 4, M)
    mask = net.mask(layers=[2]) if part == "the last layer" else np.arange(net.size) % 3 == 0
    cost = Cost("softmax_cross_entropy", reductions.log_sum_exp(2.0), ridge(0.3))
    spread = distributed.scatter(client, X, labels, samples=EACH)
    found = distributed.ggn(net, spread, cost, reduction_curvature=True, trainable=mask)
    wanted = operators.ggn(net, X, labels, cost, reduction_curvature=True, trainable=mask)
    V = generator.standard_normal((int(mask.sum()), 2))
    assert found.shape == wanted.shape
    assert np.array_equal(wanted @ V, found @ V) and np.array_equal(wanted @ V[:, 0], found @ V[:, 0])
    assert np.array_equal(wanted.diagonal(), found.diagonal()) and wanted.trace() == found.trace()
    assert np.allclose(found.dense(), wanted.dense(), rtol=1e-11, atol=1e-12)
    with pytest.raises(ValueError, match=r"trainable must be a boolean mask of shape \[52\]"):
        distributed.ggn(net, spread, cost, trainable=np.ones(3, bool))


def test_ntk_products_have_the_same_bits(shards):
    wanted, found = operators.ntk(NET, X), distributed.ntk(NET, shards)
    v, V = generator.standard_normal(2 * M), generator.standard_normal((2 * M, 2))
    assert np.array_equal(wanted @ v, found @ v) and np.array_equal(wanted @ V, found @ V)
    assert np.array_equal(wanted.diagonal(), found.diagonal()) and wanted.trace() == found.trace()


def read(path, log):
    """A shard's own file; who read it is written down."""
    with open(log, "a") as file:
        file.write(f"{os.getpid()}\n")
    with np.load(path) as data:
        return data["X"], data["y"]


EVENTS = {}


def eventful(update):
    """An update like this, with things that happen before some steps."""
    class Eventful(type(update)):
        def step(self, problem, theta, state, trainable, time):
            EVENTS.pop(time, lambda: None)()
            return super().step(problem, theta, state, trainable, time)

    return Eventful(**{name: getattr(update, name) for name in update.__dataclass_fields__})


@pytest.mark.robustness
@pytest.mark.parametrize("update", [Adam(0.01), LevenbergMarquardt()], ids=["Adam", "LevenbergMarquardt"])
def test_a_killed_worker_and_a_late_one_change_nothing(tmp_path, update):
    loaders = []
    for first in range(0, M, EACH):
        path = tmp_path / f"{first}.npz"
        np.savez(path, X=X[first:first + EACH], y=Y[first:first + EACH])
        loaders.append(functools.partial(read, path, tmp_path / "log"))
    schedule, cost = BatchSchedule(256, order=orders.sharded(EACH)), Cost("squared_error", reductions.cvar(0.5))
    with started(2, 1) as cluster, partner.Client(cluster) as client:
        first, second = client.run(os.getpid).values()
        spread = distributed.load(client, loaders)

        def kill():
            assert {str(first), str(second)} == set((tmp_path / "log").read_text().split())
            os.kill(first, signal.SIGKILL)

        def scale():
            cluster.scale(3)
            client.wait_for_workers(3)

        EVENTS.update({8: kill, 15: scale})  # in mid-epoch: an epoch has six steps
        found = distributed.fit(NET, spread, cost, eventful(update), schedule, epochs=3, progress=False)
        assert not EVENTS
        pids = set(client.run(os.getpid).values())
        assert len(pids) == 3 and first not in pids
        readers = list(map(int, (tmp_path / "log").read_text().split()))
        assert len(readers) > len(loaders) and pids <= set(readers)  # read again by another; late workers read theirs
        assert all(len(keys) >= 1 for keys in client.has_what().values())
    wanted = fit(NET, X, Y, cost, update, schedule, epochs=3, progress=False)
    if isinstance(update, Adam):
        same_run(wanted, found)
    assert np.allclose(found.history.columns()["cost"], wanted.history.columns()["cost"], rtol=1e-6)


def zip_of(X, y):
    return X, y


def test_a_delayed_can_load(client):
    loaders = [dask.delayed(zip_of)(X[cut], Y[cut]) for cut in (slice(128), slice(128, 200))]
    spread, cost = distributed.load(client, loaders), Cost("squared_error")
    assert len(spread) == 200 and spread.samples_each == 128
    same(value_and_gradient(NET, X[:200], Y[:200], cost), distributed.value_and_gradient(NET, spread, cost))


def test_workers_of_the_same_process_leave_its_threads_alone():
    engine.set_num_threads(2)
    with partner.Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0") as client:
        spread, cost = distributed.scatter(client, X, Y), Cost("squared_error")
        same(value_and_gradient(NET, X, Y, cost), distributed.value_and_gradient(NET, spread, cost))
    assert engine.pool.num_threads() == 2


def pair(m):
    return np.zeros((m, 3)), np.zeros((m, 2))


@pytest.mark.parametrize("call, error, words", [
    (lambda client: distributed.scatter("tcp://a", X, Y), TypeError, "client must be a distributed.Client.*tcp://a"),
    (lambda client: distributed.scatter(client, X, Y[:2]), ValueError, r"\[1300, 3\] and \[2, 2\]"),
    (lambda client: distributed.scatter(client, X, Y, samples=384), ValueError, "128 times a power of two.*384"),
    (lambda client: distributed.load(client, []), ValueError, "loaders must name at least one"),
    (lambda client: distributed.load(client, [3]), TypeError, r"loaders\[0\].*callable.*3"),
    (lambda client: distributed.load(client, [functools.partial(pair, m) for m in (100, 100)]), ValueError, "shard 0 holds 100"),
    (lambda client: distributed.load(client, [functools.partial(pair, m) for m in (128, 256)]), ValueError, "shard 1 holds 256"),
    (lambda client: distributed.load(client, [functools.partial(pair, m) for m in (256, 128, 256)]), ValueError, "1 holds 128"),
    (lambda client: distributed.value_and_gradient(NET, X, Cost("hinge")), TypeError, "shards must be what.*ndarray"),
    (lambda client: distributed.value_and_gradient(network((2, 2)), distributed.scatter(client, X, Y), Cost("huber")), ValueError,
     r"X must have shape \[m, 2\]"),
    (lambda client: distributed.value_and_gradient(NET, distributed.scatter(client, X, Y), Cost("huber", reductions.weighted([1]))),
     ValueError, "data for 1 samples, but there are 1300"),
    (lambda client: distributed.ggn(NET, distributed.scatter(client, X, Y), Cost("huber", engine.Reduction(np.sum, np.ones_like)),
                                    reduction_curvature=True), ValueError, "user's own"),
])
def test_wrong_arguments_are_refused(client, call, error, words):
    with pytest.raises(error, match=words):
        call(client)


def test_the_shard_of_a_wrong_sample_is_named(client):
    bad = X.copy()
    bad[300, 1] = np.nan
    with pytest.raises(ValueError, match=r"X must be finite, but X\[44, 1\] is nan") as caught:
        distributed.value_and_gradient(NET, distributed.scatter(client, bad, Y, samples=EACH), Cost("huber"))
    assert "in shard 1" in caught.value.__notes__


def test_without_dask_it_says_what_to_install():
    code = ("import sys; sys.modules['distributed'] = sys.modules['dask'] = None\n"
            "from engine import distributed\n"
            "try: distributed.scatter(None, [[1.0]], [1.0])\n"
            "except ImportError as error: print(error)")
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=pathlib.Path(__file__).parents[2])
    assert 'python -m pip install "gammachain[distributed]"' in told.stdout, told.stderr
