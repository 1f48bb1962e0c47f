"""Turns: which caller uses the threads now. An interrupt, at whatever instruction it comes, never leaves them taken for ever."""

from __future__ import annotations

import sys
import threading
from types import FrameType


class Turn:
    """One caller's turn with the threads. The function that makes it also ends it.

    If an interrupt comes while that function ends the turn, the turn is over as soon as the function no longer runs, which shows
    in the frames of its thread.
    """

    __slots__ = ("_frame", "_over", "_thread", "next")

    next: dict[int, Turn]
    _frame: FrameType | None

    def __init__(self) -> None:
        self._over, self.next, self._thread, self._frame = False, {}, threading.get_ident(), sys._getframe(1)

    def end(self) -> None:
        """Give the threads back. It does no harm to call this twice."""
        self._over = True
        self._frame = None

    @property
    def over(self) -> bool:
        """Whether another caller may have the threads."""
        frame = self._frame
        if self._over or frame is None:
            return True
        at = sys._current_frames().get(self._thread)
        while at is not None:
            if at is frame:
                return False
            at = at.f_back
        self.end()
        return True


class Turns:
    """A chain of turns. Each began after the one before it was over, and only the last may still be running.

    There is no lock, because a lock that is taken when an interrupt comes would stay taken. Every change is one step instead:
    `dict.setdefault` decides who follows a turn that is over, and setting one attribute ends a turn.
    """

    def __init__(self) -> None:
        self._last = Turn()
        self._last.end()

    def take(self, turn: Turn) -> bool:
        """Give the threads to `turn` unless another turn has them. Returns whether `turn` has them now."""
        last = self._last
        while last.over:
            last = last.next.setdefault(0, turn)
            if last is turn:
                self._last = turn
                return True
        return False

    @property
    def taken(self) -> bool:
        """Whether a caller has the threads."""
        last = self._last
        while last.over and last.next:
            last = last.next[0]
        return not last.over
