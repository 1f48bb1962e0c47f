"""How the columns of a table became the features X of a network, in few words."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Features:
    """What each feature of X is.

    Attributes
    ----------
    columns : tuple of str, or None
        The columns that X is made of, in its order; None where the data have no names, as an array has none.
    width : int
        Features of X.
    categories : dict of tuple
        For each column of text its categories: the column becomes one feature of 0 and 1 for each of them.
    ignored : tuple of str
        Columns of the training table that are not features: the targets, and what was left out.
    """

    columns: tuple[str, ...] | None
    width: int
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each feature: a column's, or column=category."""
        if self.columns is None:
            return tuple(f"column {j}" for j in range(self.width))
        return tuple(name for column in self.columns for name in
                     ([f"{column}={label}" for label in self.categories[column]] if column in self.categories else [column]))
