"""kernels/panels.py: rows of samples into panels and back."""

import numpy as np

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
