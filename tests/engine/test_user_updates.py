"""Updates, states and rates of a user's own: what they give is checked before a kernel sees it; state= of an earlier run."""

from dataclasses import dataclass

import numpy as np
import pytest

from engine import Adam, AdamW, Cost, GaussNewton, GradientDescent, LevenbergMarquardt, Loss, RMSprop, fit
from engine.updates import Update, UpdateState
from schedulers import BatchSchedule, rates
from tests.cases import UPDATES, network

X = np.random.default_rng(0).uniform(-1, 1, (60, 2))
Y = np.sin(2 * X[:, :1]) + X[:, 1:]
COSTS = {"fused": Cost("squared_error"), "stepwise": Cost(Loss(lambda A, y: ((A - y)**2).sum(1) / 2, lambda A, y: A - y))}


def run(update, road="fused", **more):
    settings = dict(epochs=2, progress=False) | more
    return fit(network((2, 4, 1)), X, Y, COSTS[road], update, BatchSchedule(20, order="sequential"), **settings)


def changed(**arrays):
    """Adam that begins with other arrays, given as functions of what it begins with."""
    class Mine(Adam):
        def begin(self, network):
            state = super().begin(network)
            return UpdateState({**state.arrays, **{name: change(state.arrays[name]) for name, change in arrays.items()}})

    return Mine(0.01)


def meddling(change):
    """Adam that changes its state before each step, to what a kernel must not see."""
    class Mine(Adam):
        def step(self, problem, theta, state, trainable, time):
            change(problem, theta, state)
            return super().step(problem, theta, state, trainable, time)

    return Mine(0.01)


class Forgetful(Adam):
    def begin(self, network):
        return {"rows": np.zeros((2, network.size))}


class Objects(Update):
    def begin(self, network):
        return UpdateState({"memory": np.array([None])})


@pytest.mark.parametrize("road", COSTS)
@pytest.mark.parametrize("update, words", [
    (changed(rows=lambda rows: np.zeros((1, 3))), r'"rows" of Mine.*shape \[2, 17\] and dtype float64, but has shape \[1, 3\]'),
    (changed(rows=lambda rows: rows[:1]), r"shape \[2, 17\].*but has shape \[1, 17\]"),
    (changed(rows=lambda rows: rows.astype(np.float32)), "dtype float64, but has.*float32"),
    (changed(rows=lambda rows: rows.astype(">f8")), "dtype float64, but has.*>f8"),
    (changed(rows=lambda rows: rows.tolist()), "its 'rows' is"),
    (Forgetful(), "Forgetful.begin.network. must return an engine.updates.UpdateState"),
    (Objects(), "its 'memory' is of dtype object"),
    (type("Mine", (Adam,), {"settings": np.zeros(2)})(), r"Mine.settings must be.*\[4\].*but has shape \[2\]"),
    (type("Mine", (Adam,), {"code": 17})(), "Mine.code must be one of.*but is 17"),
    (type("Mine", (Adam,), {"state_rows": 1})(), r"shape \[2, 17\]"),
])
def test_states_that_kernels_would_misread_are_refused(road, update, words):
    with pytest.raises((ValueError, TypeError), match=words):
        run(update, road)


def put(name, value):
    def change(problem, theta, state):
        state.arrays[name] = value(state.arrays[name])

    return change


def outside(problem, theta, state):
    problem.step.indices[:] = 10**9


def short(problem, theta, state):
    problem.value_and_gradient(theta[:3])


def single(problem, theta, state):
    problem.value_and_gradient(theta.astype(np.float32))


@pytest.mark.parametrize("change, words", [
    (put("rows", lambda rows: rows[:, :3].copy()), r"shape \[2, 17\].*\[2, 3\]"),
    (put("rows", lambda rows: np.asfortranarray(rows)), "writable C-contiguous"),
    (put("rows", lambda rows: rows.astype(int)), "int64"), (put("rows", lambda rows: None), "but is NoneType"),
    (outside, "read-only"), (short, r"theta must be.*\[17\].*\[3\]"), (single, "float32")])
def test_what_a_users_step_does_to_its_state_is_checked(change, words):
    for road in COSTS:
        with pytest.raises((ValueError, TypeError), match=words) as caught:
            run(meddling(change), road)
        assert caught.value.result.history.rows == []


def test_a_users_step_is_called_whatever_the_road_would_be():
    calls = []
    update = meddling(lambda problem, theta, state: calls.append(problem.step.time))
    result, plain = run(update), run(Adam(0.01))
    assert calls == list(range(6)) and np.array_equal(result.network.parameters, plain.network.parameters)


@dataclass(frozen=True)
class Signs(Update):
    value: object = None

    def begin(self, network):
        return UpdateState({"last": np.zeros(0), "count": np.float64(0)})

    def step(self, problem, theta, state, trainable, time):
        cost, gradient = problem.value_and_gradient(theta)
        theta -= 0.01 * np.sign(gradient)
        state.arrays["last"], state.arrays["count"] = gradient, state.arrays["count"] + 1
        return cost if self.value is None else self.value


def test_a_state_may_grow_and_a_cost_must_be_a_number():
    result = run(Signs())
    assert result.state.arrays["last"].shape == (17,) and result.state.arrays["count"] == 6
    assert run(Signs(np.array(2))).history[0]["cost"] == 2
    for value in (2j, "1.0", np.ones(1), [1.0]):
        with pytest.raises(TypeError, match="Signs.step must return the cost before it, a number.*at batch time step 0"):
            run(Signs(value))


