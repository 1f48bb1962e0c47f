"""torch: from a module of dense layers to a Network, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .. import object_checks
from ..extras import imported
from ..network import Network
from . import checks
from .activation_forms import Form, forms
from .torch_layers import THRESHOLD, read_layers
from .torch_names import layer_names

PURPOSE = "engine.interop.torch"


def from_torch(module: Any, dtype: DTypeLike | None = None) -> Network:
    """The Network that computes what a torch module computes in eval; its numbers are copied.

    Parameters
    ----------
    module : torch.nn.Module
        An nn.Linear, or an nn.Sequential, nested or not, of nn.Linear, activations, nn.Dropout, nn.Identity and nn.BatchNorm1d,
        which may begin with an nn.Flatten. The module is taken as it is in eval, whatever `module.training` says: dropout does
        nothing, and a BatchNorm1d is folded into the Linear before it. After an nn.Flatten the Network takes X flattened,
        ``X.reshape(m, -1)``. A Linear with ``bias=False`` has b = 0; ``network.mask(biases=False)`` as `trainable=` keeps them so.
    dtype : float32 or float64, optional
        By default that of the parameters.

    Returns
    -------
    Network
        θ is ``parameters_to_vector(module.parameters())`` where every Linear has a bias and nothing was folded.

    Raises
    ------
    ValueError, TypeError
        Where a layer is none of these; the error names it by torch's path (``2.1: Softmax``) and says what to do. Subclasses, hooks
        and replaced `forward` functions are refused, for they may be any code; none of it is called.
    ModuleNotFoundError
        Where torch is not installed.

    See Also
    --------
    to_torch

    Notes
    -----
    `nn.Softplus` is z itself above its threshold of 20, where ours goes on; they differ by 2e-9 at most.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from engine.interop.torch import from_torch
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(0.01), nn.Dropout(0.5), nn.Linear(8, 3))
    >>> from_torch(model)
    Network(4-8-3, (leaky_relu, identity), float32, P = 67)
    >>> from_torch(nn.Sequential(nn.Linear(4, 3), nn.Softmax(-1)))
    Traceback (most recent call last):
    ...
    ValueError: module cannot become a Network: 1: Softmax: it is no function of one number; leave it out, for the loss \
takes logits: Cost('softmax_cross_entropy')
    """
    found = checks.optional_dtype(dtype)
    return Network.from_layers(read_layers(module, found), found)


def to_torch(network: Network) -> Any:
    """An nn.Sequential that computes what the network computes.

    Parameters
    ----------
    network : Network
        With activations that have names; a user's own cannot be turned into a module.

    Returns
    -------
    torch.nn.Sequential
        An nn.Linear for each layer, each followed by its activation unless that is the identity. The parameters are copies:
        training the module leaves the network as it is. ``parameters_to_vector(module.parameters())`` is θ. sin, cos, exp, erf and
        gaussian, for which torch has no module, are of the class `engine.interop.elementwise.Elementwise`.

    Raises
    ------
    ValueError, TypeError
        Where an activation is a user's own, or `network` is no Network.
    ModuleNotFoundError
        Where torch is not installed.

    See Also
    --------
    from_torch, state_dict

    Examples
    --------
    >>> from engine import Network
    >>> from engine.interop.torch import to_torch
    >>> to_torch(Network.initialize((2, 3, 1), "tanh"))
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): Tanh()
      (2): Linear(in_features=3, out_features=1, bias=True)
    )
    """
    network = object_checks.network(network, Network)
    nn = imported("torch", PURPOSE).nn
    modules = []
    for l, found in enumerate(forms(network, "a torch module"), 1):
        linear = nn.Linear(network.widths[l - 1], network.widths[l], device="meta")  # which draws no random numbers
        linear.weight, linear.bias = nn.Parameter(_tensor(network.weight(l))), nn.Parameter(_tensor(network.bias(l)))
        modules.append(linear)
        if found[0] != "identity":
            modules.append(_module(nn, found))
    return nn.Sequential(*modules)


def state_dict(network: Network, v: ArrayLike | None = None) -> dict[str, Any]:
    """Parameters, or whatever has a number for each of them, by the names that torch gives them.

    Parameters
    ----------
    network : Network
    v : array_like [..., P], optional
        A gradient [P], say, or the rows of a Jacobian [m n, P]; θ by default. It is cast to the network's dtype.

    Returns
    -------
    dict of str to torch.Tensor
        ``"0.weight"`` [..., n_1, n_0], ``"0.bias"`` [..., n_1], ``"2.weight"``, …: copies, in the order of θ, with the names of
        ``to_torch(network).state_dict()``.

    Raises
    ------
    ValueError, TypeError
        Where the last axis of `v` has not P entries.
    ModuleNotFoundError
        Where torch is not installed.

    Examples
    --------
    >>> from engine import Network
    >>> from engine.interop.torch import state_dict
    >>> network = Network.initialize((2, 3, 1), "tanh")
    >>> {name: tuple(values.shape) for name, values in state_dict(network).items()}
    {'0.weight': (3, 2), '0.bias': (3,), '2.weight': (1, 3), '2.bias': (1,)}
    """
    network = object_checks.network(network, Network)
    parts = network.unflatten(network.parameters if v is None else v)
    named = {}
    for name, (W, b) in zip(layer_names(network.activations), parts):
        named[f"{name}.weight"], named[f"{name}.bias"] = (_tensor(part.astype(network.dtype)) for part in (W, b))
    return named


def _tensor(values: Any) -> Any:
    """A tensor of its own memory."""
    return imported("torch", PURPOSE).from_numpy(np.array(values))


def _module(nn: Any, found: Form) -> Any:
    """The module of an activation's form."""
    from .elementwise import FUNCTIONS, Elementwise

    name, parameters = found
    if name in FUNCTIONS:
        return Elementwise(name)
    if name == "hard_tanh" and parameters == (0.0, 6.0):
        return nn.ReLU6()
    build = {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "elu": nn.ELU, "selu": nn.SELU,
             "softplus": lambda beta: nn.Softplus(beta, THRESHOLD), "gelu": nn.GELU, "gelu_tanh": lambda: nn.GELU("tanh"),
             "silu": nn.SiLU, "softsign": nn.Softsign, "hard_tanh": nn.Hardtanh, "mish": nn.Mish, "hard_sigmoid": nn.Hardsigmoid,
             "hard_swish": nn.Hardswish, "log_sigmoid": nn.LogSigmoid}
    return build[name](*parameters)
