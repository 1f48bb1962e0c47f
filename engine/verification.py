"""check_derivatives: every derivative of a network and a cost, held against differences."""

from dataclasses import dataclass

import numpy as np

from schedulers import BatchStep

from . import checks
from .backward import evaluate

DIRECTIONS = 3


@dataclass(frozen=True)
class Comparison:
    """One derivative against central differences: the largest error relative to the derivative's size, and what is allowed."""

    name: str
    error: float
    allowed: float

    @property
    def holds(self):
        """Whether the error is allowed."""
        return self.error <= self.allowed


@dataclass(frozen=True)
class DerivativeReport:
    """What `check_derivatives` found: `rows`, a Comparison each, and `holds`, whether all of them do."""

    rows: tuple

    @property
    def holds(self):
        """Whether every derivative agrees with its differences."""
        return all(row.holds for row in self.rows)

    def __str__(self):
        width = max(len(row.name) for row in self.rows)
        lines = [f"{row.name:{width}}  error {row.error:8.1e}  allowed {row.allowed:8.1e}  {'' if row.holds else 'WRONG'}".rstrip()
                 for row in self.rows]
        return "\n".join(lines)


def _compare(name, derivative, function, step):
    """`derivative` against (function(h) − function(−h)) / 2h, relative to the largest of both."""
    derivative = np.asarray(derivative, np.float64)
    difference = (np.asarray(function(step), np.float64) - np.asarray(function(-step), np.float64)) / (2 * step)
    size = max(1.0, np.abs(derivative).max(initial=0), np.abs(difference).max(initial=0))
    error = np.abs(derivative - difference).max(initial=0) / size
    return Comparison(name, float(error), 50 * step**2 + 50 * np.finfo(np.float64).eps / step)


def check_derivatives(network, X, y, cost, *, seed=0):
    """Hold every derivative of a network and a cost against central differences, in float64.

    For users' own activations, losses and reductions as for ours: g′ and g″ of every layer at its z, ∇L, ∇φ, and along
    random directions in each W^l and b^l the Jacobian and D_θ C (eq. 4, 8, 15, 20).

    Parameters
    ----------
    network : Network
        A float32 network is checked with the same θ in float64, where differences have digits to compare.
    X, y : array_like
        As `value_and_gradient` takes them; a few samples suffice. A sample at a kink of g, L or φ shows as an error.
    cost : Cost
    seed : int
        Of the random directions.

    Returns
    -------
    DerivativeReport
        Prints as a table; `.holds` says whether all agree.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network, check_derivatives
    >>> network = Network.initialize((2, 3, 1), "tanh")
    >>> check_derivatives(network, np.ones((4, 2)), np.zeros((4, 1)), Cost("squared_error")).holds
    True
    """
    generator = checks.generator(seed)
    theta = network.parameters.astype(np.float64)
    network = type(network)(network.widths, network.activations, theta)
    X = checks.samples(X, network.widths[0], np.dtype(np.float64))
    targets = cost.targets(y, len(X), network.widths[-1], network.dtype)
    step = BatchStep(0, 0, np.arange(len(X)))
    h = float(np.cbrt(np.finfo(np.float64).eps))
    forward = network.forward(X)
    A, rows = forward.outputs, []
    for l, activation in enumerate(network.activations, 1):
        z = forward.z(l)
        rows.append(_compare(f"layer {l}: {activation.name}, first derivative", activation.derivative(z),
                             lambda e, g=activation.function, z=z: g(z + e), h))
        if activation.second_derivative is not None:
            rows.append(_compare(f"layer {l}: {activation.name}, second derivative", activation.second_derivative(z),
                                 lambda e, g=activation.derivative, z=z: g(z + e), h))
    losses, loss_gradients = cost.losses_and_gradients(A, targets)
    for _ in range(DIRECTIONS):
        d = generator.standard_normal(A.shape)
        rows.append(_compare("loss gradient", (loss_gradients * d).sum(1),
                             lambda e, d=d: cost.losses_and_gradients(A + e * d, targets)[0], h))
        d = generator.standard_normal(len(losses)) * np.abs(losses)
        rows.append(_compare("reduction gradient", cost.reduce(losses)[1] @ d,
                             lambda e, d=d: cost.reduce(losses + e * d)[0], h))
    J, gradient = network.jacobian(X), evaluate(network, X, targets, cost, step)[1]
    for l in range(1, network.depth + 1):
        for name, place in ((f"W^{l}", network._layout.weight_slice(l)), (f"b^{l}", network._layout.bias_slice(l))):
            v = np.zeros(network.size)
            v[place] = generator.standard_normal(v[place].size)
            rows.append(_compare(f"Jacobian along {name}", J @ v,
                                 lambda e, v=v: network._with(theta + e * v)(X).reshape(-1), h))
            rows.append(_compare(f"gradient along {name}", gradient @ v,
                                 lambda e, v=v: evaluate(network._with(theta + e * v), X, targets, cost, step)[0], h))
    return DerivativeReport(tuple(rows))
