"""A step of each second-order update."""

import numpy as np

import engine
from engine import BayesianRegularization, Cost, GaussNewton, LevenbergMarquardt, NaturalGradient, Network
from engine.batch_problem import BatchProblem
from schedulers import BatchStep

EVERY = np.empty(0, bool)  # all of θ is trainable
UPDATES = {"levenberg_marquardt": LevenbergMarquardt(), "straight": LevenbergMarquardt(geodesic=False),
           "gauss_newton": GaussNewton(), "natural_gradient": NaturalGradient(), "qr": LevenbergMarquardt(solver="qr"),
           "cg": LevenbergMarquardt(solver="cg"),
           "bayesian_regularization": BayesianRegularization(settled=1)}  # an estimate at every step


class Step:
    """sinc(10x) by 1-20-20-1, m 2000; and 3-10-10-1 on 8 samples, where the dual system is the smaller."""

    params = (list(UPDATES), ["1-20-20-1", "3-10-10-1"], ["float64", "float32"], [1, 2])
    param_names = ["update", "network", "dtype", "threads"]

    def setup(self, update, network, dtype, threads):
        engine.set_num_threads(threads)
        widths, m = tuple(map(int, network.split("-"))), 2000 if network == "1-20-20-1" else 8
        X = np.linspace(-1, 1, m * widths[0]).reshape(m, -1).astype(dtype)
        net = Network.initialize(widths, "tanh", seed=0, dtype=dtype)
        self.update, self.theta, self.state = UPDATES[update], net.parameters.copy(), UPDATES[update].begin(net)
        self.problem = BatchProblem(net, X, np.sinc(10 * X[:, :1] / np.pi), Cost("squared_error"), BatchStep(0, 0, np.arange(m)))
        self.step()

    def step(self):
        self.update.step(self.problem, self.theta, self.state, EVERY, 0)

    def time_step(self, update, network, dtype, threads):
        self.step()
