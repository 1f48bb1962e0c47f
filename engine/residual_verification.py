"""The derivatives of residuals in the jet, in θ and in unknowns, held against differences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from .cost import Cost
from .differences import EPS, Comparison, along, compare, compare_orders, steps
from .jets.evaluation import value, value_and_gradient
from .jets.passes import JetPasses
from .jets.point_sets import PointSets, SetOfPoints, point_sets
from .jets.residual_pass import ResidualPass, residuals_at
from .jets.unknowns import NetworkWithUnknowns, values_of_unknowns, with_unknowns
from .network import Network, with_parameters
from .rows import samples_and_targets
from .typing import Array

DIRECTIONS = 3


def compared_residuals(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost,
                       generator: np.random.Generator) -> Iterator[Comparison]:
    """Of a float64 network: g′, g″ and g‴ at every layer's z; each set's residual in its jet and unknowns; J and D_θ C along random
    directions in each W^l, b^l and unknown (eq. 4, 20 and 22–25)."""
    network = with_unknowns(network, cost)
    X, targets = samples_and_targets(X, y, network.widths, network.dtype, cost, bounded=False)
    points = point_sets(cost, X, targets, network)
    yield from _activations(network, X[:])
    for s, one in enumerate(points.sets):
        yield from _in_the_jet(f"set {s}: {one.residual.name}", one, network, generator)
    yield from _in_parameters(network, points, cost.without_penalty(), generator)


def _activations(network: Network, X: Array) -> Iterator[Comparison]:
    forward = network.forward(X)
    for l, activation in enumerate(network.activations, 1):
        orders = activation.function, activation.derivative, activation.second_derivative, activation.third_derivative
        yield from compare_orders(f"layer {l}: {activation.label}", forward.z(l), orders)


def _in_the_jet(name: str, one: SetOfPoints, network: Network, generator: np.random.Generator) -> Iterator[Comparison]:
    unknowns = values_of_unknowns(network)
    jets = JetPasses(network, one.X, one.components).jets()
    _, seeds, slopes = one.values_and_slopes(jets, unknowns)
    scale = np.abs(jets).max((1, 2))
    scale[scale == 0] = 1
    for _ in range(DIRECTIONS):
        d = generator.standard_normal(jets.shape)
        slope = np.einsum("mqkn,mkn->mq", seeds, d)
        noise = EPS * np.einsum("mqkn,mkn->mq", np.abs(seeds), np.abs(jets))
        yield compare(f"{name}, in the jet", slope, along(lambda A: one.values(A, unknowns), jets, d),
                      [np.reshape(h, (-1, 1)) for h in steps(scale)], noise)
    for k, unknown in enumerate(one.names):
        assert unknowns is not None
        at = unknowns[unknown]
        yield compare(f"{name}, in {unknown}", slopes[:, :, k],
                      along(lambda p, unknown=unknown: one.values(jets, unknowns | {unknown: float(p[0])}), np.array([at]),
                            np.ones(1)), steps(abs(at)))


def _in_parameters(network: Network, points: PointSets, cost: Cost, generator: np.random.Generator) -> Iterator[Comparison]:
    theta, layout = np.array(network.parameters), network.kernels.layout
    J, gradient = ResidualPass(network, points), value_and_gradient(network, points, cost)[1]
    parts = [(f"{kind}^{l}", where(l)) for l in range(1, network.depth + 1)
             for kind, where in (("W", layout.weight_slice), ("b", layout.bias_slice))]
    if isinstance(network, NetworkWithUnknowns):
        parts += [(name, slice(layout.size + k, layout.size + k + 1)) for k, name in enumerate(network.names)]
    rounding = EPS * J.size_of_terms()
    for name, place in parts:
        v = np.zeros(network.size)
        size = max(float(np.abs(theta[place]).max()), 1e-3)
        v[place] = generator.standard_normal(v[place].size) * size
        residuals = along(lambda t: residuals_at(with_parameters(network, t), points).reshape(-1), theta, v)
        yield compare(f"Jacobian along {name}", J.product(v).reshape(-1), residuals, steps(1.0), rounding)
        costs = along(lambda t: value(with_parameters(network, t), points, cost), theta, v)
        yield compare(f"gradient along {name}", gradient @ v, costs, steps(1.0), 16 * EPS * size * np.abs(gradient[place]).sum())
