"""kernels/ntk.py against J J'^T of each output."""

import numpy as np

from engine.kernels.ntk import output_kernels

from .cases import Problem, chain_panels, check, every_problem, jacobian


def computed(problem):
    results = {}
    for name, other in (("J", problem), ("J'", problem.another())):
        for tables in {1, problem.n}:
            out = problem.zeros(tables, problem.m, other.m)
            output_kernels(problem.plan, problem.stack, chain_panels(problem), other.stack, chain_panels(other), out,
                           other is problem, problem.every)
            results[f"{name}, {tables}"] = out
    return results


def expected(problem):
    results = {}
    for name, other in (("J", problem), ("J'", problem.another())):
        kernels = np.einsum("kip,qip->ikq", jacobian(problem), jacobian(other), optimize=True)
        results |= {f"{name}, 1": kernels.sum(0, keepdims=True), f"{name}, {problem.n}": kernels}
    return results


@every_problem
def test_output_kernels(problem):
    check(computed(Problem(*problem)), expected(Problem(*problem)))
