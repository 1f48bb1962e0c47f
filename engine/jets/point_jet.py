"""What a residual is given as u: the network and its derivatives in its inputs at every point, entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..typing import Array, DType
from . import checks
from .carried import Carried, Trace
from .components import Components, Entry, ordered

Read = Callable[[Entry, int], Any]  # (entry, output) → [m]


class PointJet:
    """A network u at every point with its first and second derivatives in the inputs x, as a residual reads them.

    Each entry has shape [m], one number for each point. Of a network with one output they are read directly, with more after the
    output's number: ``u[0].value``, ``u[1].d(0)``. Which entries a residual reads must not depend on the points.

    Parameters
    ----------
    n_0, n : int
        Inputs, and outputs of the network.
    read : callable
        ``read(entry, output)``.
    output : int, optional
        The output whose entries are read; none where the network has more.
    """

    __slots__ = ("_n_0", "_n", "_read", "_output")

    def __init__(self, n_0: int, n: int, read: Read, output: int | None = None) -> None:
        self._n_0, self._n, self._read = n_0, n, read
        self._output = 0 if n == 1 else output

    def __repr__(self) -> str:
        output = "" if self._n == 1 or self._output is None else f", output {self._output}"
        return f"PointJet({self._n_0} inputs, {self._n} {'output' if self._n == 1 else 'outputs'}{output})"

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, k: int) -> PointJet:
        """u_k, one of the outputs."""
        return PointJet(self._n_0, self._n, self._read, checks.output(k, self._n))

    def __iter__(self) -> Iterator[PointJet]:
        """The outputs u_0, u_1, …"""
        return (self[k] for k in range(self._n))

    @property
    def value(self) -> Any:
        """u [m]."""
        return self._entry("value", "u.value")

    def d(self, *inputs: int) -> Any:
        """∂u/∂x_i [m] of ``d(i)``, ∂²u/∂x_i ∂x_j [m] of ``d(i, j)``; inputs count from 0."""
        checks.order(len(inputs))
        name = f"u.d({', '.join(map(str, inputs))})"
        axes = [checks.axis(i, self._n_0, f"an input of {name}") for i in inputs]
        return self._entry(axes[0] if len(axes) == 1 else ordered([(axes[0], axes[1], 1.0)]), name)

    def laplacian(self, axes: Any = None) -> Any:
        """Σ_i ∂²u/∂x_i² [m] over all inputs, or over `axes`. It costs one component, where its terms read apart cost one each."""
        return self._entry(laplacian(checks.axes(axes, self._n_0, "u.laplacian's axes")), "u.laplacian()")

    def divergence(self, axes: Any = None) -> Any:
        """Σ_i ∂u_i/∂x_i [m] of a network with as many outputs as inputs. With `axes`, Σ_k ∂u_k/∂x_axes[k] of its first outputs."""
        found = checks.axes(axes, self._n_0, "u.divergence's axes")
        checks.divergence(self._n, len(found), axes is not None)
        total = self._read(found[0], 0)
        for k, axis in enumerate(found[1:], 1):
            total = total + self._read(axis, k)
        return total

    def _entry(self, entry: Entry, name: str) -> Any:
        if self._output is None:
            checks.one_output(name, self._n)
        return self._read(entry, self._output)


def laplacian(axes: Any) -> Entry:
    """The form of a Laplacian over `axes`."""
    return tuple((axis, axis, 1.0) for axis in sorted(axes))


def told(entry: Entry, output: int, n: int) -> str:
    """An entry as a residual reads it."""
    u = "u" if n == 1 else f"u[{output}]"
    if isinstance(entry, str):
        return f"{u}.value"
    if isinstance(entry, int):
        return f"{u}.d({entry})"
    pairs = [term[:2] for term in entry]
    if len(pairs) == 1:
        return f"{u}.d({pairs[0][0]}, {pairs[0][1]})"
    return f"{u}.laplacian({tuple(i for i, _ in pairs)})"


def recording(m: int, dtype: DType, found: set[tuple[Entry, int]], trace: Trace | None) -> Read:
    """Reads that give ones, and note in `found` what was read; with derivatives where there is a trace."""
    def read(entry: Entry, output: int) -> Any:
        found.add((entry, output))
        ones = np.ones(m, dtype)
        return ones if trace is None else Carried(ones, {(0, output): 1.0}, trace)

    return read


def reading(jets: Array, components: Components, carry: bool) -> Read:
    """Reads of jets [m, K, n], with derivatives where `carry`."""
    index, n = components.index, jets.shape[2]

    def read(entry: Entry, output: int) -> Any:
        k = index.get(entry)
        if k is None:
            checks.not_read_before(told(entry, output, n))
        value = jets[:, k, output].copy()
        return Carried(value, {(k, output): 1.0}) if carry else value

    return read
