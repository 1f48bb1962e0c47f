"""kernels/wide.py against eq. 20."""

from engine.kernels.outer_products import samples_as_lanes
from engine.kernels.product import ROWS
from engine.kernels.sums import BLOCK
from engine.kernels.wide import pack_panels, packed_size, row_sums

from .cases import Problem, backward, check, every_problem, outer_sums


def computed(problem):
    plan, lanes, samples = problem.plan, problem.lanes, -(-problem.m // BLOCK) * BLOCK
    delta = problem.zeros(samples * problem.outputs + lanes**2)
    packed, out = problem.zeros(samples // BLOCK * packed_size(plan, lanes)), problem.zeros(problem.size)
    pack_panels(problem.theta, problem.theta, plan, problem.stack, problem.output_gradient, delta, packed, problem.every)
    tiles = [1 if samples_as_lanes(plan, l, lanes) else -(-problem.widths[l] // ROWS) for l in range(1, problem.depth + 1)]
    for t in range(sum(tiles)):
        row_sums(plan, delta, packed, problem.m, out, (t, t + 1, 0))
    return {"gradient": out}


def expected(problem):
    return {"gradient": outer_sums(problem, backward(problem, problem.output_gradient))}


@every_problem
def test_wide(problem):
    problem = Problem(*problem)
    check(computed(problem), expected(problem))
