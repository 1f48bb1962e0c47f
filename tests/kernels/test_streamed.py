"""kernels/streamed.py and per_sample.streamed_norms: forward and back block by block, with tanh and the squared error."""

import numpy as np

from engine.kernels.activations import ActivationCode, prepare_activations
from engine.kernels.gradient_workspace import workspace_size
from engine.kernels.layout import ACTIVATION
from engine.kernels.levels import fold_nodes
from engine.kernels.losses import LossCode, prepare_losses
from engine.kernels.per_sample import norms_size, streamed_norms
from engine.kernels.streamed import NOT_CLIPPED, BlockSum, LossCodes, Results, Samples, prepare_block_sums, streamed
from engine.kernels.sums import BLOCK

from .cases import Problem, backward, check, every_problem, outer_sums, wide


def computed(problem):
    plan, m, blocks, theta = problem.plan.copy(), problem.m, -(-problem.m // BLOCK), problem.theta
    plan[1:, ACTIVATION] = ActivationCode.TANH
    prepare_activations([ActivationCode.TANH], problem.dtype)
    prepare_losses([LossCode.SQUARED_ERROR], problem.dtype)
    prepare_block_sums([BlockSum.WEIGHTED], problem.dtype)
    samples, loss = Samples(problem.X, problem.a[-1], np.empty(0, np.int64)), LossCodes(int(LossCode.SQUARED_ERROR), 0.0)
    outputs, losses, partial = problem.zeros(m, problem.n), problem.zeros(m), problem.zeros(blocks, problem.size)
    numbers = workspace_size(plan, problem.lanes, min(BLOCK, m), problem.size, blocks, blocks)
    streamed(theta, theta, plan, samples, loss, problem.gamma[-1][:, 0].copy(), NOT_CLIPPED,
             Results(outputs, losses, partial), problem.zeros(1, numbers), (0, blocks, 0))
    fold_nodes(partial)
    norms = problem.zeros(m)
    streamed_norms(theta, theta, plan, samples, loss, 2, norms, problem.zeros(1, norms_size(plan, problem.lanes, 2)),
                   (0, -(-problem.panels // 2), 0))
    return {"outputs": outputs, "losses": losses, "gradient": partial[0], "norms": norms}


def expected(problem):
    targets, weights = wide(problem.a[-1]), wide(problem.gamma[-1][:, :1])
    for l in range(1, problem.depth + 1):
        problem.a[l] = np.tanh(wide(problem.a[l - 1]) @ problem.W[l].T + problem.b[l])
        problem.gamma[l] = 1 - problem.a[l]**2
    error = problem.a[-1] - targets
    a, delta = wide(problem.a), backward(problem, error)
    squares = sum((delta[l]**2).sum(1) * ((a[l - 1]**2).sum(1) + 1) for l in range(1, problem.depth + 1))
    return {"outputs": a[-1], "losses": (error**2).sum(1) / 2, "gradient": outer_sums(problem, backward(problem, weights * error)),
            "norms": np.sqrt(squares)}


@every_problem
def test_streamed(problem):
    check(computed(Problem(*problem)), expected(Problem(*problem)))
