"""Ours."""

import numpy as np

from engine import Adam, Cost, GradientDescent, Network, fit, value_and_gradient
from schedulers import BatchSchedule

from .cases import BATCH, RATE


def prepare(work, case):
    """A function of nothing that does the work and gives what it computed."""
    network = Network(case.widths, ("tanh",) * (len(case.widths) - 2) + ("identity",), case.theta)
    cost = Cost("squared_error")
    if work == "forward":
        return lambda: network(case.X)
    if work == "gradient":
        return lambda: value_and_gradient(network, case.X, case.y, cost)[1]
    if work == "epoch":
        first = [fit(network, case.X, case.classes, Cost("softmax_cross_entropy"), GradientDescent(RATE),
                     BatchSchedule(BATCH, drop_last=True), epochs=1, progress=False).network]

        def epochs():
            fit(first[0], case.X, case.classes, Cost("softmax_cross_entropy"), GradientDescent(RATE),
                BatchSchedule(BATCH, drop_last=True), epochs=20, progress=False)
        epochs.count = 20
        return epochs
    if work == "adam_step":
        def steps():
            return fit(network, case.X, case.y, cost, Adam(1e-3), BatchSchedule(len(case.X), order="sequential"), epochs=20,
                       progress=False).network.parameters
        steps.count = 20
        return steps
    J = network.jacobian(case.X)
    if work == "dense":
        out = np.empty(J.shape, J.dtype)
        return lambda: J.dense(out=out)
    if work == "chains":
        def chains():
            J._chain = None
            return J._chains()
        return chains
    if work == "jv":
        return lambda: J.matvec(case.v)
    if work == "jtu":
        return lambda: J.rmatvec(case.u.reshape(-1))
    if work == "gram":
        return lambda: J.gram()
    if work == "gradient_norms":
        from engine import per_sample_gradient_norms
        return lambda: per_sample_gradient_norms(network, case.X, case.y, cost)
    return None
