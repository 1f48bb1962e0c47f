"""Ours."""

import numpy as np

import engine
import schedulers
from engine import (
    Adam,
    BayesianRegularization,
    Cost,
    GradientDescent,
    LevenbergMarquardt,
    Network,
    Private,
    Residual,
    collocation,
    fit,
    operators,
    value_and_gradient,
)
from engine.kernels.activations import CODES, activate, prepare_activations
from engine.kernels.layout import ActivationParameters
from engine.kernels.linked import kernel
from engine.pool import num_threads
from schedulers import BatchSchedule

from .cases import (
    ADAM_RATE,
    BATCH,
    CLIP_NORM,
    DAMPED_STEPS,
    DAMPING,
    EPOCHS,
    FITS,
    NOISE,
    PREDICTED,
    PRIVATE_BATCH,
    RATE,
    REPEATS,
    SMALL_BATCH,
    STEPS,
    SWEPT,
    TIMES,
    Work,
    flat_numbers,
    poisson_points,
    poisson_source,
    sinc,
)
from .elementary import argument

EVERY_CORE = num_threads()


def set_threads(count):
    """Use `count` threads, or one for each core where None."""
    engine.set_num_threads(count or EVERY_CORE)


@kernel
def repeated(code, source, z, gamma, parameters, times):
    """`times` copies of `source` to z, each replaced by g(z), and g′(z) in gamma."""
    for _ in range(times):
        for i in range(z.size):
            z[i] = source[i]
        activate(code, z, 0, gamma, 0, z.size, parameters)


