"""An activation as a name and its parameters, the form in which a partner's are compared with ours."""

from __future__ import annotations

from ..activations import NAMED, PARAMETRIC, Activation, named
from ..network import Network
from . import checks

Form = tuple[str, tuple[float, ...]]


def plain(name: str) -> Form:
    """The form of a plain name, with the parameters that it stands for.

    Examples
    --------
    >>> from engine.interop.activation_forms import plain
    >>> plain("tanh"), plain("hard_tanh")
    (('tanh', ()), ('hard_tanh', (-1.0, 1.0)))
    """
    return name, NAMED[name].parameters


def form(activation: str | Activation) -> Form | None:
    """The form of an activation of ours; None for a user's own."""
    found = named(activation)
    if found.code < 0:
        return None
    return found.name, found.parameters


def forms(network: Network, partner: str) -> list[Form]:
    """The forms of a network's activations, layer by layer; a user's own is refused."""
    return [checks.known_activation(form(activation), l, activation.name, partner)
            for l, activation in enumerate(network.activations, 1)]


def made(wanted: Form) -> str | Activation:
    """What a Network takes for a form: a plain name where that says it all, and otherwise an Activation with parameters.

    Raises
    ------
    ValueError
        Where a parameter is none that the activation takes.
    """
    name, parameters = wanted
    if wanted == plain(name):
        return name
    return PARAMETRIC[name](*parameters)
