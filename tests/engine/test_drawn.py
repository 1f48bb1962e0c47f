"""Drawn: points of every batch step by a counting generator."""

import numpy as np
import pytest

from engine import Drawn, LevenbergMarquardt, Network, Residual, collocation, fit


def points(count=4, steps=5, seed=3):
    return Drawn(lambda generator: generator.uniform(size=(count, 2)), count, steps, seed)


def test_points_depend_on_the_seed_and_the_step_alone():
    drawn = points()
    whole = drawn[:]
    assert whole.shape == drawn.shape == (20, 2)
    assert (drawn[np.array([17, 3, 8, 17])] == whole[[17, 3, 8, 17]]).all()
    for t in (4, 0, 2):
        exact = np.random.Generator(np.random.Philox(key=3, counter=t << 128)).uniform(size=(4, 2))
        assert (points().step(t) == exact).all()
    assert not (points(seed=4)[:] == whole).any()
    assert len(np.unique(whole)) == whole.size


def test_its_schedule_takes_one_step_an_epoch():
    schedule = points().schedule()
    steps = [next(schedule.epoch(20, e)) for e in range(6)]
    assert [step.indices.tolist() for step in steps[:2]] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert (steps[5].indices == steps[0].indices).all() and steps[5].time == 5


def problem():
    inside = Drawn(lambda generator: generator.uniform(size=(9, 1)), 9, 4, seed=0)
    equation = Residual(lambda x, u: u.d(0, 0) + np.sin(x[:, 0]))
    return collocation((inside, equation, 1.0), (np.array([[0.0], [1.0]]), Residual(lambda x, u: u.value), 10.0))


def test_a_set_of_drawn_points_beside_a_fixed_one():
    X, y, cost = problem()
    assert X.shape == (44, 1) and y.tolist() == ([0] * 9 + [1] * 2) * 4
    assert (X[:11][9:] == X[11:22][9:]).all() and not (X[:9] == X[11:20]).any()
    assert np.allclose(cost.reduction.data.reshape(4, 11).sum(1), 11)


def test_a_fit_resumes_with_the_same_bits(tmp_path):
    X, y, cost = problem()
    start, path = Network.initialize((1, 4, 1), "tanh"), tmp_path / "run.npz"

    def run(epochs, **settings):
        return fit(start, X, y, cost, LevenbergMarquardt(), X.schedule(), epochs=epochs, progress=False, **settings)

    whole = run(4)
    run(2, checkpoint=path)
    resumed = run(4, checkpoint=path, resume=True)
    assert (resumed.network.parameters == whole.network.parameters).all()
    assert whole.history[-1]["cost"] < whole.history[0]["cost"]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="draw must give .3, n_0. points, count=3 of them, but gave .4, 2. at batch step 0"):
        Drawn(lambda generator: np.zeros((4, 2)), 3, 5)
    with pytest.raises(ValueError, match="NaN or an infinity"):
        Drawn(lambda generator: np.full((3, 2), np.nan), 3, 5)
    with pytest.raises(ValueError, match="seed must be below 2\\*\\*128"):
        points(seed=1 << 130)
    sizes = iter((2, 3))
    with pytest.raises(ValueError, match="2 inputs as at batch step 0, but gave 3 at batch step 1"):
        Drawn(lambda generator: np.zeros((3, next(sizes))), 3, 5).step(1)
    equation = Residual(lambda x, u: u.value)
    with pytest.raises(ValueError, match="same steps, but have 5, 6"):
        collocation((points(), equation), (points(steps=6), equation))
