"""Turns: who has the threads now. No interrupt, at whatever instruction it comes, leaves them taken for ever."""

import sys
import threading
from types import FrameType


class Turn:
    """One caller's wish to have the threads, made in the frame of the function that ends it.

    A turn that nobody ended, because an interrupt came in the midst of ending it, is over as soon as that function is no longer
    running: its frame tells.
    """

    __slots__ = ("_frame", "_over", "_thread", "next")

    _frame: FrameType | None

    def __init__(self):
        self._over, self.next, self._thread, self._frame = False, {}, threading.get_ident(), sys._getframe(1)

    def end(self):
        """Give the threads back. To do so twice does no harm."""
        self._over = True
        self._frame = None

    @property
    def over(self):
        """Whether another may have the threads."""
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
    """A chain of turns, each of which began after the one before it was over; only the last may still be running.

    There is no lock, for one that was taken when an interrupt came would stay taken. Whatever changes, changes in one step:
    `dict.setdefault` decides who follows a turn that is over, and a turn is over once it is marked so.
    """

    def __init__(self):
        self._last = Turn()
        self._last.end()

    def take(self, turn):
        """Whether `turn` has the threads now; if not, another has."""
        last = self._last
        while last.over:
            last = last.next.setdefault(0, turn)
            if last is turn:
                self._last = turn
                return True
        return False

    @property
    def taken(self):
        """Whether somebody has the threads."""
        last = self._last
        while last.over and last.next:
            last = last.next[0]
        return not last.over
