"""g and its derivatives by name, some with parameters, and a user's own (eq. 2 and 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import activation_checks, checks
from .kernels.activations import CODES, CUSTOM, DEFAULTS, ActivationCode, activate
from .kernels.layout import ActivationParameters
from .kernels.second_derivatives import second_derivative
from .kernels.third_derivatives import third_derivative
from .typing import Array

KINKED = {ActivationCode.RELU, ActivationCode.LEAKY_RELU, ActivationCode.SELU, ActivationCode.HARD_TANH,
          ActivationCode.HARD_SIGMOID, ActivationCode.HARD_SWISH}


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
    third_derivative : callable or None
        g‴ of a built-in activation, on arrays; a user's own has none.

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

    @property
    def parameters(self) -> tuple[float, ...]:
        """The numbers that it depends on, such as the slope of a leaky_relu; a user's own has none."""
        return self.function.parameters if isinstance(self.function, _BuiltIn) and self.code >= 0 else ()

    @property
    def third_derivative(self) -> Callable[[Any], Array] | None:
        """g‴ of a built-in activation, 0 at kinks of g, g′ and g″; None for a user's own.

        Second derivatives of a network in its inputs need it where they are differentiated in θ.

        Examples
        --------
        >>> from engine import activations
        >>> activations.named("tanh").third_derivative([0.0, 1.0])
        array([-2.        ,  0.62162668])
        """
        return _BuiltIn(self.code, 3, self.parameters) if self.code >= 0 else None

    @property
    def kinked(self) -> bool:
        """Whether its slope jumps somewhere, as that of relu does at 0. Of a user's own that is not known, and False."""
        return self.code in KINKED or (self.code == ActivationCode.ELU and self.parameters != (1.0,))

    @property
    def label(self) -> str:
        """Its name, with its parameters where they are not the usual ones: "tanh", "leaky_relu", "leaky_relu(0.2)".

        A network can be built from it unless the activation is a user's own.
        """
        usual = self.code < 0 or self.parameters == DEFAULTS.get(ActivationCode(self.code), ())
        return self.name if usual else f"{self.name}({', '.join(map(repr, self.parameters))})"

    def __repr__(self) -> str:
        if self.parameters:
            return f"{self.name}({', '.join(map(repr, self.parameters))})"
        return f"{type(self).__name__}({self.name!r})"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return super().__reduce_ex__(protocol) if self.code < 0 else (named, (self.label,))


@dataclass(frozen=True)
class _BuiltIn:
    """One of g, g′, g″, g‴ of a kernel's code, on arrays of any shape in their own dtype."""

    code: int
    order: int
    parameters: tuple[float, ...] = ()

    def __call__(self, z: ArrayLike) -> Array:
        z = checks.float_array(z, "z")
        flat = np.array(z, order="C").reshape(-1)
        out = np.empty_like(flat)
        parameters = ActivationParameters(*self.parameters, *(0.0, 0.0)[len(self.parameters):])
        if self.order == 2:
            second_derivative(self.code, flat, out, parameters)
        elif self.order == 3:
            third_derivative(self.code, flat, out, parameters)
        elif flat.size:
            activate(self.code, flat, 0, out, 0, flat.size, parameters)
        return (flat if self.order == 0 else out).reshape(z.shape)


def _built_in(name: str, *parameters: float) -> Activation:
    code = CODES[name]
    activation = Activation(name, *(_BuiltIn(code, order, parameters) for order in range(3)))
    object.__setattr__(activation, "code", code)
    return activation


def leaky_relu(slope: float = 0.01) -> Activation:
    """z above 0, slope · z below (Maas et al. 2013); at 0 its derivative is the slope.

    Parameters
    ----------
    slope : float
        Any number; −1 makes it |z|.

    Returns
    -------
    Activation

    Raises
    ------
    ValueError, TypeError
        Where it is no finite number, or has a size outside 1e-8 … 1e8 and is not 0.

    Examples
    --------
    >>> from engine import Network, activations
    >>> activations.leaky_relu(0.2)
    leaky_relu(0.2)
    >>> Network((1, 1), (activations.leaky_relu(0.2),), [1.0, 0.0])([-5.0])
    array([-1.])
    """
    return _built_in("leaky_relu", activation_checks.parameter(slope, "slope"))


def elu(alpha: float = 1.0) -> Activation:
    """z above 0, α (eᶻ − 1) below (Clevert et al. 2016); at 0 its derivative is α and its second derivative 0.

    Parameters
    ----------
    alpha : float
        Any number.

    Returns
    -------
    Activation

    Raises
    ------
    ValueError, TypeError
        Where it is no finite number, or has a size outside 1e-8 … 1e8 and is not 0.

    Examples
    --------
    >>> from engine import activations
    >>> activations.elu(0.5).function([-100.0, 2.0])
    array([-0.5,  2. ])
    """
    return _built_in("elu", activation_checks.parameter(alpha, "alpha"))


def softplus(beta: float = 1.0) -> Activation:
    """log(1 + e^(β z)) / β, which comes nearer to relu the larger β is.

    Parameters
    ----------
    beta : float
        β, from 1e-8 to 1e8.

    Returns
    -------
    Activation

    Raises
    ------
    ValueError, TypeError
        Where it is no such number.

    Examples
    --------
    >>> from engine import activations
    >>> activations.softplus(4.0).function([0.0, 100.0])
    array([  0.1732868, 100.       ])
    """
    return _built_in("softplus", activation_checks.steepness(beta, "beta"))


def hard_tanh(low: float = -1.0, high: float = 1.0) -> Activation:
    """z cut off at low and high; its derivative there is 0.

    Parameters
    ----------
    low, high : float
        low < high; each 0, or of a size from 1e-8 to 1e8.

    Returns
    -------
    Activation

    Raises
    ------
    ValueError, TypeError
        Where they are no such numbers.

    Examples
    --------
    >>> from engine import activations
    >>> activations.hard_tanh(0.0, 6.0).function([-1.0, 3.0, 9.0])
    array([0., 3., 6.])
    """
    return _built_in("hard_tanh", *activation_checks.borders(low, high))


PARAMETRIC = {"leaky_relu": leaky_relu, "elu": elu, "softplus": softplus, "hard_tanh": hard_tanh}
NAMED = {name: PARAMETRIC[name]() if name in PARAMETRIC else _built_in(name) for name in CODES}


def named(activation: str | Activation) -> Activation:
    """The Activation of a name, or of one with parameters such as "leaky_relu(0.2)"; an Activation comes back unchanged."""
    if isinstance(activation, Activation):
        return activation
    return activation_checks.made_by_name(activation, NAMED, PARAMETRIC)
