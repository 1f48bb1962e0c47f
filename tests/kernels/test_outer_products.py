"""kernels/outer_products.py against eq. 20."""

from engine.kernels.outer_products import block_gradient, outer_scratch_size
from engine.kernels.sums import BLOCK

from .cases import Problem, check, every_problem, outer_sums, wide


def computed(problem):
    count, delta, out = min(problem.m, BLOCK), problem.random(problem.m, problem.outputs), problem.zeros(problem.size)
    scratch = problem.zeros(outer_scratch_size(problem.plan, problem.lanes))
    panels = problem.packed(delta)
    block_gradient(problem.plan, problem.stack, 0, panels, 0, count, scratch, out)
    return {"gradient": out, "delta": delta}


def expected(problem):
    count, delta = min(problem.m, BLOCK), wide(problem.random(problem.m, problem.outputs))
    return {"delta": delta, "gradient": outer_sums(problem, problem.by_layer(delta[:count]), [a[:count] for a in problem.a])}


@every_problem
def test_outer_products(problem):
    check(computed(Problem(*problem)), expected(Problem(*problem)))
