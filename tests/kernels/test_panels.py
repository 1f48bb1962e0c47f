"""kernels/panels.py: rows of samples into panels and back."""

import numpy as np
import pytest

from engine.kernels.panels import gather, scatter, write

from .cases import Problem, check, every_problem


def computed(problem):
    m, width, lanes = problem.m, problem.widths[0], problem.lanes
    order, gathered, chosen = np.arange(m)[::-1].copy(), problem.square(width), problem.square(width)
    gather(problem.X, np.empty(0, np.int64), 0, m, gathered, 0, width * lanes)
    gather(problem.X, order, 0, m, chosen, 0, width * lanes)
    scattered, written = problem.zeros(m, width), problem.square(width + 2)
    scatter(gathered, 0, width * lanes, 0, m, scattered)
    write(problem.X, written, 2 * lanes, (width + 2) * lanes, problem.every)
    return {"gathered": gathered, "chosen": problem.unpacked(chosen, width), "scattered": scattered, "written": written}


def expected(problem):
    width = problem.widths[0]
    panels = problem.packed(problem.X)[:problem.panels * width * problem.lanes].reshape(problem.panels, width, problem.lanes)
    panels[-1, :, (problem.m - 1) % problem.lanes + 1:] = problem.X[-1][:, None]  # lanes without a sample repeat the last one
    return {"gathered": np.concatenate([panels.reshape(-1), np.zeros(problem.lanes**2)]), "chosen": problem.X[::-1],
            "scattered": problem.X, "written": problem.packed(np.pad(problem.X, ((0, 0), (2, 0))))}


@every_problem
def test_panels(problem):
    problem = Problem(*problem)
    check(computed(problem), expected(problem))


@pytest.mark.parametrize("dtype", (np.float64, np.float32))
@pytest.mark.parametrize("width", (1, 2, 3, 4, 5, 6, 7, 8, 10, 15, 16, 18, 20))
def test_every_width_passes_by_squares_stripes_and_single_columns(width, dtype):
    m, lanes = 37, 64 // np.dtype(dtype).itemsize
    X = np.random.default_rng(width).standard_normal((m, width)).astype(dtype)
    order = np.random.default_rng(1).permutation(m)
    panels, rows = np.zeros(-(-m // lanes) * width * lanes, dtype), np.full((m + 2, width), 7, dtype)
    gather(X, order, 0, m, panels, 0, width * lanes)
    assert np.array_equal(panels.reshape(-1, width, lanes).swapaxes(1, 2).reshape(-1, width)[:m], X[order])
    scatter(panels, 0, width * lanes, 1, m, rows)
    assert np.array_equal(rows[1:-1], X[order]) and (rows[[0, -1]] == 7).all()
