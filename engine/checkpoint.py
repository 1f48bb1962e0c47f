"""A run on disk: all that it takes to go on, bit for bit, as if it had never stopped."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import file_checks
from .archives import Archive, Member, opened, write_arrays
from .errors import CheckpointError
from .files import keep_copy, replacing
from .history import History
from .journal import Journal, decoded, encoded, is_reference, read_journal, remove_journals
from .run_identity import difference, run_identity
from .typing import Array, Path, Row
from .updates import UpdateState

if TYPE_CHECKING:
    from .epochs import FitRun

FORMAT, OLD, WHAT = "gammachain checkpoint 2", "gammachain checkpoint 1", "a checkpoint that fit wrote"
ROWS = 100  # of the history that a checkpoint holds itself; those before lie in a journal beside it
TEXTS = Member("u", (None,), np.dtype(np.uint8), most=1 << 24)


class Checkpoint:
    """The checkpoint of one run at a path (none where it is None).

    Beside `path` lie ``path.previous``, the checkpoint before the newest, from the third epoch on, and ``path.history-…``, the
    older rows of a history of more than 100 epochs. A file is either replaced whole, or only grows behind what the checkpoints
    refer to: whenever a run is killed, a good checkpoint is there.

    Parameters
    ----------
    path : path-like or None
    run : the checked inputs of a fit
    every : int
        Epochs from one checkpoint to the next.
    begun : UpdateState
        The update's state before the first step, whose arrays any other state must be like.
    given : UpdateState, optional
        The state that the user gave to begin with.

    Raises
    ------
    CheckpointError
        Where a file cannot be written at `path`.
    """

    def __init__(self, path: Path | None, run: FitRun, every: int, begun: UpdateState, given: UpdateState | None = None) -> None:
        self.path = path
        if path is None:
            return
        self._target = file_checks.checkpoint_path(path)
        self._every, self._network, self._begun = every, run.network, begun.arrays
        self._identity = run_identity(run, given)
        self._journal, self._newest = Journal(self._target), 0
        self._said: set[str] = set()
        self._saved: tuple[int, str] | None = None

    @property
    def previous(self) -> str:
        """Where the checkpoint before the newest is kept."""
        return self._target + ".previous"

    def due(self, epochs: int) -> bool:
        """Whether a checkpoint is to be written after so many epochs."""
        return self.path is not None and epochs % self._every == 0

    def next_due(self, epochs: int, last: int) -> int:
        """After how many epochs, `last` at most, a checkpoint is to be written next, once there are more than `epochs`."""
        return last if self.path is None else min(epochs - epochs % self._every + self._every, last)

    def load(self) -> tuple[Array, UpdateState, list[Row]] | None:
        """θ, the update's state and the history's rows of the newest checkpoint that is whole; None where there is none.

        Raises
        ------
        CheckpointError
            Where the file is no checkpoint, is damaged with no good one before it, or belongs to another run; it says what is
            wrong, or what differs.
        """
        if not os.path.exists(self._target) and not os.path.exists(self.previous):
            return None
        try:
            theta, state, rows = self._read(self._target)
            self._newest = len(rows)
        except FileNotFoundError:
            theta, state, rows = self._from_previous(f"{self._target} is gone")
        except _Damaged as damage:
            theta, state, rows = self._from_previous(damage)
        self._saved = len(rows), encoded(rows[-1], self._said) if rows else ""
        return theta, state, rows

    def _from_previous(self, damage: object) -> tuple[Array, UpdateState, list[Row]]:
        try:
            found = self._read(self.previous)
        except (CheckpointError, OSError):
            raise CheckpointError(str(damage)) from None
        warnings.warn(f"{damage}. The run goes on from the checkpoint before it, {self.previous}, which holds {len(found[2])} "
                      "epochs", stacklevel=5)
        return found

    def save(self, theta: Array, state: UpdateState, history: History) -> None:
        """Write a checkpoint; whatever fails, the one before stays."""
        if self.path is None:
            return
        rows, grown = history.rows, False
        self._journal.check()
        lines = [encoded(row, self._said) for row in rows[self._journal.reference["rows"]:]]
        if len(lines) > ROWS:  # the last row may still be changed by callbacks
            self._journal.append(lines[:-1])
            lines, grown = lines[-1:], True
        texts = {"identity": json.dumps(self._identity), "history": json.dumps(self._journal.reference), "rows": "".join(lines)}
        arrays: dict[str, Any] = {"format": FORMAT, "theta": theta}
        arrays.update((name, np.frombuffer(text.encode(), np.uint8)) for name, text in texts.items())
        arrays.update((f"state.{name}", array) for name, array in state.arrays.items())
        if self._newest > 1:  # a checkpoint of one epoch saves no more than that epoch
            keep_copy(self._target, self.previous)
        with replacing(self._target) as file:
            write_arrays(file, **arrays)
        if self._saved is None:  # a run from its beginning: what was kept belongs to another
            with contextlib.suppress(OSError):
                os.unlink(self.previous)
        self._saved, self._newest = (len(rows), lines[-1]), len(rows)
        if grown:
            self._clean()

    def finish(self, theta: Array, state: UpdateState, history: History) -> None:
        """Write what has not been written yet: epochs, or what callbacks put into the last row; remove what no checkpoint needs."""
        if self.path is None:
            return
        rows = history.rows
        if rows and (len(rows), encoded(rows[-1], self._said)) != self._saved:
            self.save(theta, state, history)
        self._journal.close()
        self._clean()

    def _clean(self) -> None:
        """Remove the journals to which no checkpoint refers."""
        with contextlib.suppress(CheckpointError):
            remove_journals(self._target, self._journals_kept)

    def _journals_kept(self) -> list[str]:
        """The names of the journals to which the checkpoints on disk and this run refer."""
        kept = [self._journal.reference["name"]]
        for path in (self._target, self.previous):
            with contextlib.suppress(FileNotFoundError), opened(path, WHAT, CheckpointError) as archive:
                kept.append(_json(archive, "history", is_reference)["name"])
        return kept

    def _read(self, path: str) -> tuple[Array, UpdateState, list[Row]]:
        with opened(path, WHAT, _Damaged) as archive:
            archive.require(["format"])
            found = str(archive.read("format", Member("U", (), most=1000)))
            if found == OLD:
                raise CheckpointError(f"{path} is a checkpoint of an earlier release, which recorded too little to tell whether it "
                                      "belongs to this run; to begin a new run with its parameters, give fit "
                                      f"network.replace(numpy.load({os.fspath(path)!r})['theta']) and another checkpoint path")
            if found != FORMAT:
                archive.refuse(f"has the format {found!r}; this release reads {FORMAT!r}")
            other = difference(_json(archive, "identity", _is_identity), self._identity)
            if other is not None:
                name, there, here = other
                raise CheckpointError(f"the checkpoint {path} belongs to another run: its {name} is {there}, here {here}; name "
                                      "another path, or leave out resume=True to start again")
            return self._contents(archive)

    def _contents(self, archive: Archive) -> tuple[Array, UpdateState, list[Row]]:
        """θ, state and rows, each like this run's own."""
        wanted = {"theta": self._network.parameters, **{f"state.{name}": array for name, array in self._begun.items()}}
        other = set(archive.names) - set(wanted) - {"format", "identity", "history", "rows"}
        if other:
            archive.refuse(f"is not one: it holds {', '.join(sorted(other))}, which this update does not have")
        members = {name: Member(array.dtype.kind, array.shape, array.dtype) for name, array in wanted.items()}
        for name, member in members.items():
            archive.header(name, member)
        found = {name: archive.read(name) for name in members}
        theta = found.pop("theta")
        if not np.isfinite(theta).all():
            archive.refuse("is not one: its theta must be finite")
        state = UpdateState({name.removeprefix("state."): array for name, array in found.items()})
        return theta, state, self._rows(archive)

    def _rows(self, archive: Archive) -> list[Row]:
        reference = _json(archive, "history", is_reference)
        older = read_journal(self._target, reference)
        if isinstance(older, str):
            archive.refuse(f"is not whole: {older}")
        newer = archive.read("rows", TEXTS).tobytes()
        with contextlib.suppress(ValueError, RecursionError):
            rows, last = decoded(older, 0), decoded(newer, reference["rows"])
            if rows is not None and last and len(rows) == reference["rows"]:
                return rows + last
        archive.refuse("is damaged: its history's rows are not those of its epochs")


class _Damaged(CheckpointError):
    """A file that is cut, damaged or foreign, where the checkpoint before it may do."""


def _json(archive: Archive, name: str, holds: Callable[[Any], bool]) -> Any:
    """A member that is JSON, for which `holds` must be true."""
    text = archive.read(name, TEXTS).tobytes()
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(text)
        if holds(found):
            return found
    archive.refuse(f"is damaged: its {name} cannot be understood")


def _is_identity(found: Any) -> bool:
    return isinstance(found, dict) and all(isinstance(text, str) for text in found.values())
