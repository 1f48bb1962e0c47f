"""A table made a data set: the role of each column, its encoding, and what is told about the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import column_checks, data_checks, table_checks
from .cells import beside_numbers
from .columns import Columns, Encoding
from .data_set import Choices, DataSet, Inputs
from .encoding import encoded, encodings_of, features_of, row_numbers
from .missing import whole_lines, without_missing
from .table import Table
from .targets import Column, Targets, choose, like


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are for: their names."""

    targets: tuple[str, ...]
    weights: str | None
    groups: str | None
    dropped: tuple[str, ...]
    keep: tuple[str, ...]

    @classmethod
    def of(cls, table: Table, choices: Choices) -> Roles:
        """Those that a user named, each of them a column of the table and in one role alone."""
        found = {option: tuple(_named(table, wanted, option)) for option, wanted in (
            ("--target", choices.target), ("--weights", choices.weights), ("--groups", choices.groups), ("--drop", choices.drop),
            ("--keep", choices.keep))}
        column_checks.different_roles(table.path, found)
        weights, groups = (column_checks.one_column(option, found[option]) if found[option] else None
                           for option in ("--weights", "--groups"))
        return cls(found["--target"], weights, groups, found["--drop"], found["--keep"])

    @property
    def others(self) -> tuple[str, ...]:
        """Targets, weights and groups."""
        return (*self.targets, *(name for name in (self.weights, self.groups) if name is not None))


def data_set(table: Table, choices: Choices) -> DataSet:
    """The DataSet of a table to train on."""
    data_checks.target_named(table.path, choices.target, table.names)
    roles, missing = Roles.of(table, choices), column_checks.missing_choice(choices.missing)
    table, columns, notes = _encodings(table, roles, choices)
    targets = choose([target_column(table, name) for name in roles.targets], choices.task, choices.loss)
    weights, (groups, group_names) = _weights(table, roles.weights), _groups(table, roles.groups)
    columns = replace(columns.of_targets(targets), missing=missing or "refuse", weights=roles.weights, groups=roles.groups)
    left_out = [one.name for one in columns.dropped]
    described = table.described + (f"; left out: {table_checks.listed(left_out)}" if left_out else "")
    return DataSet(encoded(table, columns.features), targets, columns, table.where, described, notes, weights, groups, group_names)


def _encodings(table: Table, roles: Roles, choices: Choices) -> tuple[Table, Columns, tuple[str, ...]]:
    """The lines that stay, the Columns of what is neither target, weight nor group, and what is told about both."""
    left = [name for name in table.names if name not in roles.others]
    whole_lines(table, roles.dropped)
    numbers = {one.name: one for one in row_numbers(table, [name for name in left if name not in roles.dropped], roles.keep)}
    rest = [name for name in left if name not in roles.dropped and name not in numbers]
    column_checks.named_columns(table, [name for name in rest if name not in roles.keep])
    found = {one.name: one for one in encodings_of(table, rest, choices.categories, roles.keep)}
    features = [name for name in rest if found[name].kind != "dropped"]
    by_drop = {name: Encoding(name, "dropped", reason="by --drop") for name in roles.dropped}
    everything = numbers | found | by_drop
    column_checks.feature_left(table.path, features, [(name, everything[name].reason) for name in left if name not in features])
    table, notes = without_missing(table, features, roles.others, choices.missing)
    if notes:  # a column may hold one value alone in the lines that stay
        everything |= {one.name: one for one in encodings_of(table, features, choices.categories, roles.keep, filled=True)}
    columns = Columns(tuple(everything[name] for name in left))
    column_checks.feature_left(table.path, columns.columns or (), [(one.name, one.reason) for one in columns.dropped])
    return table, columns, (*_told(columns), *notes)


def _told(columns: Columns) -> tuple[str, ...]:
    """What a user should know of the encodings."""
    notes = []
    for reason in dict.fromkeys(one.reason for one in columns.dropped if not one.reason.startswith("by ")):
        names = [one.name for one in columns.dropped if one.reason == reason]
        remedy = "" if "--" in reason or reason == "holds no cell" else f"; --keep {','.join(names[:6])!r} makes it a feature"
        notes.append(f"left out: {table_checks.listed(names)} ({reason}{remedy})")
    if made := [f"{name} ({len(labels)})" for name, labels in columns.categories.items()]:
        notes.append(f"text made features of 0 and 1, one for each category: {table_checks.listed(made)}")
    return tuple(notes)


def _named(table: Table, wanted: str | None, option: str) -> Sequence[str]:
    return table_checks.columns_of(table.path, table.names, wanted, option) if wanted else ()


def _weights(table: Table, name: str | None) -> NDArray[np.float64] | None:
    if name is None:
        return None
    weights = table.numbers(name)
    column_checks.sample_weights(table, name, weights)
    return weights


