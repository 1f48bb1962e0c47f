"""The work that peers are compared on: networks, data, and the pieces of work by name."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# widths, samples
NETWORKS = {
    "A": ((64, 64, 32, 10), 1797), "B": ((784, 128, 64, 10), 256), "C": ((2, 20, 20, 1), 10000), "D": ((256, 512, 512, 10), 64),
    "E": ((784, 1024, 1024, 10), 256), "F": ((2, 50, 50, 1), 10000), "A600": ((64, 64, 32, 10), 600),
    "A60": ((64, 64, 32, 10), 60), "digits": ((64, 64, 32, 10), 1792), "small": ((4, 32, 16, 4), 10000), "tiny": ((2, 2, 1), 4),
    "sinc": ((1, 20, 20, 1), 2000),
}
# what a fit or a sweep trains; "digits" has the shape of scikit-learn's digits
NETWORKS |= {f"m {m}": ((2, 20, 20, 1), m) for m in (512, 2048, 10000)}
NETWORKS |= {"2-20-20-1": ((2, 20, 20, 1), 512), "64-64-32-10": ((64, 64, 32, 10), 1792)}
FUNCTIONS = ["tanh", "sin", "gelu", "erf", "softplus"]
NETWORKS |= {name: ((1, 1), 4096) for name in FUNCTIONS}  # z [4096], in the second-level cache
JETS = ["2-32-1", "2-20-20-20-1", "5-64-1", "2-50-50-50-50-1", "10-64-64-1"]
NETWORKS |= {name: (tuple(map(int, name.split("-"))), 784) for name in JETS}
WIDTHS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
# up to 8 outputs, and as many samples as make some 10^8 multiply-adds
NETWORKS |= {f"width {w}": ((w, w, w, w, min(w, 8)), max(64, min(20000, 30_000_000 // (w**2 * min(w, 8))))) for w in WIDTHS}

ALL, SOME = list("ABCDEF"), list("ABCD")

# work: what it is, the networks it is done on, whether it is also timed on one thread
WORK = {
    "dense": ("dense J into an array that is used again, the forward pass at hand", SOME, False),
    "dense_fresh": ("dense J into fresh memory, the forward pass at hand", SOME, False),
    "jacobian": ("forward pass and dense J", SOME, False),
    "chains": ("forward pass and all chains", ALL, False),
    "chains_kept": ("all chains, γ included, the forward pass at hand", ALL, False),
    "products_kept": ("all chains of equal widths, the forward pass at hand", [f"width {w}" for w in WIDTHS], True),
    "products": ("forward pass and all chains of equal widths", [f"width {w}" for w in WIDTHS], True),
    "forward": ("forward pass", ALL, False),
    "gradient": ("C and D_θ C of a whole batch", ALL, False),
    "gaussian_nll": ("C and D_θ C of a Gaussian likelihood of means and log variances", list("ABDE"), False),
    "jv": ("J v, forward pass included", ALL, False),
    "jv_kept": ("J v, the forward pass at hand", ALL, False),
    "jtu": ("Jᵀ u, forward pass included", ALL, False),
    "jtu_kept": ("Jᵀ u, the forward pass at hand", ALL, False),
    "gram": ("J Jᵀ (NTK) from X, 6000 × 6000, into an array that is used again", ["A600"], False),
    "gram_other": ("J J′ᵀ of two networks, 6000 × 6000, likewise", ["A600"], False),
    "ntk_time": ("the linearised network at five times of its training: mean and variance, 600 and 300 outputs", ["A60"], False),
    "gradient_gram": ("G Gᵀ of the rows G of per-sample gradients, 600 × 600, from X", ["A600"], False),
    "row_norms": ("norms of every row of J", SOME, False),
    "gradient_norms": ("per-sample gradient norms", SOME, False),
    "gradient_moments": ("mean and variance of per-sample gradients", list("ABC"), False),
    "ggn_diagonals": ("diagonal of each sample's GGN, into an array that is used again where that can be", list("ABC"), False),
    "ggn_v": ("GGN · v", ALL, False),
    "ggn_v_last": ("GGN · v for the last layer's parameters alone", ALL, False),
    "hessian_v": ("Hessian · v", ALL, False),
    "kfac_solve": ("KFAC's factors and (K + λ I)⁻¹ v, weights and biases apart", SOME, False),
    "ggn_diagonal": ("diagonal of the GGN", SOME, False),
    "epoch": ("an epoch of SGD, 64-64-32-10, 1792 samples in batches of 32, shuffled", ["digits"], False),
    "fit": ("an epoch of a fit of 50: 2-20-20-1, 512 samples in batches of 64, shuffled, Adam", ["m 512"], False),
    "fit_full": ("a step of a fit of 50: 2-20-20-1, Adam, full batch", ["m 512", "m 2048", "m 10000"], False),
    "sweep": ("one of 64 fits in a sweep by threads", ["2-20-20-1", "64-64-32-10"], False),
    "levenberg_marquardt": ("a step of Levenberg–Marquardt, 1-20-20-1, m 2000, the mean of ten", ["sinc"], False),
    "bayesian_regularization": ("a step of Bayesian regularisation, with its evidence, 1-20-20-1, m 2000, the mean of ten",
                                ["sinc"], False),
    "jet_dense": ("dense J of −Δu, m 784, from X into an array that is used again", JETS, False),
    "residual_step": ("a step of Levenberg–Marquardt on Poisson's equation, 2-32-1, m 784 + 120, the mean of ten", JETS[:1], False),
    "adam_step": ("gradient and Adam step, 4-32-16-4, m 10000, full batch", ["small"], False),
    "private": ("a step of private training, 64-64-32-10, 1792 samples, Adam, Poisson batches of 256 or so", ["digits"], False),
    "elementary": ("g and γ together, a number, one thread", FUNCTIONS, False),
    "laplace_full": ("Laplace's posterior, every entry, fitted and 64 predictions", ["m 512"], False),
    "laplace_kron": ("Laplace's posterior, Kronecker factors, fitted and 64 predictions", ["A"], False),
    "smallest_gradient": ("the smallest gradient: 2-2-1, m 4", ["tiny"], False),
    "smallest_prediction": ("the smallest prediction: 2-2-1, one sample", ["tiny"], False),
}
DAMPING = 0.1  # λ
PREDICTED = 64
BATCH, RATE, ADAM_RATE, STEPS, DAMPED_STEPS = 32, 0.05, 1e-3, 20, 10
PRIVATE_BATCH, CLIP_NORM, NOISE = 256, 1.0, 1.0
TIMES = [0.0, 1e-3, 1e-2, 1e-1, 1.0]  # of gradient flow
SMALL_BATCH, EPOCHS, FITS, REPEATS = 64, 50, 64, 20
SWEPT = {"2-20-20-1": (EPOCHS, np.geomspace(1e-4, 1e-2, FITS)), "64-64-32-10": (3, np.geomspace(0.01, 0.1, FITS))}  # epochs, rates


def sinc(case):
    """sin(10x)/10x on [−1, 1], as X and y of a case of one input and one output."""
    X = np.linspace(-1, 1, case.samples, dtype=case.dtype)[:, None]
    return X, np.sinc(10 * X / case.dtype.type(np.pi))


def poisson_points(case):
    """Points inside the unit square [784, 2] and on its edge [120, 2]."""
    inside, edge = (np.arange(28) + 0.5) / 28, (np.arange(30) + 0.5) / 30
    sides = [np.column_stack(side) for k in (0, 1) for side in ((edge, 0 * edge + k), (0 * edge + k, edge))]
    return np.stack(np.meshgrid(inside, inside), -1).reshape(-1, 2).astype(case.dtype), np.concatenate(sides).astype(case.dtype)


def poisson_source(X, sin):
    """2π² sin πx₁ sin πx₂, by the `sin` of NumPy or JAX: −Δu of the solution sin πx₁ sin πx₂."""
    return 2 * np.pi**2 * sin(np.pi * X[:, 0]) * sin(np.pi * X[:, 1])


def flat_numbers(result):
    """A result as a flat NumPy array."""
    return np.asarray(result, np.float64).ravel()


def tree_numbers(pairs):
    """([W …], [b …]) as a flat NumPy array in θ's order."""
    return np.concatenate([np.asarray(part, np.float64).ravel() for pair in zip(*pairs) for part in pair])


