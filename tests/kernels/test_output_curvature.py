"""kernels/output_curvature.py: products and quadratic forms of every form of H."""

import numpy as np

from engine.kernels.output_curvature import Curvature, curve, curve_rows, quadratic_lines

from .cases import Problem, check, curvatures, every_problem, wide


def computed(problem):
    m, n, lanes, results = problem.m, problem.n, problem.lanes, {}
    forms, tangent, factor = curvatures(problem), problem.random(m, n), problem.random(m, 3 * n)
    for name, (_, lines, rank) in forms.items():
        out, rows, quadratic = problem.square(n), problem.zeros(m, n), problem.square(3)
        t = (0, n * lanes)
        curve(lines, (0, rank), problem.packed(tangent), t, out, t, (n, problem.panels))
        results[f"{name}, product"] = problem.unpacked(out, n)
        curve_rows(Curvature(lines, rank, m), tangent, np.empty(0, np.int64), rows, problem.every)
        results[f"{name}, rows"] = rows
        factors, size = problem.packed(factor), (lines.size - lanes**2) // problem.panels
        for j in range(problem.panels):
            quadratic_lines(lines, (j * size, rank), n, factors, (j * 3 * n * lanes, 3 * lanes), quadratic, (j * 3 * lanes, 3),
                            problem.zeros(6 * lanes))
        results[f"{name}, quadratic"] = problem.unpacked(quadratic, 3)
    return results


def expected(problem):
    forms, results = curvatures(problem), {}
    tangent, factor = wide(problem.random(problem.m, problem.n)), wide(problem.random(problem.m, 3 * problem.n))
    factor = factor.reshape(problem.m, problem.n, 3)
    for name, (H, _, _) in forms.items():
        results[f"{name}, product"] = results[f"{name}, rows"] = np.einsum("kiq,kq->ki", H, tangent)
        results[f"{name}, quadratic"] = np.einsum("kip,kiq,kqp->kp", factor, H, factor)
    return results


@every_problem
def test_output_curvature(problem):
    check(computed(Problem(*problem)), expected(Problem(*problem)))
