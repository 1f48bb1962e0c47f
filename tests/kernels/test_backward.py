"""kernels/backward.py against eq. 20: D_A C · D_theta A over all blocks, from stacks that are kept."""

from engine.kernels.backward import gradient
from engine.kernels.gradient_workspace import workspace_size
from engine.kernels.levels import fold_nodes
from engine.kernels.sums import BLOCK

from .cases import Problem, backward, check, every_problem, outer_sums


def computed(problem):
    results, blocks = {}, -(-problem.m // BLOCK)
    for chunks in range(1, blocks + 1):
        partial = problem.zeros(chunks, problem.size)
        numbers = workspace_size(problem.plan, problem.lanes, min(BLOCK, problem.m), problem.size, blocks, chunks)
        gradient(problem.theta, problem.theta, problem.plan, problem.zeros(0, problem.widths[0]), problem.stack,
                 problem.output_gradient, partial, problem.zeros(1, numbers + problem.size), (0, chunks, 0))
        fold_nodes(partial)
        results[f"{chunks} chunks"] = partial[0]
    return results


def expected(problem):
    total = outer_sums(problem, backward(problem, problem.output_gradient))
    return {f"{chunks} chunks": total for chunks in range(1, -(-problem.m // BLOCK) + 1)}


@every_problem
def test_gradient(problem):
    problem = Problem(*problem)
    check(computed(problem), expected(problem))
