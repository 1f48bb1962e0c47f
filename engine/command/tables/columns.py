"""How the columns of a table became the features of a network: what another table needs to be read in the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from . import column_checks
from .scaling import Scaling
from .targets import Targets


@dataclass(frozen=True)
class Encoding:
    """What becomes of one column of a table.

    Attributes
    ----------
    name : str
    kind : str
        "number"; "boolean", where true is 1; "one-hot", a feature of 0 and 1 for each category; or "dropped".
    categories : tuple of str
        Of a one-hot column, in the order of its features.
    means : tuple of float
        Of each feature that it makes, over the training samples: what a missing cell becomes where cells are filled.
    reason : str
        Why it is dropped.
    """

    name: str
    kind: str = "number"
    categories: tuple[str, ...] = ()
    means: tuple[float, ...] = ()
    reason: str = ""

    @property
    def width(self) -> int:
        """How many features it makes."""
        return {"dropped": 0, "one-hot": len(self.categories)}.get(self.kind, 1)

    @property
    def features(self) -> tuple[str, ...]:
        """The names of these features: the column's, or column=category."""
        if self.kind == "one-hot":
            return tuple(f"{self.name}={category}" for category in self.categories)
        return () if self.kind == "dropped" else (self.name,)

    def to_json(self) -> dict[str, Any]:
        """Plain lists, strings and numbers."""
        found: dict[str, Any] = {"name": self.name, "kind": self.kind}
        if self.kind == "one-hot":
            found["categories"] = list(self.categories)
        if self.means:
            found["means"] = list(self.means)
        return found | ({"reason": self.reason} if self.kind == "dropped" else {})


@dataclass(frozen=True)
class Columns:
    """The columns of a table, in the order of the features, and its targets; it travels with the network in run.json.

    Attributes
    ----------
    encodings : tuple of Encoding
        Columns that are dropped are among them.
    named : bool
        False for arrays, whose columns have no names.
    targets : tuple of str
        Names of the target columns, in the order of the outputs.
    task, loss : str
        The task is "classes" or "numbers".
    classes : tuple
        Labels of the classes in the order of their numbers; empty for numbers.
    missing : str
        What happened to missing cells: "refuse", "drop" (their lines were left out) or "mean" (they were filled).
    weights, groups : str or None
        Columns that hold the samples' weights and groups.
    scaling, target_scaling : Scaling or None
        Of the features and the targets; None before training.
    """

    encodings: tuple[Encoding, ...]
    named: bool = True
    targets: tuple[str, ...] = ()
    task: str = "numbers"
    classes: tuple[Any, ...] = ()
    loss: str = "squared_error"
    missing: str = "refuse"
    weights: str | None = None
    groups: str | None = None
    scaling: Scaling | None = field(default=None, compare=False)
    target_scaling: Scaling | None = field(default=None, compare=False)

    @classmethod
    def of_array(cls, width: int) -> Columns:
        """Those of an array [m, width], which have no names."""
        return cls(tuple(Encoding(f"column {j}") for j in range(width)), named=False)

    @classmethod
    def of_names(cls, names: Sequence[str], categories: Mapping[str, Sequence[str]] | None = None,
                 ignored: Sequence[str] = ()) -> Columns:
        """Those that a former run.json names: columns of numbers, others one-hot where they have `categories`."""
        known = categories or {}
        kept = [Encoding(name, "one-hot", tuple(known[name])) if name in known else Encoding(name) for name in names]
        return cls((*kept, *(Encoding(name, "dropped", reason="no feature") for name in ignored)))

    @property
    def features(self) -> tuple[Encoding, ...]:
        """The encodings of columns that make features."""
        return tuple(encoding for encoding in self.encodings if encoding.kind != "dropped")

    @property
    def dropped(self) -> tuple[Encoding, ...]:
        """The encodings of columns that make none."""
        return tuple(encoding for encoding in self.encodings if encoding.kind == "dropped")

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Names of the columns that make features, in their order; None for arrays."""
        return tuple(encoding.name for encoding in self.features) if self.named else None

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """The categories of each one-hot column."""
        return {encoding.name: encoding.categories for encoding in self.encodings if encoding.kind == "one-hot"}

    @property
    def ignored(self) -> tuple[str, ...]:
        """Columns that a table may have although they make no feature."""
        others = (name for name in (self.weights, self.groups) if name is not None)
        return tuple(dict.fromkeys((*self.targets, *others, *(encoding.name for encoding in self.dropped))))

    @property
    def width(self) -> int:
        """How many features there are."""
        return sum(encoding.width for encoding in self.encodings)

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each feature: a column's, or column=category."""
        return tuple(name for encoding in self.encodings for name in encoding.features)

    def of_targets(self, targets: Targets) -> Columns:
        """The same with what the targets are."""
        return replace(self, targets=targets.names, task=targets.task, classes=targets.labels, loss=targets.loss)

    def scaled(self, features: Scaling, targets: Scaling) -> Columns:
        """The same with the scalings of a run."""
        return replace(self, scaling=features, target_scaling=targets)

    def without(self, names: Sequence[str]) -> Columns:
        """The same, where the columns `names` of another table make no features either."""
        more = [Encoding(name, "dropped", reason="by --drop") for name in names if name not in self.ignored]
        return replace(self, encodings=(*self.encodings, *more))

    def with_means(self, means: Sequence[float]) -> Columns:
        """The same with the means [width] of the features, which missing cells become."""
        left, encodings = list(means), []
        for encoding in self.encodings:
            encodings.append(replace(encoding, means=tuple(map(float, left[:encoding.width]))))
            del left[:encoding.width]
        return replace(self, encodings=tuple(encodings))

    @property
    def means(self) -> tuple[float, ...] | None:
        """The mean of each feature [width], or None where they are not known."""
        means = tuple(mean for encoding in self.encodings for mean in encoding.means)
        return means if len(means) == self.width else None

    def to_json(self) -> dict[str, Any]:
        """Plain lists, strings and numbers; every number is kept to its last bit.

        Examples
        --------
        >>> from engine.command.tables.columns import Columns, Encoding
        >>> columns = Columns((Encoding("size"), Encoding("colour", "one-hot", ("blue", "red"))), targets=("price",))
        >>> columns.names
        ('size', 'colour=blue', 'colour=red')
        >>> Columns.from_json(columns.to_json()) == columns
        True
        """
        scalings = {name: None if scaling is None else scaling.to_json()
                    for name, scaling in (("scaling", self.scaling), ("target_scaling", self.target_scaling))}
        return {"encodings": [encoding.to_json() for encoding in self.encodings], "named": self.named, "width": self.width,
                "missing": self.missing, "targets": list(self.targets), "task": self.task, "classes": list(self.classes),
                "loss": self.loss, "weights": self.weights, "groups": self.groups, **scalings}

    @classmethod
    def from_json(cls, found: Any, path: object = "run.json") -> Columns:
        """The Columns that `to_json` described.

        Raises
        ------
        ValueError
            Where `found` is no such description; it names what is wrong, and `path`.
        """
        column_checks.described(found, path)
        encodings = tuple(Encoding(one["name"], one["kind"], tuple(one.get("categories", ())), tuple(one.get("means", ())),
                                   one.get("reason", "")) for one in found["encodings"])
        scalings: dict[str, Any] = {name: None if found[name] is None else Scaling.from_json(found[name])
                                    for name in ("scaling", "target_scaling")}
        rest = {name: found[name] for name in ("named", "task", "loss", "missing", "weights", "groups")}
        return cls(encodings, targets=tuple(found["targets"]), classes=tuple(found["classes"]), **rest, **scalings)
