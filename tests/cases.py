"""One registry: every activation, loss, reduction, update and order listed here gets every test that applies."""

import numpy as np

import engine
from engine import (
    Adam,
    AdamW,
    GaussNewton,
    GradientDescent,
    LevenbergMarquardt,
    NaturalGradient,
    Private,
    RMSprop,
    activations,
    losses,
    operators,
    reductions,
)
from engine.activations import NAMED as ACTIVATIONS
from schedulers import orders, rates

from .oracle import updates as plain_updates
from .oracle.losses import FORMS as PLAIN_LOSSES
from .oracle.reductions import FORMS as PLAIN_REDUCTIONS

# activations with parameters that are not the usual ones, by label
PARAMETRIC = {label: activations.named(label) for label in ("leaky_relu(0.2)", "leaky_relu(-1.0)", "elu(0.5)", "softplus(2.0)",
                                                            "softplus(0.1)", "hard_tanh(-0.5, 2.0)", "hard_tanh(0.0, 6.0)")}
DTYPES = (np.float64, np.float32)


def functions_of(activation):
    """g, g′, g″ and g‴."""
    return activation.function, activation.derivative, activation.second_derivative, activation.third_derivative


SMOOTH = [name for name in ACTIVATIONS if name not in ("relu", "leaky_relu", "hard_tanh", "softsign", "elu", "selu", "hard_sigmoid",
                                                       "hard_swish")]


