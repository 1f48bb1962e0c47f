"""kernels/hessian.py against second derivatives written out: D^2 C v = J^T H J v + what changes with the factors."""

import numpy as np

from engine.kernels import hessian
from engine.kernels.activations import ActivationCode
from engine.kernels.hessian import Directions, Products, Terms, error_terms, hessian_product
from engine.kernels.levels import fold_nodes
from engine.kernels.second_derivatives import prepare_second_derivatives
from engine.kernels.sums import BLOCK

from .cases import Problem, check, curvatures, every_problem, wide


def second_derivatives(problem):
    """Random g″(z^l) [m, n_1 + … + n_L], and directions of X and of D_A C."""
    return problem.random(problem.m, problem.outputs), problem.random(*problem.X.shape), problem.random(problem.m, problem.n)


def computed(problem):
    results, plan, theta, blocks = {}, problem.plan, problem.theta, -(-problem.m // BLOCK)
    second, V, source = second_derivatives(problem)
    delta, bend, no_indices = problem.square(problem.outputs), problem.packed(second), np.empty(0, np.int64)
    error_terms(theta, plan, problem.stack, problem.output_gradient, delta, bend, no_indices, problem.every)
    results["bend"] = problem.unpacked(bend, problem.outputs)
    tanh = problem.square(problem.outputs)
    prepare_second_derivatives([ActivationCode.TANH], problem.dtype)
    hessian.second_derivatives(theta, plan, problem.stack, tanh, problem.every)
    results["second derivatives"] = problem.unpacked(tanh, problem.outputs)
    nothing = problem.zeros(0, problem.widths[0])
    for name, (_, lines, rank) in curvatures(problem).items():
        partial, inputs = problem.zeros(blocks, problem.size), problem.zeros(*problem.X.shape)
        terms, directions = Terms(lines, rank, problem.m, delta, bend), Directions(problem.direction, problem.direction, V, source)
        hessian_product(theta, theta, plan, problem.stack, terms, directions, Products(partial, inputs), (0, blocks, 0))
        fold_nodes(partial)
        results |= {name: partial[0], f"{name}, inputs": inputs}
    partial = problem.zeros(blocks, problem.size)
    directions = Directions(problem.direction, problem.direction, nothing, problem.zeros(0, problem.n))
    hessian_product(theta, theta, plan, problem.stack, terms, directions, Products(partial, nothing), (0, blocks, 0))
    fold_nodes(partial)
    return results | {"without inputs": partial[0]}


def expected(problem):
    second, V, source = map(wide, second_derivatives(problem))
    forms, bend, delta = curvatures(problem), {}, {}
    a, gamma, W, second, depth = wide(problem.a), wide(problem.gamma), problem.W, problem.by_layer(second), problem.depth
    error = wide(problem.output_gradient)  # D_{a^l} C
    for l in range(depth, 0, -1):
        bend[l], delta[l] = error * second[l], error * gamma[l]
        error = delta[l] @ W[l]

    def product(H, V, source):
        """The R-operator, line by line."""
        dW, db = problem.layers(problem.direction)
        R_a, R_z = [V], [None]
        for l in range(1, depth + 1):
            R_z.append(a[l - 1] @ dW[l].T + db[l] + R_a[l - 1] @ W[l].T)
            R_a.append(gamma[l] * R_z[l])
        R_error, weights, biases = np.einsum("kiq,kq->ki", H, R_a[-1]) + source, [], []
        for l in range(depth, 0, -1):
            R_delta = R_error * gamma[l] + bend[l] * R_z[l]
            weights.insert(0, R_delta.T @ a[l - 1] + delta[l].T @ R_a[l - 1])
            biases.insert(0, R_delta.sum(0))
            R_error = R_delta @ W[l] + delta[l] @ dW[l]
        return problem.parameters(weights, biases), R_error

    t = [np.tanh(a[l - 1] @ W[l].T + problem.b[l]) for l in range(1, depth + 1)]
    results = {"bend": np.concatenate([bend[l] for l in range(1, depth + 1)], 1),
               "second derivatives": np.concatenate([-2 * s * (1 - s * s) for s in t], 1)}
    for name, (H, _, _) in forms.items():
        results[name], results[f"{name}, inputs"] = product(H, V, source)
    return results | {"without inputs": product(H, 0 * V, 0 * source)[0]}


@every_problem
def test_hessian(problem):
    check(computed(Problem(*problem)), expected(Problem(*problem)))
