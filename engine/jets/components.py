"""Which derivatives of a network in its inputs are propagated: the components of a jet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

Term = tuple[int, int, float]  # (i, j, c): c z_i z_j
Entry = str | int | tuple[Term, ...]  # "value", an input's number, or a form whose terms have numbers of inputs


@dataclass(frozen=True)
class Components:
    """The components of a jet: the value, d first derivatives along axes, S second ones by symmetric forms. K = 1 + d + S of them.

    A form q = Σ c z_i z_j is the second derivative Σ c ∂²u/∂x_i ∂x_j: the Laplacian is one form of d terms.

    Parameters
    ----------
    axes : tuple of int
        Numbers of inputs, ascending. Component 1 + p of a jet is the first derivative along ``axes[p]``.
    forms : tuple of tuples of (i, j, c)
        Each form by its terms, i ≤ j positions in `axes`. Component 1 + d + s of a jet is form s.

    See Also
    --------
    Components.of : Made of numbers of inputs.

    Examples
    --------
    >>> from engine.jets import Components
    >>> heat = Components.of([0], [[(1, 1, 1.0)]])
    >>> heat, heat.count
    (Components(axes=(0, 1), forms=(((1, 1, 1.0),),)), 4)
    """

    axes: tuple[int, ...]
    forms: tuple[tuple[Term, ...], ...]

    @classmethod
    def of(cls, axes: Iterable[int], forms: Iterable[Iterable[Term]]) -> Components:
        """The components with first derivatives along inputs `axes` and `forms` whose terms have numbers of inputs, the axes of
        forms added and repeats left out."""
        wanted = sorted({ordered(terms) for terms in forms})
        inputs = sorted({*axes, *(k for terms in wanted for i, j, _ in terms for k in (i, j))})
        position = {axis: p for p, axis in enumerate(inputs)}
        return cls(tuple(inputs), tuple(tuple((position[i], position[j], c) for i, j, c in terms) for terms in wanted))

    @property
    def count(self) -> int:
        """K."""
        return 1 + len(self.axes) + len(self.forms)

    def at(self, i: int) -> int | None:
        """The component of the first derivative along input i; None where there is none."""
        return self.index.get(i)

    def form(self, terms: Sequence[Term]) -> int | None:
        """The component of a form of the terms (i, j, c), i and j positions in `axes`; None where there is none."""
        return self.index.get(ordered((self.axes[i], self.axes[j], c) for i, j, c in terms))

    @cached_property
    def index(self) -> dict[Entry, int]:
        """The component of each Entry: of "value", an input's number, a form whose terms have numbers of inputs."""
        found: dict[Entry, int] = {"value": 0}
        for p, axis in enumerate(self.axes):
            found[axis] = 1 + p
        for s, terms in enumerate(self.forms):
            found[ordered((self.axes[i], self.axes[j], c) for i, j, c in terms)] = 1 + len(self.axes) + s
        return found


def ordered(terms: Iterable[Term]) -> tuple[Term, ...]:
    """The terms of a form in one order, i ≤ j: forms of the same terms are equal."""
    return tuple(sorted((min(i, j), max(i, j), float(c)) for i, j, c in terms))
