"""What JAX and Flax call activations: names, and the functions themselves where JAX is in use."""

from __future__ import annotations

import functools
import sys
from typing import Any

from .activation_forms import Form, made, plain

NAMES: dict[str, Form] = {  # beside our own
    "swish": plain("silu"), "soft_sign": plain("softsign"), "hard_silu": plain("hard_swish"), "relu6": ("hard_tanh", (0.0, 6.0))}
FUNCTIONS: dict[str, str] = {  # of jax.nn
    "identity": "identity", "tanh": "tanh", "sigmoid": "sigmoid", "relu": "relu", "leaky_relu": "leaky_relu", "elu": "elu",
    "selu": "selu", "softplus": "softplus", "gelu": "gelu_tanh", "silu": "silu", "swish": "silu", "soft_sign": "softsign",
    "hard_tanh": "hard_tanh", "mish": "mish", "hard_sigmoid": "hard_sigmoid", "hard_swish": "hard_swish", "hard_silu": "hard_swish",
    "log_sigmoid": "log_sigmoid", "relu6": "relu6"}
OF_NUMPY = {"tanh": "tanh", "sin": "sin", "cos": "cos", "exp": "exp"}  # of jax.numpy
PARAMETERS = {("leaky_relu", "negative_slope"): "leaky_relu", ("elu", "alpha"): "elu"}


def named_by_jax(activations: Any) -> Any:
    """Activations as our names, or Activations, where they are functions or names of JAX's; anything else comes back unchanged."""
    if isinstance(activations, (tuple, list)):
        return [named_by_jax(activation) for activation in activations]
    if isinstance(activations, str):
        return made(NAMES[activations]) if activations in NAMES else activations
    function, given = activations, {}
    if type(activations) is functools.partial and not activations.args:
        function, given = activations.func, activations.keywords
    name = _known(function)
    if name is None:
        return activations
    if name == "gelu_tanh" and given.keys() <= {"approximate"}:
        return "gelu_tanh" if given.get("approximate", True) else "gelu"
    if not given:
        return made(NAMES[name] if name in NAMES else plain(name))
    (key, value), *more = given.items()
    parametric = PARAMETERS.get((name, key))
    return activations if more or parametric is None else made((parametric, (value,)))


def _known(function: Any) -> str | None:
    """Our name of a function of jax.nn or jax.numpy; None for any other, or where JAX was never imported."""
    for module, names in (("jax.nn", FUNCTIONS), ("jax.numpy", OF_NUMPY)):
        found = sys.modules.get(module)
        for theirs, ours in names.items():
            if found is not None and function is getattr(found, theirs, None):
                return ours
    erf = getattr(sys.modules.get("jax.lax"), "erf", None)
    return "erf" if erf is not None and function in (erf, getattr(sys.modules.get("jax.scipy.special"), "erf", erf)) else None
