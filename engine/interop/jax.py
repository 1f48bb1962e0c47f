"""JAX: from a tree of parameters, Flax's or any other, to a Network, and back. Trees of NumPy arrays need no JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .. import object_checks
from ..activations import Activation
from ..network import Network
from . import checks
from .jax_activations import named_by_jax
from .jax_trees import Leaf, layers_of, rebuilt


def from_tree(tree: Any, activations: str | Activation | Callable[..., Any] | Sequence[str | Activation | Callable[..., Any]], *,
              output: str | Activation | Callable[..., Any] = "identity", dtype: DTypeLike | None = None) -> Network:
    """The Network of a tree of parameters; they are copied.

    Parameters
    ----------
    tree : tree of arrays
        The layers in a sequence, or in a mapping by names that differ in their numbers alone, which are the order of the layers:
        ``Dense_0``, …, ``Dense_9``, ``Dense_10``. Mappings may be nested and begin with ``"params"``, as Flax has them, Linen's and
        ``nnx.to_pure_dict(nnx.state(model, nnx.Param))``. A layer is a mapping of ``kernel`` (or ``w``) and ``bias`` (or ``b``), a
        pair (kernel, bias), or a kernel alone. A kernel is [n_{l−1}, n_l], as for ``x @ kernel + bias``: the transpose of W^l.
        Where yours is [n_l, n_{l−1}] give ``[(W.T, b) for W, b in tree]``. Without a bias b = 0.
    activations : sequence of str, Activation or function of jax.nn, or one for all hidden layers
        g^1 … g^L. Names are ours, in which "gelu" is the exact form; a function of `jax.nn`, which Flax has too, is what JAX makes
        of it, so that ``jax.nn.gelu`` is our "gelu_tanh", and so is a `functools.partial` of one. "swish", "soft_sign", "hard_silu"
        and "relu6" are understood too.
    output : str, Activation or function of jax.nn
        g^L where `activations` is a single one.
    dtype : float32 or float64, optional
        By default that of the arrays.

    Returns
    -------
    Network

    Raises
    ------
    ValueError, TypeError
        Where the tree holds anything else, its names say no order, or shapes do not fit; the error names the place in the tree.

    See Also
    --------
    to_tree

    Examples
    --------
    >>> import numpy as np
    >>> from engine.interop.jax import from_tree
    >>> params = {"params": {"Dense_0": {"kernel": np.ones((2, 3)), "bias": np.zeros(3)}, "Dense_1": {"kernel": np.ones((3, 1))}}}
    >>> from_tree(params, "relu")
    Network(2-3-1, (relu, identity), float64, P = 13)
    >>> from_tree([(np.ones((2, 3)), np.zeros(3)), (np.ones((3, 1)), np.zeros(1))], ("tanh", "sin")).activations
    (Activation('tanh'), Activation('sin'))
    """
    found = checks.optional_dtype(dtype)
    leaves = layers_of(tree)
    given = named_by_jax(activations)
    spread = checks.spread_activations(given, named_by_jax(output), len(leaves))
    arrays = [(leaf.kernel_array(found), leaf.bias_array(found)) for leaf in leaves]
    checks.chained("tree", [(leaf.place, kernel.shape, None if bias is None else bias.shape)
                            for leaf, (kernel, bias) in zip(leaves, arrays)])
    return Network.from_layers([(kernel.T, bias, activation) for (kernel, bias), activation in zip(arrays, spread)], found)


def to_tree(network: Network, v: ArrayLike | None = None, like: Any = None) -> Any:
    """Parameters, or whatever has a number for each of them, as a tree.

    Parameters
    ----------
    network : Network
    v : array_like [P], optional
        A gradient, say; θ by default.
    like : tree, optional
        A tree that `from_tree` reads, with the network's shapes, such as what Flax's ``model.init`` gave.

    Returns
    -------
    tree
        By default ``[(kernel [n_0, n_1], bias [n_1]), …]`` of new NumPy arrays in the network's dtype, for ``x @ kernel + bias``.
        Otherwise a new tree with the structure of `like`, each array of the kind (NumPy's or JAX's) and dtype that it has there. A
        layer of `like` without a bias has none in the result: that part of `v` is left out.

    Raises
    ------
    ValueError, TypeError
        Where `v` has not shape [P], `like` has other layers than the network, or it lacks a bias that in the network is not 0.
    ModuleNotFoundError
        Where `like` holds arrays of JAX's and JAX is not installed.

    See Also
    --------
    from_tree

    Examples
    --------
    >>> from engine import Network
    >>> from engine.interop.jax import to_tree
    >>> network = Network.initialize((2, 3, 1), "tanh")
    >>> [(kernel.shape, bias.shape) for kernel, bias in to_tree(network)]
    [((2, 3), (3,)), ((3, 1), (1,))]
    >>> like = {"params": {f"Dense_{l}": {"kernel": kernel} for l, (kernel, bias) in enumerate(to_tree(network))}}
    >>> list(to_tree(network, like=like)["params"]["Dense_1"])
    ['kernel']
    """
    network = object_checks.network(network, Network)
    values = checks.parameter_vector(network.parameters if v is None else v, network.size, network.dtype)
    parts = [(np.array(W.T, order="C"), np.array(b)) for W, b in network.unflatten(values)]
    if like is None:
        return parts
    leaves: list[Leaf] = layers_of(like, "like")
    checks.same_layers(leaves, parts, v is None)
    return rebuilt(leaves, parts, like)