@dataclass
class Work:
    """What a peer does: `run()`, which repeats the work `count` times, and what to compare of its result (or of `check()`)."""

    run: Callable
    numbers: Callable = flat_numbers
    count: float = 1
    check: Callable | None = None


class Case:
    """Widths, θ in the engine's order, X, y, v, u; tanh hidden layers, identity output, squared error, mean."""

    def __init__(self, widths, samples, dtype, name=""):
        self.widths, self.samples, self.name = tuple(widths), samples, name
        self.dtype = np.dtype(dtype)
        self.depth, self.outputs = len(self.widths) - 1, self.widths[-1]
        generator = np.random.default_rng(0)
        self.theta, self.other = (self._parameters(generator) for _ in range(2))
        self.X = generator.standard_normal((self.samples, self.widths[0])).astype(dtype)
        self.y = generator.standard_normal((self.samples, self.outputs)).astype(dtype)
        self.classes = generator.integers(0, self.outputs, self.samples)
        self.v = generator.standard_normal(self.theta.size).astype(dtype)
        self.u = generator.standard_normal(self.y.shape).astype(dtype)

    @classmethod
    def named(cls, network, dtype):
        """That of one of NETWORKS."""
        return cls(*NETWORKS[network], dtype, network)

    def _parameters(self, generator):
        parts = []
        for before, width in zip(self.widths, self.widths[1:]):
            parts += [generator.standard_normal(width * before) / np.sqrt(before), 0.1 * generator.standard_normal(width)]
        return np.concatenate(parts).astype(self.dtype)

    def layers(self, theta=None):
        """([W^1 …], [b^1 …]) of a vector in θ's order, θ itself where None."""
        theta = self.theta if theta is None else theta
        weights, biases, at = [], [], 0
        for before, width in zip(self.widths, self.widths[1:]):
            weights.append(theta[at:at + width * before].reshape(width, before))
            at += width * before
            biases.append(theta[at:at + width])
            at += width
        return weights, biases

    def test_inputs(self):
        """Samples that are not those of X, half as many."""
        return (0.9 * self.X[::2]).astype(self.dtype)

    def some_rows(self):
        """The samples whose rows of J are compared."""
        return [0, self.samples // 2, self.samples - 1]

    def multiply_adds(self, work):
        """Those of the products that `work` cannot do without; activations, losses and updates not counted."""
        products = [a * b for a, b in zip(self.widths, self.widths[1:])]
        if work in ("chains", "products"):  # B^L is diagonal, B^(L-1) its rows scaled: no product
            return self.samples * (sum(products) + self.outputs * sum(products[1:-1]))
        if work in ("chains_kept", "products_kept"):
            return self.samples * self.outputs * sum(products[1:-1])
        if work in ("gradient", "adam_step"):  # no derivative with respect to X
            return self.samples * (3 * sum(products) - products[0])
        if work == "gradient_moments":  # two sums over samples
            return self.samples * (4 * sum(products) - products[0])
        if work == "levenberg_marquardt":
            return self._damped_step(products)
        return self.samples * sum(products)

    def _damped_step(self, products):
        """A step of Levenberg–Marquardt that takes its first attempt: Jᵀ J from the factors, once for each pair of entries, P³/6 of
        its Cholesky factor, P² of two triangular solves, the chains, Jᵀ times the residuals, and the forward pass here and there.
        J as a matrix would take m n P²/2 for Jᵀ J, 1.5 times as much for 1-20-20-1."""
        pairs, layers = 0, [(width, before + 1) for before, width in zip(self.widths, self.widths[1:])]
        for l, (width, before) in enumerate(layers):
            pairs += width * (width + 1) // 2 * (before * (before + 1) // 2)
            pairs += sum(width * before * other * inputs for other, inputs in layers[l + 1:])
        parameters, chains = sum(width * before for width, before in layers), self.outputs * sum(products[1:-1])
        return self.samples * (self.outputs * pairs + chains + 3 * sum(products)) + parameters**3 // 6 + parameters**2


def along(axis, value):
    """Widths and samples where one of "samples", "depth" and "width" is `value`, the others as they are in C or near it."""
    if axis == "samples":
        return NETWORKS["C"][0], value
    if axis == "depth":
        return (20,) * value + (1,), 1000
    return (value, value, value, 1), 128
