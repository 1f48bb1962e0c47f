"""check_derivatives: every derivative of a network and a cost, held against differences."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from schedulers import BatchStep

from . import checks, object_checks
from .cost import Cost
from .differences import EPS, Comparison, DerivativeReport, along, compare, compare_orders, steps
from .evaluation import evaluate
from .jets.point_sets import of_jets
from .network import Network, with_parameters
from .penalties import Ridge
from .residual_verification import compared_residuals
from .typing import Array

DIRECTIONS = 3


def check_derivatives(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, *,
                      seed: int | np.random.Generator = 0) -> DerivativeReport:
    """Hold every derivative of a network and a cost against central differences, in float64.

    Each number is judged by its own size, at any scale of inputs, parameters and values: of many steps the one is taken at which
    its difference depends least on the step and on rounding.

    For users' own activations, losses and reductions as for ours: g′ and g″ of every layer at its z, ∇L, ∇φ, and along
    random directions in each W^l and b^l the Jacobian and D_θ C (eq. 4, 8, 15, 20). D_θ C has the gradient of a penalty, which is
    also held against differences by itself, and its second derivatives against differences of that.

    Parameters
    ----------
    network : Network
        A float32 network is checked with the same θ in float64, where differences have digits to compare.
    X, y : array_like
        As `value_and_gradient` takes them; a few samples suffice. A sample at a kink of g, L or φ shows as an error. Each
        derivative takes some fifty calls.
    cost : Cost
    seed : int
        Of the random directions.

    Returns
    -------
    DerivativeReport
        Prints as a table; `.holds` says whether all agree.

    Raises
    ------
    ValueError, TypeError
        Where X and y do not fit the network, the loss or each other; where outputs or losses are not finite.

    See Also
    --------
    Loss, Reduction, Activation : Of one's own.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network, check_derivatives
    >>> network = Network.initialize((2, 3, 1), "tanh")
    >>> check_derivatives(network, np.ones((4, 2)), np.zeros((4, 1)), Cost("squared_error")).holds
    True
    """
    object_checks.cost(cost, Cost, penalised=True, residuals=True)
    object_checks.network(network, Network, unknowns=of_jets(cost))
    generator = checks.generator(seed)
    if of_jets(cost):
        rows = list(compared_residuals(network.astype(np.float64), X, y, cost, generator))
        penalty = [] if cost.penalty is None else _penalty_rows(network.astype(np.float64), cost.penalty,
                                                                generator.standard_normal(network.size))
        return DerivativeReport(tuple(rows + penalty))
    theta = network.parameters.astype(np.float64)
    network = type(network)(network.widths, network.activations, theta)
    X = checks.samples(X, network.widths[0], np.dtype(np.float64))
    targets = cost.targets(y, len(X), network.widths[-1], network.dtype)
    step = BatchStep(0, 0, np.arange(len(X)))
    forward = network.forward(X)
    A, rows = checks.finite(forward.outputs, "the network's outputs"), []
    for l, activation in enumerate(network.activations, 1):
        orders = activation.function, activation.derivative, activation.second_derivative
        rows += compare_orders(f"layer {l}: {activation.label}", forward.z(l), orders)
    losses, loss_gradients = cost.losses_and_gradients(A, targets)
    checks.finite(losses, "the losses")
    scale = np.abs(A).max(1)
    scale[scale == 0] = 1
    for _ in range(DIRECTIONS):
        d = generator.standard_normal(A.shape)
        rows.append(compare("loss gradient", (loss_gradients * d).sum(1),
                             along(lambda A: cost.losses_and_gradients(A, targets)[0], A, d), steps(scale),
                             EPS * np.abs(loss_gradients * A).sum(1)))
        d, slopes = generator.standard_normal(len(losses)) * np.abs(losses), cost.reduce(losses)[1]
        rows.append(compare("reduction gradient", slopes @ d, along(lambda L: cost.reduce(L)[0], losses, d), steps(1.0),
                             EPS * np.abs(slopes * losses).sum()))
    J, gradient, layout = network.jacobian(X), evaluate(network, X, targets, cost, step)[1], network.kernels.layout
    for l in range(1, network.depth + 1):
        z, a, W = (np.abs(values).max() for values in (forward.z(l), forward.a(l - 1), network.weight(l)))
        z = z if z > 0 else 1.0
        W = W if W > 0 else z / a if a > 0 else 1.0
        widths = [h / z for h in steps(z)]
        for name, place, size in ((f"W^{l}", layout.weight_slice(l), W), (f"b^{l}", layout.bias_slice(l), z)):
            v = np.zeros(network.size)
            v[place] = generator.standard_normal(v[place].size) * size
            product = J @ v
            rows.append(compare(f"Jacobian along {name}", product,
                                 along(lambda t: with_parameters(network, t)(X).reshape(-1), theta, v), widths,
                                 16 * EPS * np.abs(product).max()))
            rows.append(compare(f"gradient along {name}", gradient @ v,
                                 along(lambda t: evaluate(with_parameters(network, t), X, targets, cost, step)[0], theta, v),
                                 widths, 16 * EPS * size * np.abs(gradient[place]).sum()))
    if cost.penalty is not None:
        rows += _penalty_rows(network, cost.penalty, generator.standard_normal(network.size))
    return DerivativeReport(tuple(rows))


def _penalty_rows(network: Network, penalty: Ridge, d: Array) -> list[Comparison]:
    """A penalty's gradient and second derivatives along d [P]."""
    theta, size = network.parameters, max(float(np.abs(network.parameters).max()), EPS)

    def at(t: Array) -> tuple[float, Array]:
        gradient = np.zeros(network.size)
        return float(penalty.add(with_parameters(network, t), gradient)), gradient

    gradient, second = at(theta)[1], penalty.curvature(network) * d
    return [compare(f"{penalty!r}, gradient", gradient @ d, along(lambda t: at(t)[0], theta, d), steps(size),
                     16 * EPS * size * np.abs(gradient).sum()),
            compare(f"{penalty!r}, second derivative", second, along(lambda t: at(t)[1], theta, d), steps(size),
                     16 * EPS * np.abs(second).max() * size)]
