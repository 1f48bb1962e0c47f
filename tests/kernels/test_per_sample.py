"""kernels/per_sample.py against the rows delta^l ⊗ a^{l-1} and delta^l."""

import numpy as np

from engine.kernels.per_sample import gradient_gram, gradient_norms, gradient_rows, sample_deltas

from .cases import Problem, backward, check, every_problem, wide


def computed(problem):
    plan, stack, m, results = problem.plan, problem.stack, problem.m, {}
    delta, norms, rows = problem.square(problem.outputs), problem.zeros(m), problem.zeros(m, problem.size)
    sample_deltas(problem.theta, problem.theta, plan, stack, problem.output_gradient, delta, problem.every)
    gradient_norms(plan, stack, delta, norms, problem.every)
    gradient_rows(plan, stack, delta, rows, problem.every)
    for symmetric in (False, True):
        out = problem.zeros(m, m)
        gradient_gram(plan, stack, delta, stack, delta, out, symmetric, problem.every)
        results[f"gram, symmetric {symmetric}"] = out
    return results | {"norms": norms, "rows": rows, "delta": problem.unpacked(delta, problem.outputs)}


def expected(problem):
    delta, a = backward(problem, problem.output_gradient), wide(problem.a)
    weights = [np.einsum("kp,kq->kpq", delta[l], a[l - 1]) for l in range(1, problem.depth + 1)]
    rows = problem.parameters(weights, delta[1:])
    return {"rows": rows, "norms": np.linalg.norm(rows, axis=1), "delta": np.concatenate(delta[1:], 1),
            "gram, symmetric False": rows @ rows.T, "gram, symmetric True": rows @ rows.T}


@every_problem
def test_per_sample(problem):
    problem = Problem(*problem)
    check(computed(problem), expected(problem))
