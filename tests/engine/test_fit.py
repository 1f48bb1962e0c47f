"""fit: learning, validation, callbacks, masks, checkpoints, history."""

import numpy as np
import pytest

import engine
from engine import Adam, CheckpointError, Cost, GradientDescent, fit
from schedulers import BatchSchedule, rates
from tests.cases import ORDERS, UPDATES, network


@pytest.fixture
def data():
    X = np.random.default_rng(0).uniform(-1, 1, (120, 2))
    return X, np.sin(2 * X[:, :1]) + X[:, 1:]


@pytest.mark.compiled
@pytest.mark.parametrize("order", ORDERS)
def test_cost_goes_down_in_every_order(data, order):
    X, y = data
    result = fit(network((2, 16, 1)), X, y, Cost("squared_error"), Adam(0.01), BatchSchedule(20, order=ORDERS[order](120)),
                 epochs=60, progress=False)
    costs = result.history.columns()["cost"]
    assert costs[-1] < 0.2 * costs[0]
    assert set(result.history[0]) == {"epoch", "batch_steps", "cost", "validation_cost", "seconds"}


@pytest.mark.parametrize("name", UPDATES)
def test_recorded_cost_is_the_mean_before_each_update(data, name):
    X, y = data
    net = network((2, 4, 1))
    cost = Cost("squared_error")
    result = fit(net, X, y, cost, UPDATES[name][0], BatchSchedule(50, order="sequential"), epochs=1, progress=False)
    first = float(cost.value(net(X[:50]), y[:50]))
    one = fit(net, X[:50], y[:50], cost, UPDATES[name][0], BatchSchedule(50, order="sequential"), epochs=1, progress=False)
    assert one.history[0]["cost"] == first
    assert result.history[0]["batch_steps"] == 3


@pytest.mark.parametrize("said", [bool, np.bool_])
def test_validation_callbacks_and_stopping(data, said):
    X, y = data
    seen = []

    def callback(row, net):
        seen.append((row["epoch"], net.size))
        return said(row["epoch"] == 2)

    result = fit(network((2, 4, 1)), X, y, Cost("squared_error"), GradientDescent(0.1), BatchSchedule(30), epochs=10,
                 validation=(X[:9], y[:9]), callbacks=[callback], progress=False)
    assert [epoch for epoch, _ in seen] == [0, 1, 2] and len(result.history) == 3
    expected = Cost("squared_error").value(result.network(X[:9]), y[:9])
    assert result.history[-1]["validation_cost"] == float(expected)


def test_rate_is_a_function_of_the_batch_time_step(data):
    X, y = data
    times = []

    def rate(t):
        times.append(t)
        return 0.1 / (1 + t)

    fit(network((2, 3, 1)), X, y, Cost("squared_error"), GradientDescent(rate), BatchSchedule(50), epochs=2, progress=False)
    assert times == list(range(6))
    fit(network((2, 3, 1)), X, y, Cost("squared_error"), GradientDescent(rates.cosine(0.1, steps=10)), BatchSchedule(50), epochs=2,
        progress=False)


def test_network_given_is_not_changed(data):
    net = network((2, 3, 1))
    before = net.parameters.copy()
    fit(net, *data, Cost("squared_error"), GradientDescent(0.1), BatchSchedule(50), epochs=1, progress=False)
    assert np.array_equal(net.parameters, before)


@pytest.mark.parametrize("name", UPDATES)
def test_a_resumed_run_is_the_whole_run(data, name, tmp_path):
    X, y = data
    net, cost, update, schedule = network((2, 5, 1)), Cost("squared_error"), UPDATES[name][0], BatchSchedule(32, seed=3)
    path = tmp_path / "run.npz"
    whole = fit(net, X, y, cost, update, schedule, epochs=7, progress=False)
    fit(net, X, y, cost, update, schedule, epochs=3, progress=False, checkpoint=path)
    again = fit(net, X, y, cost, update, schedule, epochs=7, progress=False, checkpoint=path, resume=True)
    assert np.array_equal(whole.network.parameters, again.network.parameters)
    assert [row["cost"] for row in whole.history] == [row["cost"] for row in again.history]
    assert np.array_equal(whole.state.arrays["rows"], again.state.arrays["rows"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.npz", "run.npz.previous"]


def test_a_checkpoint_of_another_run_is_refused(data, tmp_path):
    X, y = data
    path = tmp_path / "run.npz"
    settings = dict(epochs=1, progress=False, checkpoint=path)
    fit(network((2, 5, 1)), X, y, Cost("squared_error"), GradientDescent(0.1), BatchSchedule(32), **settings)
    with pytest.raises(CheckpointError, match="its update"):
        fit(network((2, 5, 1)), X, y, Cost("squared_error"), GradientDescent(0.2), BatchSchedule(32), resume=True, **settings)
    path.write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="cannot be read"):
        fit(network((2, 5, 1)), X, y, Cost("squared_error"), GradientDescent(0.1), BatchSchedule(32), resume=True, **settings)


def test_history_as_table_csv_and_picture(data, tmp_path):
    result = fit(network((2, 3, 1)), *data, Cost("squared_error"), GradientDescent(0.1), BatchSchedule(50), epochs=3,
                 progress=False)
    assert list(result.history.to_pandas()["epoch"]) == [0, 1, 2]
    result.history.save_csv(tmp_path / "history.csv")
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 4
    assert len(result.history.plot().lines) == 1


def test_per_sample_data_is_taken_at_the_batch(data):
    X, y = data
    w = np.zeros(120)
    w[:10] = 1.0
    cost = Cost("squared_error", engine.reductions.weighted(w))
    net = network((2, 3, 1))
    got = fit(net, X, y, cost, GradientDescent(0.01), BatchSchedule(10, order="sequential"), epochs=1, progress=False).network
    alone = fit(net, X[:10], y[:10], Cost("squared_error", "sum"), GradientDescent(0.01), BatchSchedule(10, order="sequential"),
                epochs=1, progress=False).network
    np.testing.assert_allclose(got.parameters, alone.parameters, rtol=1e-12)


def test_a_schedule_of_ones_own_is_asked_for_the_samples_of_each_epoch(data):
    asked = []

    class Mine(BatchSchedule):
        def joined(self, samples, e):
            asked.append((samples, e))
            return BatchSchedule(40, seed=3).joined(samples, e)

    X, y = data
    results = [fit(network((2, 4, 1)), X, y, Cost("squared_error"), Adam(0.01), schedule, epochs=2, progress=False)
               for schedule in (Mine(40), BatchSchedule(40, seed=3))]
    assert asked == [(120, 0), (120, 1)]
    assert np.array_equal(*(result.network.parameters for result in results))
