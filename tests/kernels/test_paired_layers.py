"""kernels/paired_layers.py against the upper triangle of J^T H J."""

import numpy as np

from engine.kernels.output_curvature import Curvature
from engine.kernels.paired_layers import fill_pairs, fold_columns, pair_size, pair_sums, spread

from .cases import Problem, check, curvatures, every_problem, jacobian

FORMS = "diagonal", "entries"


def computed(problem):
    results, plan = {}, problem.plan
    pairs = np.zeros((problem.depth * (problem.depth + 1) // 2, 7), np.int64)
    size, longest = fill_pairs(plan, pairs, problem.lanes)
    for name, (_, lines, rank) in curvatures(problem).items():
        if name in FORMS:
            partial, out = problem.zeros(2, size), problem.zeros(problem.size, problem.size)
            workspaces = problem.zeros(1, pair_size(plan, problem.lanes, longest))
            pair_sums(problem.theta, problem.theta, plan, problem.stack, Curvature(lines, rank, problem.m), pairs, longest,
                      partial, workspaces, (0, 2, 0))
            fold_columns(partial, (0, size, 0))
            spread(plan, partial[0], pairs, out, (0, problem.outputs, 0))
            results[name] = np.triu(out)
    return results


def expected(problem):
    J = jacobian(problem)
    return {name: np.triu(np.einsum("kip,kiq,kqr->pr", J, H, J, optimize=True)) for name, (H, _, _) in curvatures(problem).items()
            if name in FORMS}


@every_problem
def test_paired_layers(problem):
    check(computed(Problem(*problem)), expected(Problem(*problem)))
