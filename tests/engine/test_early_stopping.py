"""EarlyStopping: when a run ends, which epoch it gives, and what it refuses."""

import copy
import pickle

import numpy as np
import pytest

from engine import Adam, Cost, GradientDescent, Network, fit
from engine.callbacks import Callback, EarlyStopping
from schedulers import BatchSchedule

X = np.linspace(-1, 1, 12)[:, None]
Y = np.sin(3 * X)
NET = Network.initialize((1, 4, 1), "tanh", seed=2)
SQUARES = Cost("squared_error")


def run(stopping, epochs=200, update=None, **settings):
    settings.setdefault("validation", (X, Y))
    return fit(NET, X, Y, SQUARES, update or GradientDescent(0.1), BatchSchedule(4, seed=1), epochs=epochs, callbacks=stopping,
               progress=False, **settings)


def script(values):
    """A callback that writes given validation costs into the rows."""
    return lambda row, network: row.update(validation_cost=values[row["epoch"]])


def test_it_ends_after_epochs_without_a_fall():
    values = [5.0, 4.0, 3.95, 3.9, 4.5, 3.0, 3.1, float("nan"), 3.0, 1.0, 1.0]
    for patience, tolerance, epochs, best in ((3, 0.0, 9, 5), (1, 0.0, 5, 3), (2, 0.5, 4, 1), (4, 0.0, 11, 9)):
        stopping = EarlyStopping(patience, tolerance)
        result = run([script(values), stopping], len(values))
        assert (len(result.history), stopping.best_epoch, stopping.best) == (epochs, best, values[best])
        assert stopping.stopped == (epochs < len(values))


def test_the_best_epochs_network_and_state_come_back():
    values, seen = [3.0, 1.0, 2.0, 2.0, 2.0], []
    watch = [script(values), lambda row, network: seen.append(network.parameters.copy())]
    result = run([*watch, EarlyStopping(3)], 5, Adam(0.01))
    assert np.array_equal(result.network.parameters, seen[1]) and result.state.arrays["steps"] == 2 * 3
    assert len(result.history) == 5
    assert np.array_equal(result.network.parameters, run([], 2, Adam(0.01)).network.parameters)
    seen.clear()
    result = run([*watch, EarlyStopping(3, restore_best=False)], 5, Adam(0.01))
    assert np.array_equal(result.network.parameters, seen[4]) and result.state.arrays["steps"] == 5 * 3


def test_the_best_epoch_comes_back_where_the_run_ends_for_another_reason():
    values = [3.0, 1.0, 2.0, 2.0]
    best = run([], 2).network.parameters
    assert np.array_equal(run([script(values), EarlyStopping(50)], 4).network.parameters, best)
    ended = run([script(values), EarlyStopping(50), lambda row, network: row["epoch"] == 2], 4)
    assert np.array_equal(ended.network.parameters, best) and len(ended.history) == 3


def test_without_a_fall_the_last_epoch_is_given():
    result = run([script([float("nan")] * 5), EarlyStopping(3)], 5)
    assert len(result.history) == 3 and np.array_equal(result.network.parameters, run([], 3).network.parameters)


def test_one_object_serves_many_runs_and_the_training_cost():
    stopping = EarlyStopping(2, 1e-3, monitor="cost")
    first, second = (run([stopping], validation=None) for _ in range(2))
    assert len(first.history) == len(second.history) < 200
    assert np.array_equal(first.network.parameters, second.network.parameters)


def test_it_compares_copies_and_pickles_by_its_settings():
    stopping = EarlyStopping(3, 0.1, "cost", False)
    run([stopping], 5)
    for other in (EarlyStopping(3, 0.1, "cost", False), copy.deepcopy(stopping), pickle.loads(pickle.dumps(stopping))):
        assert other == stopping and repr(other) == "EarlyStopping(patience=3, tolerance=0.1, monitor='cost', restore_best=False)"


def test_a_resumed_run_goes_on_counting(tmp_path):
    values = [3.0, 1.0, 2.0, 2.0, 2.0, 0.0]
    whole = run([script(values), EarlyStopping(3, restore_best=False)], 6)
    part = dict(checkpoint=tmp_path / "run", callbacks=None)
    part.pop("callbacks")
    run([script(values), EarlyStopping(3, restore_best=False)], 3, **part)
    for epochs in (6, 6):  # the second finds a run that has stopped
        stopping = EarlyStopping(3, restore_best=False)
        resumed = run([script(values), stopping], epochs, resume=True, **part)
        assert stopping.stopped and len(resumed.history) == len(whole.history) == 5
        assert np.array_equal(resumed.network.parameters, whole.network.parameters)
    with pytest.raises(ValueError, match="restore_best=False, for a checkpoint does not hold"):
        run([EarlyStopping()], resume=True, **part)


@pytest.mark.parametrize("call, message", [
    (lambda: EarlyStopping(0), "patience must be .*at least 1"), (lambda: EarlyStopping(tolerance=-1), "tolerance must be .*-1"),
    (lambda: EarlyStopping(tolerance="much"), "tolerance must be .*'much'"),
    (lambda: EarlyStopping(monitor=3), "monitor must be .*3"),
    (lambda: run([EarlyStopping()], validation=None), r"needs validation.*validation=\(X, y\)"),
    (lambda: run([EarlyStopping(monitor="accuracy")]), "a column of the history, epoch, .*'accuracy'"),
    (lambda: run([EarlyStopping(), EarlyStopping(3)]), "only one EarlyStopping"),
    (lambda: run([lambda row, network: row.update(name="a"), EarlyStopping(monitor="name")]),
     "numbers, but 'name' of epoch 0 is 'a'")])
def test_what_it_cannot_do_is_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_a_callback_hears_of_the_start_and_of_each_batch(tmp_path):
    told = []

    class Hears(Callback):
        def begin(self, rows):
            told.append(len(list(rows)))

        def batches(self, sizes, costs):
            told.append((sizes.tolist(), costs.shape, costs.mean()))
            sizes[:], costs[:] = 0, 0  # copies

        def __call__(self, row, network):
            told.append(row["cost"])

    for epochs in (1, 2):
        fit(NET, X, Y, SQUARES, Adam(0.01), BatchSchedule(5), epochs=epochs, callbacks=[Hears()], progress=False,
            checkpoint=tmp_path / "run", resume=epochs == 2)
    assert [part for part in told if isinstance(part, int)] == [0, 1]
    assert told[1][:2] == ([5, 5, 2], (3,)) and told[1][2] == pytest.approx(told[2])
