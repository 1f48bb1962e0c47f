"""What torch calls the parameters of a network that stands as an nn.Sequential."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..activations import Activation


def layer_names(activations: Sequence[Activation]) -> Iterator[str]:
    """The names of the Linear of layers 1 … L in an nn.Sequential in which each is followed by its activation, unless that is the
    identity.

    Examples
    --------
    >>> from engine import Network
    >>> from engine.interop.torch_names import layer_names
    >>> list(layer_names(Network.initialize((2, 3, 3, 1), ("tanh", "identity", "tanh")).activations))
    ['0', '2', '3']
    """
    place = 0
    for activation in activations:
        yield str(place)
        place += 1 if activation.name == "identity" else 2
