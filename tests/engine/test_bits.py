"""The same bits in one process: alone or in a batch, for any threads and layout; test_bits_table.py has processes and CPUs."""

import hashlib

import numpy as np
import pytest

import engine
from engine import Adam, Cost, GradientDescent, fit, value_and_gradient
from schedulers import BatchSchedule
from tests.cases import DTYPES, UPDATES, network


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sample_is_the_same_alone_and_in_any_batch(dtype):
    net = network((5, 20, 7, 3), "tanh", dtype)
    X = np.random.default_rng(1).standard_normal((300, 5)).astype(dtype)
    passed, J = net.forward(X), net.jacobian(X)
    D = J.dense()
    for k in (0, 1, 15, 16, 127, 128, 299):
        alone, J_alone = net.forward(X[k:k + 1]), net.jacobian(X[k:k + 1])
        assert np.array_equal(alone.outputs[0], passed.outputs[k]) and np.array_equal(net(X[k]), passed.outputs[k])
        for l in (1, 2, 3):
            assert np.array_equal(alone.gamma(l)[0], passed.gamma(l)[k])
            assert np.array_equal(J_alone.chain(l)[0], J.chain(l)[k])
        assert np.array_equal(J_alone.dense(), D[3 * k:3 * k + 3])
    order = np.random.default_rng(2).permutation(300)
    assert np.array_equal(net(X[order]), net(X)[order])


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_and_layout_change_nothing(dtype):
    net = network((40, 64, 64, 8), "tanh", dtype)
    generator = np.random.default_rng(3)
    X, c = generator.standard_normal((2000, 40)).astype(dtype), generator.integers(0, 8, 2000)
    cost = Cost("softmax_cross_entropy", engine.reductions.cvar(0.3))
    results = []
    for threads, samples in ((1, X), (2, X), (3, X), (5, np.asfortranarray(X))):
        engine.set_num_threads(threads)
        J = net.jacobian(samples[:200])
        parts = [net(samples), value_and_gradient(net, samples, c, cost)[1], J.dense(), J.gram(), J.row_norms(),
                 net.jacobian(samples).T @ np.ones(16000, dtype)]
        results.append([hashlib.sha256(part.tobytes()).hexdigest() for part in parts])
    engine.set_num_threads(2)
    assert all(result == results[0] for result in results)


@pytest.mark.compiled
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UPDATES)
def test_ten_epochs_are_the_same_fused_or_step_by_step_and_for_any_threads(name, dtype, monkeypatch):
    from engine import training

    net = network((6, 12, 3), "tanh", dtype)
    generator = np.random.default_rng(4)
    X, c = generator.standard_normal((300, 6)).astype(dtype), generator.integers(0, 3, 300)
    mask = generator.random(net.size) > 0.3
    for cost in (Cost("softmax_cross_entropy"), Cost("softmax_cross_entropy", engine.reductions.weighted(generator.random(300))),
                 Cost("softmax_cross_entropy", engine.reductions.cvar(0.4))):
        bits = []
        for fused, threads in ((True, 1), (False, 1), (False, 2)):
            monkeypatch.setattr(training._Run, "fused", lambda run, steps, fused=fused: fused)
            engine.set_num_threads(threads)
            result = fit(net, X, c, cost, UPDATES[name][0], BatchSchedule(150, seed=2), epochs=10, trainable=mask, progress=False)
            bits.append((result.network.parameters.tobytes(), [row["cost"] for row in result.history],
                         result.state.arrays["rows"].tobytes()))
        engine.set_num_threads(2)
        assert bits[0] == bits[1] == bits[2]
        assert np.array_equal(np.frombuffer(bits[0][0], dtype)[~mask], net.parameters[~mask])


def test_fit_fuses_when_it_can(monkeypatch):
    from engine import training

    called = []
    real = training.CompiledRun.epochs
    monkeypatch.setattr(training.CompiledRun, "epochs", lambda run, *arguments: called.append(1) or real(run, *arguments))
    net = network((2, 3, 1))
    X, y = np.ones((8, 2)), np.ones((8, 1))
    fit(net, X, y, Cost("squared_error"), GradientDescent(0.1), BatchSchedule(4), epochs=2, progress=False,
        callbacks=[lambda row, network: None])
    assert len(called) == 2
    own = engine.Reduction(lambda L: L.mean(), lambda L: np.full_like(L, 1 / len(L)))
    by_hand = fit(net, X, y, Cost("squared_error", own), Adam(), BatchSchedule(4), epochs=2, progress=False)
    assert len(called) == 2 and by_hand.network.size == net.size
