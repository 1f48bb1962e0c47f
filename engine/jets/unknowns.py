"""Unknown numbers of an equation, fitted with θ: a network whose parameters they follow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .. import checks, network_checks
from ..cost import Cost
from ..network import Network
from ..typing import Array, Indices, Mask, Path
from . import pass_checks
from .residual_loss import ResidualLoss


class NetworkWithUnknowns(Network):
    """A network and the unknowns of an equation: its parameters are (θ, κ_1, …, κ_U), its predictions and jets those of θ.

    `engine.fit` makes one of a network and a cost whose residuals have unknowns.

    Parameters
    ----------
    network : Network
        Where θ begins.
    unknowns : dict
        Names and values.

    Attributes
    ----------
    names : tuple of str
        Of the unknowns, in the order in which they follow θ.

    See Also
    --------
    engine.Residual : Names the unknowns.
    engine.standard_errors : How well they are known.

    Examples
    --------
    >>> from engine import Network
    >>> from engine.jets import NetworkWithUnknowns
    >>> network = NetworkWithUnknowns(Network.initialize((1, 2, 1), "tanh"), {"kappa": 1.0})
    >>> network.size, network.unknowns
    (8, {'kappa': 1.0})
    """

    names: tuple[str, ...]

    def __init__(self, network: Network, unknowns: dict[str, float]) -> None:
        self._widths, self._activations, self.names = network.widths, network.activations, tuple(unknowns)
        values = [checks.finite_number(value, f"unknowns[{name!r}]") for name, value in unknowns.items()]
        self._take(network, np.concatenate([network.kernels.theta, np.array(values, network.dtype)]))

    def _take(self, network: Network, parameters: Array) -> None:
        """Have `parameters` [P + U], and the rest as `network` has it."""
        self._own(network.kernels.at(parameters[:len(parameters) - len(self.names)]))
        self._parameters = parameters.view()
        self._parameters.flags.writeable = False

    def _at(self, parameters: Array) -> NetworkWithUnknowns:
        """The same with other parameters [P + U], which were checked before and are not copied."""
        made = object.__new__(NetworkWithUnknowns)
        made._widths, made._activations, made.names = self._widths, self._activations, self.names
        made._take(self, parameters)
        return made

    @property
    def size(self) -> int:
        """P + U."""
        return super().size + len(self.names)

    @property
    def unknowns(self) -> dict[str, float]:
        """The unknowns' values by name."""
        return dict(zip(self.names, self._parameters[super().size:].tolist()))

    @property
    def network(self) -> Network:
        """The network of θ alone."""
        return Network(self._widths, self._activations, self.kernels.theta)

    def astype(self, dtype: DTypeLike) -> NetworkWithUnknowns:
        """The same with θ and the unknowns rounded to another dtype."""
        found = checks.float_dtype(dtype)
        return self if found == self.dtype else self._at(checks.cast(np.array(self._parameters), found, "parameters"))

    def save(self, path: Path) -> None:
        """Refused: a network's file holds θ alone. Save `.network`, and keep `.unknowns` beside it."""
        pass_checks.no_file_for_unknowns(self.names)

    def __reduce__(self) -> tuple[Any, ...]:
        return NetworkWithUnknowns, (self.network, self.unknowns)

    def __repr__(self) -> str:
        told = ", ".join(f"{name} = {value:.6g}" for name, value in self.unknowns.items())
        return f"NetworkWithUnknowns({'-'.join(map(str, self._widths))}, {self.dtype}, P = {super().size}, {told})"

    def _settings(self) -> tuple[Any, ...]:
        return *super()._settings(), self.names


def unknowns_of(cost: Cost) -> dict[str, float]:
    """The unknowns of a cost of residuals with their first values; none of any other cost."""
    loss = cost.loss
    return dict(pair for residual in loss.residuals for pair in residual.unknowns) if isinstance(loss, ResidualLoss) else {}


def with_unknowns(network: Any, cost: Any) -> Any:
    """The network with the unknowns of the cost's residuals beside it, at their first values; as it is where there are none, or
    where it has them already. One that has others is refused."""
    if not isinstance(network, Network) or not isinstance(cost, Cost):
        return network
    found = unknowns_of(cost)
    if isinstance(network, NetworkWithUnknowns):
        pass_checks.same_unknowns(network.names, tuple(found))
        return network
    return NetworkWithUnknowns(network, found) if found else network


def trainable_with_unknowns(mask: ArrayLike | None, network: Network) -> Mask:
    """A mask over θ and the unknowns; of one over θ alone the unknowns are trainable."""
    count = len(network.names) if isinstance(network, NetworkWithUnknowns) else 0
    if mask is not None and count and np.shape(mask) == (network.size - count,):
        return np.concatenate([network_checks.trainable(mask, network.size - count), np.ones(count, np.bool_)])
    return network_checks.trainable(mask, network.size)


def values_of_unknowns(network: Network) -> dict[str, float] | None:
    """The unknowns of a network that has some, else None."""
    return network.unknowns if isinstance(network, NetworkWithUnknowns) else None


def columns_of(names: tuple[str, ...], network: Network) -> Indices:
    """Where unknowns stand among a network's parameters; nowhere where it has none."""
    if not isinstance(network, NetworkWithUnknowns):
        return np.empty(0, np.int64)
    first = network.kernels.layout.size
    return np.array([first + network.names.index(name) for name in names], np.int64)