class Peer:
    """A method for each piece of work; None where the engine does not have it."""

    def __init__(self, case):
        self.case, self.cost = case, Cost("squared_error")
        activations = ("tanh",) * (case.depth - 1) + ("identity",)
        self.network, self.other = (Network(case.widths, activations, theta) for theta in (case.theta, case.other))

    def _rows(self, J):
        return flat_numbers(J.reshape(self.case.samples, self.case.outputs, -1)[self.case.some_rows()])

    def _chain_numbers(self, J):
        return np.concatenate([flat_numbers(J.chain(l)) for l in range(1, self.case.depth)])

    def dense(self):
        J = self.network.jacobian(self.case.X)
        out = np.ones(J.shape, J.dtype)
        return Work(lambda: J.dense(out=out), self._rows)

    def dense_fresh(self):
        J = self.network.jacobian(self.case.X)
        return Work(lambda: J.dense(), self._rows)

    def jacobian(self):
        out = np.ones((self.case.y.size, self.network.size), self.case.dtype)
        return Work(lambda: self.network.jacobian(self.case.X).dense(out=out), self._rows)

    def chains(self):
        def run():
            J = self.network.jacobian(self.case.X)
            _ = J.factors
            return J
        return Work(run, self._chain_numbers)

    products = chains

    def chains_kept(self):
        J = self.network.jacobian(self.case.X)

        def run():
            J._passes._chains = None
            _ = J.factors
            return J
        return Work(run, self._chain_numbers)

    products_kept = chains_kept

    def forward(self):
        return Work(lambda: self.network(self.case.X))

    def gradient(self):
        return Work(lambda: value_and_gradient(self.network, self.case.X, self.case.y, self.cost)[1])

    def gaussian_nll(self):
        y, cost = self.case.y[:, :self.case.outputs // 2].copy(), Cost("gaussian_nll")
        return Work(lambda: value_and_gradient(self.network, self.case.X, y, cost)[1])

    def jv(self):
        return Work(lambda: self.network.jacobian(self.case.X).matvec(self.case.v))

    def jv_kept(self):
        J = self.network.jacobian(self.case.X)
        return Work(lambda: J.matvec(self.case.v))

    def jtu(self):
        u = self.case.u.reshape(-1)
        return Work(lambda: self.network.jacobian(self.case.X).rmatvec(u))

    def jtu_kept(self):
        J, u = self.network.jacobian(self.case.X), self.case.u.reshape(-1)
        return Work(lambda: J.rmatvec(u))

    def gram(self):
        out = np.ones((self.case.y.size,) * 2, self.case.dtype)
        return Work(lambda: self.network.jacobian(self.case.X).gram(out=out))

    def gram_other(self):
        out = np.ones((self.case.y.size,) * 2, self.case.dtype)
        return Work(lambda: self.network.jacobian(self.case.X).gram(self.other.jacobian(self.case.X), out=out))

    def ntk_time(self):
        case = self.case
        return Work(lambda: operators.ntk_predict(self.network, case.X, case.y, case.test_inputs(), time=TIMES),
                    lambda found: np.concatenate([flat_numbers(part) for part in found]))

    def gradient_gram(self):
        return Work(lambda: operators.LossJacobian(self.network, self.case.X, self.case.y, self.cost).gram())

    def row_norms(self):
        return Work(lambda: self.network.jacobian(self.case.X).row_norms())

    def gradient_norms(self):
        return Work(lambda: engine.per_sample_gradient_norms(self.network, self.case.X, self.case.y, self.cost))

    def gradient_moments(self):
        return Work(lambda: engine.gradient_moments(self.network, self.case.X, self.case.y, self.cost),
                    lambda found: np.concatenate([flat_numbers(found.mean), flat_numbers(found.variance)]))

    def ggn_diagonals(self):
        out = np.ones((self.case.samples, self.network.size), self.case.dtype)
        return Work(lambda: engine.per_sample_ggn_diagonals(self.network, self.case.X, self.case.y, self.cost, out=out),
                    lambda rows: flat_numbers(rows[self.case.some_rows()]))

    def _operator(self, build):
        return build(self.network, self.case.X, self.case.y, self.cost)

    def ggn_v(self):
        G = self._operator(operators.ggn)
        return Work(lambda: G @ self.case.v)

    def ggn_v_last(self):
        last = self.network.mask(layers=[self.network.depth])
        G, v = operators.ggn(self.network, self.case.X, self.case.y, self.cost, trainable=last), self.case.v[last]
        return Work(lambda: G @ v)

    def hessian_v(self):
        H = self._operator(operators.hessian)
        return Work(lambda: H @ self.case.v)

    def kfac_solve(self):
        def run():
            K = operators.kfac(self.network, self.case.X, self.case.y, self.cost, biases="separate")
            return K.solve(self.case.v, damping=DAMPING)
        return Work(run)

    def ggn_diagonal(self):
        return Work(lambda: self._operator(operators.ggn).diagonal())

    def _posterior(self, structure, numbers=flat_numbers):
        X, y, cost = self.case.X, self.case.y, Cost("squared_error", "sum")

        def run():
            return engine.laplace(self.network, X, y, cost, structure=structure).predict(X[:PREDICTED])[1]
        return Work(run, numbers)

    def laplace_full(self):
        return self._posterior("full")

    def laplace_kron(self):
        return self._posterior("kron", lambda covariance: None)

    def _adam(self, batch, order, epochs, rate=ADAM_RATE):
        return fit(self.network, self.case.X, self.case.y, self.cost, Adam(rate), BatchSchedule(batch, order=order),
                   epochs=epochs, progress=False).network.parameters

    def _sgd(self, batch, order, epochs, rate=RATE):
        return fit(self.network, self.case.X, self.case.classes, Cost("softmax_cross_entropy"), GradientDescent(rate),
                   BatchSchedule(batch, order=order), epochs=epochs, progress=False).network.parameters

    def epoch(self):
        return Work(lambda: self._sgd(BATCH, "shuffled", STEPS), count=STEPS, check=lambda: self._sgd(BATCH, "sequential", 1))

    def fit(self):
        return Work(lambda: self._adam(SMALL_BATCH, "shuffled", EPOCHS), count=EPOCHS,
                    check=lambda: self._adam(SMALL_BATCH, "sequential", 1))

    def fit_full(self):
        def steps(threads):
            set_threads(threads)
            return self._adam(self.case.samples, "sequential", EPOCHS)
        ways = {"": None, "one thread": 1} if EVERY_CORE > 1 else {"": None}
        return {how: Work(lambda threads=threads: steps(threads), count=EPOCHS) for how, threads in ways.items()}

    def adam_step(self):
        return Work(lambda: self._adam(self.case.samples, "sequential", STEPS), count=STEPS)

    def sweep(self):
        train, batch = (self._sgd, BATCH) if self.case.name == "64-64-32-10" else (self._adam, SMALL_BATCH)
        epochs, rates = SWEPT[self.case.name]

        def fits(order, epochs):
            def run(rate):
                return {"theta": train(batch, order, epochs, rate)}
            return schedulers.sweep(run, {"rate": rates}, executor="threads", progress=False).rows

        def numbers(rows):
            return np.concatenate([flat_numbers(row["theta"]) for row in rows])
        return Work(lambda: fits("shuffled", epochs), numbers, FITS, lambda: fits("sequential", 1))

    def _damped_steps(self, update):
        X, y = sinc(self.case)
        return fit(self.network, X, y, self.cost, update, BatchSchedule(len(X), order="sequential"), epochs=DAMPED_STEPS,
                   progress=False)

    def levenberg_marquardt(self):
        return Work(lambda: self._damped_steps(LevenbergMarquardt()), lambda _: None, DAMPED_STEPS)

    def bayesian_regularization(self):
        """Beside it a step without evidence: of the libraries that are installed none has this update."""
        ways = {"": BayesianRegularization(settled=1), "Levenberg–Marquardt": LevenbergMarquardt()}
        return {how: Work(lambda update=update: self._damped_steps(update), lambda _: None, DAMPED_STEPS)
                for how, update in ways.items()}

    def jet_dense(self):
        X, y, cost = collocation((self.case.X, Residual(lambda x, u: -u.laplacian())))
        out = np.ones((self.case.samples, self.network.size), self.case.dtype)
        return Work(lambda: operators.ResidualJacobian(self.network, X, y, cost).dense(out=out), self._rows)

    def _poisson(self):
        """X, y and the cost of Poisson's equation."""
        inside, edge = poisson_points(self.case)
        return collocation((inside, Residual(lambda x, u: u.laplacian() + poisson_source(x, np.sin)), 1.0),
                           (edge, Residual(lambda x, u: u.value), 4.0))

    def residual_step(self):
        X, y, cost = self._poisson()

        def run(update):
            return fit(self.network, X, y, cost, update, BatchSchedule(len(X), order="sequential"), epochs=DAMPED_STEPS,
                       progress=False)
        ways = {"": LevenbergMarquardt(), "geodesic=False": LevenbergMarquardt(geodesic=False)}
        return {how: Work(lambda update=update: run(update), lambda _: None, DAMPED_STEPS) for how, update in ways.items()}

    def private(self):
        """Steps of Adam on Poisson batches, private and not."""
        case, adam = self.case, Adam(ADAM_RATE)
        batch = min(PRIVATE_BATCH, case.samples)
        schedule = BatchSchedule(batch, order=schedulers.orders.poisson_sampling(batch / case.samples))

        def run(update):
            return fit(self.network, case.X, case.classes, Cost("softmax_cross_entropy"), update, schedule, epochs=STEPS,
                       progress=False)
        ways = {"": Private(adam, CLIP_NORM, NOISE, seed=0), "not private": adam}
        return {how: Work(lambda update=update: run(update), lambda _: None, STEPS * schedule.steps(case.samples))
                for how, update in ways.items()}

    def smallest_gradient(self):
        def run():
            for _ in range(100):
                value_and_gradient(self.network, self.case.X, self.case.y, self.cost)
        return Work(run, count=100)

    def smallest_prediction(self):
        x = self.case.X[0]

        def run():
            for _ in range(100):
                self.network(x)
        return Work(run, count=100)

    def elementary(self):
        """The copy of z, which the kernel overwrites, counts too."""
        code, source = CODES[self.case.name], argument(self.case)
        parameters = ActivationParameters(1.0, 0.0)
        z, gamma = np.empty_like(source), np.empty_like(source)
        prepare_activations((code,), self.case.dtype)

        def run():
            repeated(code, source, z, gamma, parameters, REPEATS)
            return np.concatenate([z, gamma])
        return Work(run, count=REPEATS * source.size)