WRONG = [(-0.1, "-0.1"), (np.nan, "nan"), (np.inf, "inf"), (1j, "1j"), (None, "None"), ("0.1", "'0.1'"),
         (np.ones(1), r"shape \[1\]"), ([0.1], r"shape \[1\]"), (True, "True"), (np.array(-1.0), "-1"), (10**400, "1000")]


@pytest.mark.parametrize("value, words", WRONG)
def test_rates_that_are_no_rates_are_refused(value, words):
    for kind in (GradientDescent, Adam, AdamW, RMSprop, GaussNewton):
        with pytest.raises((ValueError, TypeError), match=f"rate must be a finite number above 0.*{words}"):
            kind(value)
        for road in COSTS if kind is not GaussNewton else ("fused",):
            with pytest.raises((ValueError, TypeError), match=f"rate at batch time step 4 must.*at least 0.*{words}") as caught:
                run(kind(lambda t: value if t == 4 else 0.1), road)
            assert len(caught.value.result.history) == 1
    with pytest.raises((ValueError, TypeError), match="rate"):
        rates.constant(value)


def test_rates_of_every_kind_of_number():
    from decimal import Decimal
    from fractions import Fraction

    expected = run(GradientDescent(0.5))
    for kind in (float, np.float64, np.float32, np.array, Fraction, Decimal):
        for road in COSTS:
            found = run(GradientDescent(lambda t, kind=kind: kind(0.5)), road)
            np.testing.assert_allclose(found.network.parameters, expected.network.parameters, rtol=1e-12)
    assert np.array_equal(run(GradientDescent(lambda t: 0)).network.parameters, network((2, 4, 1)).parameters)
    with pytest.raises(ValueError, match="rate at batch time step 2 must be.*inf"):
        run(GradientDescent(lambda t: rates.exponential_decay(1e-3, factor=2.0, every=1)(t * 600)))


@pytest.mark.parametrize("road", COSTS)
@pytest.mark.parametrize("name", UPDATES)
def test_a_run_that_goes_on_with_a_state_is_the_run_in_one(name, road):
    """In a sequential order, with a rate that does not change, nothing tells them apart: Adam counts on."""
    update = UPDATES[name][0]
    first = run(update, road, epochs=3)
    kept = first.state.copy()
    again = fit(first.network, X, Y, COSTS[road], update, BatchSchedule(20, order="sequential"), epochs=4, progress=False,
                state=first.state)
    whole = run(update, road, epochs=7)
    assert np.array_equal(again.network.parameters, whole.network.parameters)
    for key, array in whole.state.arrays.items():
        assert np.array_equal(again.state.arrays[key], array) and np.array_equal(first.state.arrays[key], kept.arrays[key])
    assert whole.state.arrays["steps"] == 21


def test_a_tolerance_that_was_met_ends_no_other_run():
    first = run(LevenbergMarquardt(gradient_tolerance=1e9), epochs=5)
    assert len(first.history) == 1
    again = run(LevenbergMarquardt(), state=first.state)
    assert len(again.history) == 2 and str(first.state.arrays["stopped"]) == "gradient"


@pytest.mark.parametrize("state, words", [
    (lambda: run(GradientDescent(0.1)).state, r"rows must have shape \[2, 17\].*but has shape \[0, 17\]"),
    (lambda: run(LevenbergMarquardt()).state, "state must hold rows, steps, as this update's does, but holds damping"),
    (UpdateState({"rows": np.zeros((2, 17), np.float32), "steps": np.zeros((), np.int64)}), "dtype float64.*float32"),
    (UpdateState({"rows": np.full((2, 17), np.nan), "steps": np.zeros((), np.int64)}), "rows must be finite, but holds nan"),
    (UpdateState({"rows": np.zeros((2, 17)), "steps": np.array(-1)}), "steps must be at least 0, but is -1"),
    (UpdateState({"rows": [[0.0]]}), "its 'rows' is"), ({"rows": np.zeros((2, 17))}, "state of an earlier result.*but is dict"),
])
def test_states_of_other_runs_are_refused(state, words):
    state = state() if callable(state) else state
    with pytest.raises((ValueError, TypeError), match=words):
        run(Adam(), state=state)


def test_a_checkpoint_goes_before_a_state(tmp_path):
    path, first = tmp_path / "run.npz", run(Adam(0.01))
    whole = run(Adam(0.01), epochs=4, state=first.state)
    run(Adam(0.01), state=first.state, checkpoint=path, resume=True)
    again = run(Adam(0.01), epochs=4, state=first.state, checkpoint=path, resume=True)
    assert np.array_equal(again.network.parameters, whole.network.parameters) and again.state.arrays["steps"] == 18


def test_networks_and_costs_are_named_where_they_are_something_else():
    for network_, cost, words in ((None, COSTS["fused"], "network must be an engine.Network"),
                                  (network((2, 4, 1)), "squared_error", "cost must be an engine.Cost")):
        with pytest.raises(TypeError, match=words):
            fit(network_, X, Y, cost, Adam(), BatchSchedule(20), epochs=1)
