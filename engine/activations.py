"""g, g′ and g″ by name, and a user's own (eq. 2 and 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import checks
from .kernels.activations import CODES, CUSTOM, activate
from .kernels.second_derivatives import second_derivative
from .typing import Array


@dataclass(frozen=True)
class Activation:
    """An elementwise activation g with its derivatives (paper §1, eq. 2 and 4).

    Parameters
    ----------
    name : str
        What a network's description and error messages call it.
    function, derivative : callable
        g and g′, vectorised over arrays: NumPy or compiled by Numba; called with z [m, n_l].
    second_derivative : callable, optional
        g″; only second derivatives of a cost need it.

    Attributes
    ----------
    code : int
        What the kernels know it by; a user's own has −1.

    See Also
    --------
    Network : Takes one for each layer.
    check_derivatives : Whether its derivatives agree with differences.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Activation, Network
    >>> cube = Activation("cube", lambda z: z**3, lambda z: 3 * z**2, lambda z: 6 * z)
    >>> Network((1, 1), (cube,), np.array([2.0, 0.0]))(np.array([[1.0]]))
    array([[8.]])
    """

    name: str
    function: Callable[[Any], Array]
    derivative: Callable[[Any], Array]
    second_derivative: Callable[[Any], Array] | None = None
    code: int = field(default=CUSTOM, init=False, compare=False)

    def __post_init__(self) -> None:
        checks.user_functions("Activation", function=self.function, derivative=self.derivative)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class _BuiltIn:
    """One of g, g′, g″ of a kernel's code, on arrays of any shape in their own dtype."""

    def __init__(self, code: int, order: int) -> None:
        self.code, self.order = code, order

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __call__(self, z: ArrayLike) -> Array:
        z = checks.float_array(z, "z")
        flat = np.array(z, order="C").reshape(-1)
        out = np.empty_like(flat)
        if self.order == 2:
            second_derivative(self.code, flat, out)
        elif flat.size:
            activate(self.code, flat, 0, out, 0, flat.size)
        return (flat if self.order == 0 else out).reshape(z.shape)


def _built_in(name: str, code: int) -> Activation:
    activation = Activation(name, _BuiltIn(code, 0), _BuiltIn(code, 1), _BuiltIn(code, 2))
    object.__setattr__(activation, "code", code)
    return activation


NAMED = {name: _built_in(name, code) for name, code in CODES.items()}


def named(activation: str | Activation) -> Activation:
    """The Activation of a name; an Activation comes back unchanged."""
    return activation if isinstance(activation, Activation) else NAMED[checks.activation_name(activation, NAMED)]