def targets(loss, generator, m, n):
    """Targets of the kind that a loss takes."""
    if loss == "softmax_cross_entropy on probabilities":
        return generator.dirichlet(np.ones(n), m)
    kind = losses.NAMED[loss].kind
    if kind == "classes":
        return generator.integers(0, n, m)
    if kind == "unit":
        return (generator.random((m, n)) > 0.5) * 1.0
    if kind == "counts":
        return generator.poisson(2.0, (m, n)) * 1.0
    if kind == "signs":
        return np.where(generator.random((m, n)) > 0.5, 1.0, -1.0)
    return generator.standard_normal((m, n // 2 if loss == "gaussian_nll" else n))


LOSSES_ELSEWHERE = ("gaussian_nll", "quantile_loss")  # test_losses_of_torch.py has what is tested of these
LOSSES = {**{name: losses.NAMED[name] for name in losses.NAMED if name not in LOSSES_ELSEWHERE},
          "softmax_cross_entropy on probabilities": losses.softmax_cross_entropy}


def plain_loss(name):
    """The oracle's form."""
    return PLAIN_LOSSES[name.removesuffix(" on probabilities")]


# name, parameter, builder from m
REDUCTIONS = {
    "mean": (0.0, lambda m: reductions.mean),
    "sum": (0.0, lambda m: reductions.sum),
    "max": (0.0, lambda m: reductions.max),
    "weighted": (0.0, lambda m: reductions.weighted(np.linspace(0.5, 2.0, m))),
    "weighted_mean": (0.0, lambda m: reductions.weighted_mean(np.linspace(0.5, 2.0, m))),
    "log_sum_exp": (2.0, lambda m: reductions.log_sum_exp(2.0)),
    "cvar": (0.3, lambda m: reductions.cvar(0.3)),
    "quantile": (0.4, lambda m: reductions.quantile(0.4)),
    "trimmed_mean": (0.2, lambda m: reductions.trimmed_mean(0.2)),
    "power_mean": (3.0, lambda m: reductions.power_mean(3.0)),
    "mean_variance": (0.5, lambda m: reductions.mean_variance(0.5)),
    "group_max": (0.0, lambda m: reductions.group_max(np.arange(m) % 3)),
}


def plain_reduction(name, m):
    """The oracle's form, a function of the losses alone."""
    parameter, _ = REDUCTIONS[name]
    w = np.linspace(0.5, 2.0, m)
    data = {"weighted": w, "weighted_mean": w, "group_max": np.arange(m) % 3}.get(name)
    return lambda L: PLAIN_REDUCTIONS[name](L, parameter, data)


UPDATES = {
    "gradient_descent": (GradientDescent(0.1), plain_updates.gradient_descent, dict(rate=0.1)),
    "momentum": (GradientDescent(0.1, momentum=0.8), plain_updates.gradient_descent, dict(rate=0.1, momentum=0.8)),
    "nesterov": (GradientDescent(0.1, momentum=0.8, nesterov=True, weight_decay=0.01), plain_updates.gradient_descent,
                 dict(rate=0.1, momentum=0.8, nesterov=True, weight_decay=0.01)),
    "adam": (Adam(0.01, weight_decay=0.01), plain_updates.adam, dict(rate=0.01, weight_decay=0.01)),
    "adamw": (AdamW(0.01, weight_decay=0.1), plain_updates.adam, dict(rate=0.01, weight_decay=0.1, decoupled=True)),
    "rmsprop": (RMSprop(0.01, momentum=0.5, weight_decay=0.01), plain_updates.rmsprop,
                dict(rate=0.01, momentum=0.5, weight_decay=0.01)),
}
# builders from settings
SECOND_ORDER = {
    "gauss_newton": lambda **settings: GaussNewton(0.5, damping=0.01, **settings),
    "levenberg_marquardt": LevenbergMarquardt,
    "natural_gradient": lambda **settings: NaturalGradient(0.5, damping=0.01, **settings),
}
# those that choose a penalty: for sums and means of losses alone
EVIDENCE = {"bayesian_regularization": engine.BayesianRegularization}
# updates that take another one inside
WRAPPED = {"private": lambda **settings: Private(Adam(0.01), clip_norm=1.0, noise_multiplier=1.0, seed=0)}
ORDERS = {
    "sequential": lambda samples: "sequential",
    "shuffled": lambda samples: "shuffled",
    "with_replacement": lambda samples: "with_replacement",
    "poisson_sampling": lambda samples: orders.poisson_sampling(0.3),
    "importance": lambda samples: orders.importance(np.arange(1.0, samples + 1)),
    "sharded": lambda samples: orders.sharded(7, block=1),
    "stratified": lambda samples: orders.stratified(np.arange(samples) % 3),
}
# a rate, and η of a few batch time steps by hand
RATES = {
    "constant": (rates.constant(0.1), {0: 0.1, 5: 0.1}),
    "step_decay": (rates.step_decay(1.0, factor=0.5, every=2), {1: 1.0, 2: 0.5, 5: 0.25}),
    "exponential_decay": (rates.exponential_decay(1.0, factor=0.25, every=2), {0: 1.0, 1: 0.5, 2: 0.25}),
    "cosine": (rates.cosine(1.0, steps=10, last=0.1), {0: 1.0, 5: 0.55, 99: 0.1}),
    "warmup": (rates.warmup(1.0, steps=4, after=rates.step_decay(1.0, every=1)), {0: 0.25, 3: 1.0, 4: 1.0, 5: 0.1}),
    "one_cycle": (rates.one_cycle(1.0, steps=100), {0: 1 / 25, 30: 1.0, 100: 1e-4}),
}
CURVATURE = {"ggn": operators.ggn, "fisher": operators.fisher, "empirical_fisher": operators.empirical_fisher,
             "hessian": operators.hessian}
# builders from (network, X, y, cost): every linear operator, and whether it is symmetric
OPERATORS = {
    **{name: (build, True) for name, build in CURVATURE.items()},
    "kfac": (operators.kfac, True),
    "ekfac": (operators.ekfac, True),
    "Jacobian": (lambda network, X, y, cost: operators.Jacobian(network, X), False),
    "LossJacobian": (operators.LossJacobian, False),
    "ntk": (lambda network, X, y, cost: operators.ntk(network, X), True),
    "ntk of two sets": (lambda network, X, y, cost: operators.ntk(network, X, X[:3]), False),
}
# what is no operator, but made of some, with the file that tests it
OF_OPERATORS = {"inverse": "test_inverse", "inverse_product": "test_inverse_product", "leading_eigenvalues": "test_spectra",
                "leading_singular_values": "test_spectra", "ntk_predict": "test_ntk", "ntk_scale": "test_scaled_ntk",
                "ResidualJacobian": "test_residual_jacobian", "spectral_density": "test_spectra", "trace_estimate": "test_spectra"}


def network(widths, names="tanh", dtype=np.float64, seed=0, output="identity"):
    """A network whose biases are not 0."""
    made = engine.Network.initialize(widths, names, seed=seed, dtype=dtype, output=output)
    theta = made.parameters + 0.1 * np.random.default_rng(seed + 1).standard_normal(made.size)
    return made.replace(theta)
