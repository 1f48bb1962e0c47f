"""Residuals r(x, u, ∂u, ∂²u) of a network's derivatives in its inputs, and their derivatives in what they read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..checks import function_name, user_functions, whole_number
from ..typing import Array
from . import checks
from .carried import Carried, Trace
from .components import Components, Entry, ordered
from .point_jet import PointJet, laplacian, reading, recording, told

Pieces = list[Any]  # of a residual, q of them: Carried or arrays [m]


class _Named(dict[str, Any]):
    """Unknowns by name."""

    def __missing__(self, name: object) -> Any:
        checks.no_unknown(name, self)


class _First(NamedTuple):
    """What a first call finds: the components, what was read of which output, and whether r is linear in it."""

    components: Components
    read: frozenset[tuple[Entry, int]]
    linear: bool


@dataclass(frozen=True, repr=False)
class Residual:
    """A residual r of a network u and its derivatives in the inputs: a differential equation, a boundary condition, a measurement.

    The loss of a point is ½ |r|². The derivatives of r in what it reads of u are carried along by the chain rule as the function
    computes r, and only what it reads is propagated through the network: a first call, with ones in place of u, finds what that is.

    Parameters
    ----------
    function : callable
        ``function(x, u)`` → r of all points at once, for x [m, n_0] and what u offers, each [m]: ``u.value``, ``u.d(i)`` and
        ``u.d(i, j)`` for first and second derivatives, ``u.laplacian()`` and ``u.laplacian(axes)``, ``u.divergence()`` and
        ``u.divergence(axes)``; of a network with several outputs ``u[k].value`` and so on. r is [m]; where `outputs` is more than
        one, a tuple of so many arrays [m], or an array [m, outputs]. The function may use ``+ - * / **``, comparisons,
        ``numpy.where`` and NumPy's sin, cos, tan, exp, expm1, log, log1p, tanh, sinh, cosh, arctan, sqrt, square, reciprocal,
        absolute, power, maximum and minimum; at the kink of the last two the first argument's derivative is taken. What depends on
        x alone may be anything. r at a point depends on u at this point alone.
    outputs : int
        Numbers of r at a point, q.
    derivative : callable, optional
        Your own derivative for a function that uses something else: ``derivative(x, u)`` → a dict of ∂r/∂(entry), with a key for
        each entry that the function reads: ``"value"``, ``(i,)``, ``(i, j)``, ``"laplacian"``, ``("laplacian", axes)``. Of a
        network with several outputs a key is a pair ``(k, key)``, the output's number first; ∂u_k/∂x_i of a divergence is
        ``(k, (i,))``. Its values are [m], or one number; where `outputs` is more than one [m, outputs], or a tuple. What both
        functions read of u are plain arrays then.
    unknowns : dict, optional
        Names and first values of numbers in the equation that are not known: the function is called as ``function(x, u, p)``, with
        ``p["kappa"]`` for ``unknowns={"kappa": 1.0}``, and `derivative` as ``derivative(x, u, p)``, its dict with a key for each
        name.

    See Also
    --------
    collocation : Sets of points with a residual each, as samples, targets and a cost.

    Notes
    -----
    Forward differentiation of elementwise functions, as in Griewank & Walther, *Evaluating Derivatives* (2008), chapter 3. NumPy's
    dtypes hold: Python numbers leave float32 as it is. NumPy computes r, and its functions may differ in the last bit between CPUs.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Residual
    >>> poisson = Residual(lambda x, u: u.laplacian() + np.sin(np.pi * x[:, 0]))
    >>> poisson.components(np.zeros((1, 2)), 2, 1)
    Components(axes=(0, 1), forms=(((0, 0, 1.0), (1, 1, 1.0)),))
    >>> Residual(lambda x, u: (u[0].d(0) + u[1].d(1), u[0].value), outputs=2)
    Residual(<lambda>, outputs=2)
    """

    function: Callable[..., Any]
    outputs: int = 1
    derivative: Callable[..., Any] | None = None
    unknowns: Any = None

    def __post_init__(self) -> None:
        user_functions("Residual", function=self.function)
        checks.optional_function(self.derivative, "derivative")
        object.__setattr__(self, "outputs", whole_number(self.outputs, "outputs", 1))
        object.__setattr__(self, "unknowns", checks.unknowns(self.unknowns))
        object.__setattr__(self, "_found", {})  # (n_0, n): _First
        object.__setattr__(self, "_constant", {})  # (components, n, dtype): D [q, K, n], the same at every point of every network

    def __repr__(self) -> str:
        told = [self.name] + ([f"outputs={self.outputs}"] if self.outputs > 1 else [])
        told += [f"derivative={function_name(self.derivative)}"] if self.derivative is not None else []
        return f"Residual({', '.join(told + ([f'unknowns={dict(self.unknowns)!r}'] if self.unknowns else []))})"

    @property
    def name(self) -> str:
        """What its function is called."""
        return function_name(self.function)

    def width(self, n_0: int, n: int) -> int:
        """q, the numbers of r at a point, for a network of n_0 inputs and n outputs."""
        return self.outputs

    def components(self, x: Array, n_0: int, n: int) -> Components:
        """The Components that r reads, found by a first call with x [m, n_0] and ones for u; later calls remember them."""
        return self._first(x, n_0, n).components

    def fixed_seeds(self, x: Array, components: Components, n: int) -> Array | None:
        """D = ∂r/∂(jet) [m, q, K, n] where r = f(x) + D · (jet) with the same D for every network, as a first call tells by
        its operations. None otherwise, and of a residual with unknowns or a derivative of its own. Parameters as of `values`."""
        m, n_0 = x.shape
        if not self._first(x, n_0, n).linear:
            return None
        constant: dict[Any, Array] = self._constant  # type: ignore[attr-defined]
        D = constant.get((components, n, x.dtype))
        if D is not None:
            return np.repeat(D[None], m, axis=0)
        jets = np.zeros((m, components.count, n), x.dtype)
        pieces = self._pieces(x, jets, components, None, True)
        D = self._filled(pieces, jets)[0]
        if all(np.ndim(slope) == 0 for piece in pieces if type(piece) is Carried for slope in piece.slopes.values()):
            constant[components, n, x.dtype] = D[0].copy()
        return D

    def values(self, x: Array, jets: Array, components: Components, targets: Array | None = None,
               unknowns: Mapping[str, float] | None = None) -> Array:
        """r [m, q] in the dtype of the jets.

        Parameters
        ----------
        x : ndarray [m, n_0]
        jets : ndarray [m, K, n]
        components : Components
            Of the jets.
        targets : ignored
        unknowns : mapping, optional
            Values of the unknowns, by name; their first values where left out.
        """
        return self._array(self._pieces(x, jets, components, unknowns, False), jets)

    def values_and_seeds(self, x: Array, jets: Array, components: Components, targets: Array | None = None,
                         unknowns: Mapping[str, float] | None = None) -> tuple[Array, Array]:
        """r [m, q], and D = ∂r/∂(jet) [m, q, K, n], the seeds of the pass back. Parameters as of `values`."""
        r, D, _ = self.values_and_slopes(x, jets, components, targets, unknowns)
        return r, D

    def values_and_slopes(self, x: Array, jets: Array, components: Components, targets: Array | None = None,
                      unknowns: Mapping[str, float] | None = None) -> tuple[Array, Array, Array]:
        """r [m, q], D = ∂r/∂(jet) [m, q, K, n] and ∂r/∂(unknowns) [m, q, U], in their order. Parameters as of `values`."""
        carry = self.derivative is None
        pieces = self._pieces(x, jets, components, unknowns, carry)
        D, E = self._filled(pieces, jets)
        if not carry:
            self._own(x, jets, components, unknowns, D, E)
        return self._array(pieces, jets), D, E

    def _filled(self, pieces: Pieces, jets: Array) -> tuple[Array, Array]:
        """D [m, q, K, n] and E [m, q, U] from the slopes of the pieces of r, 0 where they have none."""
        m, count, n = jets.shape
        D = np.zeros((m, self.outputs, count, n), jets.dtype)
        E = np.zeros((m, self.outputs, len(self.unknowns)), jets.dtype)
        position = {name: i for i, (name, _) in enumerate(self.unknowns)}
        for a, piece in enumerate(pieces):
            for key, slope in piece.slopes.items() if type(piece) is Carried else ():
                if isinstance(key, str):
                    E[:, a, position[key]] = slope
                else:
                    D[:, a, key[0], key[1]] = slope
        return D, E

    def _first(self, x: Array, n_0: int, n: int) -> _First:
        known: dict[tuple[int, int], _First] = self._found  # type: ignore[attr-defined]
        if (n_0, n) not in known:
            read: set[tuple[Entry, int]] = set()
            carry = self.derivative is None
            trace = Trace() if carry else None
            u = PointJet(n_0, n, recording(len(x), x.dtype, read, trace))
            with np.errstate(all="ignore"):
                pieces = self._call(self.function, x, u, None, carry)
            checks.reads_something(read, self.name)
            pieces = checks.pieces(pieces, len(x), self.outputs, self.name, Carried)
            slopes = (slope for piece in pieces if type(piece) is Carried for slope in piece.slopes)
            checks.depends(not carry or any(not isinstance(key, str) for key in slopes), self.name)
            entries = {entry for entry, _ in read} - {"value"}
            axes, forms = ([entry for entry in entries if isinstance(entry, kind)] for kind in (int, tuple))
            known[n_0, n] = _First(Components.of(axes, forms), frozenset(read),  # type: ignore[arg-type]
                                     trace is not None and trace.linear and not self.unknowns)
        return known[n_0, n]

    def _call(self, function: Callable[..., Any], x: Array, u: PointJet, unknowns: Mapping[str, float] | None, carry: bool) -> Any:
        """What one of its functions gives; an error names the residual."""
        told = [x.copy(), u]
        if self.unknowns:
            values = {name: x.dtype.type(first if unknowns is None else unknowns[name]) for name, first in self.unknowns}
            told.append(_Named({name: Carried(value, {name: 1.0}) if carry else value for name, value in values.items()}))
        try:
            return function(*told)
        except Exception as error:
            error.add_note(f"raised in the residual {self.name}")
            raise

    def _pieces(self, x: Array, jets: Array, components: Components, unknowns: Mapping[str, float] | None, carry: bool) -> Pieces:
        """The q pieces of r."""
        checks.jets(jets, len(x), components.count)
        u = PointJet(x.shape[1], jets.shape[2], reading(jets, components, carry))
        return checks.pieces(self._call(self.function, x, u, unknowns, carry), len(x), self.outputs, self.name, Carried)

    def _array(self, pieces: Pieces, jets: Array) -> Array:
        r = np.empty((len(jets), self.outputs), jets.dtype)
        for a, piece in enumerate(pieces):
            r[:, a] = piece.value if type(piece) is Carried else piece
        return r

    def _own(self, x: Array, jets: Array, components: Components, unknowns: Mapping[str, float] | None, D: Array, E: Array) -> None:
        """The user's own derivative, written to D [m, q, K, n] and E [m, q, U]."""
        n_0, n = x.shape[1], jets.shape[2]
        u = PointJet(n_0, n, reading(jets, components, False))
        found = checks.own_derivative(self._call(self.derivative, x, u, unknowns, False), self.name)  # type: ignore[arg-type]
        position, given = {name: i for i, (name, _) in enumerate(self.unknowns)}, set()
        read = self._first(x, n_0, n).read
        for key, values in found.items():
            if isinstance(key, str) and key in position:
                E[:, :, position[key]] = checks.slope(values, D.shape[:2], key, self.name)
                given.add(key)
                continue
            place = _place(key, n_0, n)
            if place not in read:
                checks.entry_key(key, self.name, n, [told(entry, output, n) for entry, output in read])
            text = told(place[0], place[1], n)
            D[:, :, components.index[place[0]], place[1]] = checks.slope(values, D.shape[:2], text, self.name)
            given.add(text)
        checks.same_entries({*(told(entry, output, n) for entry, output in read), *position} - given, self.name)


def _place(key: Any, n_0: int, n: int) -> Any:
    """(entry, output) of a key of a user's own derivative; None where it is none."""
    output = 0
    if n > 1:
        if not (isinstance(key, tuple) and len(key) == 2 and isinstance(key[0], int)):
            return None
        output, key = key
    if key == "value":
        return "value", output
    if key == "laplacian":
        return laplacian(range(n_0)), output
    if not isinstance(key, tuple):
        return None
    if len(key) == 2 and key[0] == "laplacian" and isinstance(key[1], tuple):
        return laplacian(key[1]), output
    if len(key) not in (1, 2) or not all(isinstance(i, int) for i in key):
        return None
    return (key[0] if len(key) == 1 else ordered([(key[0], key[1], 1.0)])), output
