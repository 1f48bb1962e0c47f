"""Checks of a table's columns as features: which can be encoded, which another table must have, and what run.json says of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .table_checks import did_you_mean, listed, shortened

if TYPE_CHECKING:
    from .table import Table


def encodable(table: Table, problems: Sequence[tuple[str, str, str]]) -> None:
    """Refuse columns that cannot be features as they are: (name, what it holds, the remedy) of each."""
    if not problems:
        return
    if len(problems) == 1:
        (name, holds, remedy), = problems
        row = table.first_text(name) if table.is_text(name) else int(np.argmin(table.missing(name)))
        raise ValueError(f"{table.where(row)}: column {name!r} cannot be a feature as it is: it holds {holds}; {remedy}")
    found = "; ".join(f"{shortened(name, 30)!r} holds {shortened(holds, 60)}" for name, holds, _ in problems[:4])
    more = f"; and {len(problems) - 4} more" if len(problems) > 4 else ""
    names = [name for name, *_ in problems]
    raise ValueError(f"{table.path}: {len(problems)} columns cannot be features as they are: {found}{more}; leave them out by "
                     f"--drop {shortened(','.join(names), 120)!r}")


def named_columns(table: Table, names: Sequence[str]) -> None:
    """Refuse features that have no name."""
    for name in names:
        if name in table.unnamed:
            raise ValueError(f"{table.path}: {name} has no name in the first line; give it one, or leave it out by --drop "
                             f"{name!r} if it only numbers the lines")


def no_text(table: Table, names: Sequence[str]) -> None:
    """Refuse columns of text where no run says which categories the network was trained on."""
    if names:
        row = table.first_text(names[0])
        raise ValueError(f"{table.where(row)}: column {names[0]!r} must hold numbers, but holds "
                         f"{shortened(table.columns[names[0]][row])!r}; leave the columns {listed(names)} out by "
                         "--categories drop, or make features of their texts by --categories one-hot")


def feature_left(path: str, names: Sequence[str], left_out: Sequence[tuple[str, str]]) -> None:
    """Refuse a table that leaves nothing to predict from; `left_out` holds the name of each other column, and why."""
    if not names:
        why = "; ".join(f"{shortened(name, 30)!r}: {reason}" for name, reason in left_out[:6])
        kept = [name for name, reason in left_out if not reason.startswith("by ")]
        remedy = f"; --keep {kept[0]!r} makes it a feature all the same" if kept else ""
        raise ValueError(f"{path} must hold a column of features besides the target, but none is left{f' ({why})' if why else ''}"
                         f"{remedy}")


def known_category(table: Table, name: str, labels: Sequence[str], texts: Iterable[Any]) -> None:
    """Refuse a category that the network was not trained on."""
    for row, cell in enumerate(texts):
        if cell is not None and cell not in labels:
            raise ValueError(f"{table.where(row)}: column {name!r} must hold a category that the network was trained on "
                             f"({listed(labels)}), but holds {shortened(cell)!r}{did_you_mean(cell, labels)}")


def known_class(table: Table, name: str, row: int, cell: object, labels: Sequence[object]) -> None:
    """Refuse a class that the network was not trained on."""
    known_label(f"{table.where(row)}: the target {name!r}", cell, labels)


def known_label(place: str, label: object, labels: Sequence[object]) -> None:
    """Refuse the label of a sample, at `place`, that the network was not trained on."""
    texts = [str(label) for label in labels]
    raise ValueError(f"{place} must be a class that the network was trained on ({listed(texts)}), but is {shortened(str(label))!r}"
                     f"{did_you_mean(str(label), texts)}")


def same_columns(table: Table, wanted: Sequence[str], ignored: Collection[str]) -> None:
    """Refuse a table that lacks a column that the network needs, or has others."""
    lacking = [name for name in wanted if name not in table.names]
    others = [name for name in table.names if name not in wanted and name not in ignored]
    if lacking:
        raise ValueError(f"{table.path} must have the columns that the network was trained on ({listed(wanted)}), but lacks "
                         f"{listed(lacking)}{_near(lacking[0], others)}")
    if others:
        raise ValueError(f"{table.path} must have the columns that the network was trained on ({listed(wanted)}), but has "
                         f"{listed(others)} too; leave them out by --drop {','.join(others)!r}")


def _near(lacking: str, others: Sequence[str]) -> str:
    question = did_you_mean(lacking, others)
    return question.replace("did you mean", f"is {lacking!r} named") if question else ""


def missing_cells(table: Table, counts: dict[str, int], whole: int, advice: str = "") -> None:
    """Refuse missing cells where nothing says what becomes of them: by column and number, the first by its line.

    `counts` holds how many each column lacks, `whole` is how many lines lack none.
    """
    if not counts:
        return
    name, row = min(((name, int(np.argmax(table.missing(name)))) for name in counts), key=lambda found: found[1])
    short_line(table, row)
    cell, total = table.cell(row, name) or "", sum(counts.values())
    many = ", ".join(f"{shortened(name, 30)} {count}" for name, count in list(counts.items())[:8])
    many += f" and {len(counts) - 8} more columns" if len(counts) > 8 else ""
    others = "" if total == 1 else f", as in {total - 1} more cells ({many})"
    remedy = advice or (f"--missing drop leaves such lines out ({whole} of {len(table)} are whole), --missing mean puts the "
                        "column's mean there")
    raise ValueError(f"{table.where(row)}: column {name!r} must hold a value in each line, but this cell is missing "
                     f"({'empty' if not cell.strip() else repr(cell.strip())}){others}; {remedy}")


def short_line(table: Table, row: int) -> None:
    """Refuse a line that is too short to have all columns."""
    if lacks := table.lacks(row):
        raise ValueError(f"{table.where(row)}: expected {lacks[1]} cells, one a column, but found {lacks[0]}")


def lines_left(table: Table, kept: int, worst: str, count: int) -> None:
    """Refuse to leave every line out."""
    if kept == 0:
        raise ValueError(f"{table.path}: --missing drop leaves none of the {len(table)} lines, for each lacks a cell; leave out "
                         f"the emptiest column by --drop {worst!r} ({count} cells are missing), or fill cells by --missing mean")


def fillable(path: str, means: object) -> None:
    """Refuse to fill cells by means that a run did not save."""
    if means is None:
        raise ValueError(f"{path}: the run saved no means, so that --missing mean cannot fill cells; --missing drop leaves such "
                         "lines out")


def missing_choice(value: Any) -> str | None:
    """What becomes of missing cells."""
    if value not in (None, "refuse", "drop", "mean"):
        raise ValueError(f"--missing must be drop, mean or refuse, but is {value!r}")
    return value


def sample_weights(table: Table, name: str, values: Any) -> None:
    """Refuse weights below 0, and weights that are all 0."""
    wrong = np.flatnonzero(values < 0)
    if len(wrong):
        raise ValueError(f"{table.where(wrong[0])}: the weight {name!r} must be at least 0, but is {values[wrong[0]]:g}")
    if not values.any():
        raise ValueError(f"{table.path}: the weights {name!r} must not all be 0")


def targets_there(table: Table, names: Sequence[str], wanted: Sequence[str]) -> None:
    """Refuse a table that lacks the targets, and another number of them than the network has."""
    if len(names) != len(wanted):
        raise ValueError(f"--target must name {len(wanted)} columns, as the network was trained on {listed(wanted)}, but names "
                         f"{len(names)}")
    lacking = [name for name in names if name not in table.names]
    if lacking:
        raise ValueError(f"{table.path} must have the target {listed(lacking)} to be compared with; it has {listed(table.names)}"
                         f"{did_you_mean(lacking[0], table.names)}")


def same_width(path: str, width: int, wanted: int) -> None:
    """Refuse an array of another number of features than the network has."""
    if width != wanted:
        raise ValueError(f"{path}: X must have {wanted} features, as the network was trained on, but has {width}")


def several_groups(path: str, name: str, count: int) -> None:
    """Refuse one group alone."""
    if count < 2:
        raise ValueError(f"{path}: --groups {name!r} must hold at least two groups, so that whole ones can be held out, but holds "
                         f"{count}")


def different_roles(path: str, roles: Mapping[str, Sequence[str]]) -> None:
    """Refuse a column that two options name, such as --target and --weights."""
    taken: dict[str, str] = {}
    for option, names in roles.items():
        for name in names:
            if name in taken:
                raise ValueError(f"{path}: column {name!r} is named by {taken[name]} and by {option}; name it by one of them")
            taken[name] = option


def one_column(option: str, names: Sequence[str]) -> str:
    """The one column that an option names."""
    if len(names) != 1:
        raise ValueError(f"{option} must name one column, but names {listed(names)}")
    return names[0]


KINDS = ("number", "boolean", "one-hot", "dropped")


def described(found: Any, path: object) -> None:
    """Refuse what is no description of columns, as Columns.to_json writes it."""
    def refuse(what: str) -> None:
        raise ValueError(f"{path} must describe the columns of a run, as the command writes it, but {what}")

    wanted = {"encodings": list, "named": bool, "targets": list, "classes": list, "task": str, "loss": str, "missing": str,
              "weights": (str, type(None)), "groups": (str, type(None)), "scaling": (dict, type(None)),
              "target_scaling": (dict, type(None))}
    if not isinstance(found, dict):
        refuse(f"holds {type(found).__name__} in their place")
    for name, kind in wanted.items():
        if name not in found or not isinstance(found[name], kind):  # type: ignore[arg-type]
            refuse(f"columns.{name} is {shortened(repr(found.get(name, 'not there')))}")
    width, seen = 0, set()
    for one in found["encodings"]:
        whole = (isinstance(one, dict) and isinstance(one.get("name"), str) and one.get("kind") in KINDS and one["name"] not in seen
                 and all(isinstance(text, str) for text in one.get("categories", ()))
                 and (one["kind"] != "one-hot" or len(set(one.get("categories", ()))) == len(one.get("categories", ())) > 0)
                 and all(_finite(mean) for mean in one.get("means", ())))
        if not whole:
            refuse(f"one of columns.encodings is {shortened(repr(one))}")
        seen.add(one["name"])
        made = {"dropped": 0, "one-hot": len(one.get("categories", ()))}.get(one["kind"], 1)
        if len(one.get("means", ())) not in (0, made):
            refuse(f"{one['name']!r} has {len(one['means'])} means for {made} features")
        width += made
    if not all(isinstance(name, str) for name in found["targets"]):
        refuse(f"columns.targets is {shortened(repr(found['targets']))}")
    if found["task"] not in ("classes", "numbers") or found["missing"] not in ("refuse", "drop", "mean"):
        refuse(f"columns.task is {found['task']!r} and columns.missing {found['missing']!r}")
    if not all(isinstance(label, (str, int, float, bool)) for label in found["classes"]):
        refuse(f"columns.classes is {shortened(repr(found['classes']))}")
    for name in ("scaling", "target_scaling"):
        if found[name] is not None:
            center, spread = (found[name].get(part) for part in ("center", "spread"))
            if not (isinstance(center, list) and isinstance(spread, list) and len(center) == len(spread)
                    and (name != "scaling" or len(center) == width) and all(map(_finite, center))
                    and all(_finite(number) and number > 0 for number in spread)):
                refuse(f"columns.{name} must hold a finite center and a spread above 0 for each of its columns")


def _finite(number: object) -> bool:
    return isinstance(number, (int, float)) and not isinstance(number, bool) and bool(np.isfinite(number))
