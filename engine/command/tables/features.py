"""How the columns of a table become the features X of a network; it travels with the network in run.json."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from . import table_checks
from .table import Table


@dataclass(frozen=True)
class Features:
    """What each feature of X is.

    Attributes
    ----------
    columns : tuple of str, or None
        The columns that X is made of, in its order; None where the data have no names, as an array has none.
    categories : dict of tuple
        For each column of text its categories: the column becomes one feature of 0 and 1 for each of them.
    ignored : tuple of str
        Columns of the training table that are not features: the targets, and what was left out.
    width : int
        Features of X.
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

    @classmethod
    def of_table(cls, table: Table, targets: Sequence[str], categories: str | None = None, drop: Sequence[str] = ()) -> Features:
        """Those of a table: every column that is neither a target nor in `drop`, those of text as `categories` says."""
        left = [name for name in table.names if name not in targets and name not in drop]
        table_checks.named_columns(table, left)
        for name in left:
            table_checks.no_missing(table, name)
        text = [name for name in left if table.is_text(name)]
        for name in text:
            no_category = table.mostly_numbers(name) or table.holds_dates(name) and categories != "drop"
            if no_category or len(text) == 1 and categories is None:
                table.numbers(name)
        if text and categories is None:
            table_checks.text_columns(table, text)
        columns = [name for name in left if categories == "one-hot" or name not in text]
        table_checks.some_features(table.path, columns)
        labels = {name: tuple(sorted(set(table.texts(name)))) for name in columns if name in text}
        for name, known in labels.items():
            table_checks.few_categories(table, name, known, max(20, len(table) // 2))
        width = sum(len(labels.get(name, "1")) for name in columns)
        return cls(tuple(columns), width, labels, (*targets, *(name for name in table.names if name not in (*columns, *targets))))

    def without(self, names: Sequence[str]) -> Features:
        """The same, where the columns `names` of a table are no features either."""
        return replace(self, ignored=(*self.ignored, *names))

    def matrix(self, table: Table) -> NDArray[np.float64]:
        """X float64 [m, width] of a table: its columns by their names, in whatever order they stand."""
        table_checks.same_columns(table, self.columns or (), self.ignored)
        X, j = np.empty((len(table), self.width)), 0
        for name in self.columns or ():
            if name not in self.categories:
                X[:, j] = table.numbers(name)
                j += 1
                continue
            table_checks.known_category(table, name, self.categories[name])
            for label in self.categories[name]:
                X[:, j] = table.texts(name) == label
                j += 1
        return X