def _groups(table: Table, name: str | None) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    if name is None:
        return None, ()
    column = table.columns[name]
    names, groups = np.unique(column.astype(str) if column.dtype == object else column, return_inverse=True)
    column_checks.several_groups(table.path, name, len(names))
    return groups.reshape(-1).astype(np.int64), tuple(map(str, names.tolist()))


def target_column(table: Table, name: str) -> Column:
    """A column as a target."""
    table.present(name)
    if not table.is_text(name):
        return Column(name, table.columns[name], table.where)
    mixed = table.first_text(name) if table.mostly_numbers(name) else None
    texts = table.texts(name)
    return Column(name, texts, table.where, mixed, table.holds_dates(name), beside_numbers(sorted(set(texts))))


def inputs(table: Table, columns: Columns | None, choices: Choices) -> Inputs:
    """The Inputs of another table, as `columns` were in training, or of its own columns; no target is needed."""
    roles = Roles.of(table, choices)
    columns = _all_of(table, roles, choices) if columns is None else columns
    columns = columns.without((*roles.others, *roles.dropped))
    whole, notes, columns = _whole(table, columns, choices, ())
    identity = {one.name: table.written(one.name) for one in columns.dropped
                if one.reason.endswith("the lines") and one.name in table.names}
    rows = np.arange(len(table)) if whole.rows is None else whole.rows
    identity = {name: [cells[row] for row in rows] for name, cells in identity.items()}
    return Inputs(features_of(whole, columns), columns, whole.where, rows, notes, identity)


def _all_of(table: Table, roles: Roles, choices: Choices) -> Columns:
    """The Columns of all that a table holds besides its targets, for a network of which nothing else is known."""
    left = [name for name in table.names if name not in (*roles.others, *roles.dropped)]
    column_checks.named_columns(table, left)
    if choices.categories is None:
        column_checks.no_text(table, [name for name in left if table.is_text(name) and not table.holds_booleans(name)])
    found = encodings_of(table, left, choices.categories, left)
    column_checks.feature_left(table.path, [one.name for one in found if one.kind != "dropped"], [])
    return Columns(found)


def _whole(table: Table, columns: Columns, choices: Choices, others: Sequence[str]) -> tuple[Table, tuple[str, ...], Columns]:
    """The lines of another table that stay, what to tell about the rest, and the columns with what becomes of missing cells."""
    column_checks.same_columns(table, columns.columns or (), columns.ignored)
    asked = column_checks.missing_choice(choices.missing)
    choice = asked or ("mean" if columns.missing == "mean" else None)
    if choice == "mean":
        column_checks.fillable(table.path, columns.means)
    whole, notes = without_missing(table, columns.columns or (), others, choice)
    return whole, notes, replace(columns, missing=choice or "refuse")


def data_like(table: Table, columns: Columns, choices: Choices) -> DataSet:
    """The DataSet of another table, its features and targets as `columns` were in training."""
    names = tuple(_named(table, choices.target, "--target")) or columns.targets
    column_checks.targets_there(table, names, columns.targets)
    others = tuple(name for name in (*names, columns.weights, columns.groups) if name is not None and name in table.names)
    columns = columns.without((*others, *_named(table, choices.drop, "--drop")))
    whole, notes, columns = _whole(table, columns, choices, others)
    weights = columns.weights if columns.weights in table.names else None
    groups, group_names = _groups(whole, columns.groups if columns.groups in table.names else None)
    return DataSet(features_of(whole, columns), targets_like(whole, names, columns), columns, whole.where, whole.described, notes,
                   _weights(whole, weights), groups, group_names)


def targets_like(table: Table, names: Sequence[str], columns: Columns) -> Targets:
    """The targets of another table: class numbers as in training, or numbers as they are."""
    if not columns.classes:
        return like(columns.targets, columns.task, (), columns.loss, np.stack([table.numbers(name) for name in names], axis=1))
    name, = names
    table.present(name)
    return like(columns.targets, columns.task, columns.classes, columns.loss, class_numbers(table, name, columns.classes))


def class_numbers(table: Table, name: str, labels: Sequence[Any]) -> NDArray[np.int64]:
    """The class number of each cell: numbers are compared as numbers, text as it is written."""
    column = table.columns[name]
    if any(isinstance(label, str) for label in labels):
        known, cells = {str(label): k for k, label in enumerate(labels)}, list(table.texts(name))
    else:
        known = {_number(label): k for k, label in enumerate(labels)}
        cells = [_number(cell) for cell in column.tolist()]
    for row, cell in enumerate(cells):
        if cell not in known:
            column_checks.known_class(table, name, row, table.cell(row, name), labels)
    return np.array([known[cell] for cell in cells], np.int64)


def _number(value: Any) -> Any:
    """A label that is equal for 1, 1.0, true and its text."""
    if isinstance(value, str):
        return {"true": 1.0, "false": 0.0}.get(value.casefold(), value)
    return float(value)
