"""Checks of what is asked of jets: of a network's activations, and of settings that are not served."""

from __future__ import annotations

from typing import Any, TypeVar

from ..network import Network
from ..object_checks import shown
from .components import Components

Kind = TypeVar("Kind")


def differentiable(network: Network, components: Components) -> None:
    """Refuse activations of one's own, of whose g‴ kernels know nothing, and a slope that jumps under a second derivative."""
    for l, activation in enumerate(network.activations, 1):
        if activation.code < 0:
            raise ValueError(f"derivatives in the inputs need built-in activations, but layer {l}'s is {activation!r}, whose g‴ is "
                             "not known; take a smooth one such as 'tanh', 'sin', 'gelu' or 'softplus'")
        if components.forms and activation.kinked:
            raise ValueError(f"second derivatives in the inputs need smooth activations, but layer {l}'s is {activation.label}, "
                             "whose slope jumps and whose second derivative is 0 or infinite; take one such as 'tanh', 'sin', "
                             "'gelu' or 'softplus'")


def without_slabs(max_bytes: int | None) -> None:
    """Refuse a bound on memory, of which passes of jets know nothing yet."""
    if max_bytes is not None:
        raise ValueError(f"max_bytes must be None for a cost of residuals, but is {max_bytes}: their points do not pass in slabs "
                         "yet; leave it out, or give fit smaller batches")


def propagated(name: str, second: str | None, serving: tuple[str, ...]) -> None:
    """Refuse to give second derivatives that were not propagated."""
    if second not in serving:
        raise ValueError(f"{name} was not propagated: the jet was made with second={second!r}; make it with "
                         f"second={' or '.join(map(repr, serving))}")


def same_unknowns(names: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    """Refuse a network whose unknowns are of another equation."""
    if not set(wanted) <= set(names):
        raise ValueError(f"network must have the unknowns of the cost's residuals, {', '.join(map(repr, wanted))}, but has "
                         f"{', '.join(map(repr, names))}; pass its .network, beside which they are set to their first values")


def has_unknowns(network: Any, kind: type[Kind]) -> Kind:
    """A network with unknowns of an equation beside θ."""
    if not isinstance(network, kind):
        raise ValueError("network must have unknowns, as fit gives it for a cost whose engine.Residual names some, but is "
                         f"{shown(network)}; pass fit(...).network")
    return network


def no_file_for_unknowns(names: tuple[str, ...]) -> None:
    """Refuse to write a network's file that would lose its unknowns."""
    raise ValueError(f"a network's file holds θ alone, and not the unknowns {', '.join(names)}; save its .network, and keep its "
                     ".unknowns beside it")
