"""kernels/layout.py against places counted one by one."""

import pytest

from engine.kernels.layout import line, lines_for, padded, panel_sizes, places, samples_in, weights

from .cases import Problem, every_problem


@every_problem
def test_places_lie_one_after_the_other(problem):
    problem = Problem(*problem)
    widths, plan = problem.widths, problem.plan
    for lanes in (1, problem.lanes):
        parameters, neurons, errors = 0, widths[0], 0
        for l in range(1, problem.depth + 1):
            at = places(plan, l, lanes)
            assert (at.before, at.width) == widths[l - 1:l + 1] and weights(at) == (parameters, at.before, 1, at.bias)
            assert at.bias == parameters + at.width * at.before
            assert (at.a_below, at.a, at.delta) == ((neurons - at.before) * lanes, neurons * lanes, errors * lanes)
            assert at.gamma == (sum(widths) + errors) * lanes
            if l > 1:
                below = places(plan, l - 1, lanes)
                assert (at.gamma_below, at.delta_below) == (below.gamma, below.delta)
            parameters, neurons, errors = at.bias + at.width, neurons + at.width, errors + at.width
        panel = panel_sizes(plan, lanes)
        assert (panel.depth, panel.n_0, panel.n) == (problem.depth, widths[0], widths[-1])
        assert panel.stack == (sum(widths) + sum(widths[1:])) * lanes
        assert panel.deltas == sum(widths[1:]) * lanes and panel.chain == sum(widths[1:-1]) * lanes


@pytest.mark.parametrize("count, lines", ((0, 0), (1, 1), (7, 1), (8, 1), (9, 2)))
def test_numbers_are_counted_in_lines(count, lines):
    assert lines_for(count, 8) == lines and padded(count, 8) == 8 * lines and line(5, count, 8) == 5 + 8 * count
    assert [samples_in(j, 8, count) for j in range(lines)] == [8] * (count // 8) + [count % 8] * (count % 8 > 0)
