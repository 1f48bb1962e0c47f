"""kernels/gram.py against J J'^T."""

import numpy as np

from engine.kernels.gram import gram, gram_size

from .cases import Problem, chain_panels, check, every_problem, jacobian


def computed(problem):
    rows, results = problem.m * problem.n, {}
    for name, other in (("J", problem), ("J'", problem.another())):
        out = problem.zeros(rows, other.m * other.n)
        gram(problem.plan, problem.stack, chain_panels(problem), other.stack, chain_panels(other), out, other is problem,
             problem.zeros(1, gram_size(problem.plan, problem.lanes)), problem.every)
        results[name] = out
    return results


def expected(problem):
    J, other = (jacobian(part).reshape(-1, problem.size) for part in (problem, problem.another()))
    return {"J": J @ J.T, "J'": J @ other.T}


@every_problem
def test_gram(problem):
    results = computed(Problem(*problem))
    check(results, expected(Problem(*problem)))
    assert np.array_equal(results["J"], results["J"].T)
