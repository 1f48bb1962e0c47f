"""The end of a run: whatever stops it, what it had reached by its last whole epoch is saved and handed on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from .errors import Interrupted
from .history import History
from .network import Network, with_parameters
from .typing import Array
from .updates import UpdateState


@dataclass(frozen=True)
class FitResult:
    """The result of a run: the trained `network`, its `history`, and the update's `state`, None where the run ended before it
    began."""

    network: Network
    history: History
    state: UpdateState | None

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>\n{self.history._repr_html_()}"


class Whole(NamedTuple):
    """A run at the end of an epoch: θ [P] and the update's state, which nobody else changes, and how many epochs it has."""

    theta: Array
    state: UpdateState
    epochs: int


class Reached:
    """The run up to its last whole epoch.

    Parameters
    ----------
    network : Network
        Where the run begins.

    Attributes
    ----------
    whole : Whole or None
        Replaced by one assignment, so that an interrupt finds either the epoch before or this one.
    history : History
        Its first `whole.epochs` rows belong to `whole`.
    best : Whole or None
        The epoch that a callback wants to have restored.
    """

    def __init__(self, network: Network) -> None:
        self._network, self.history = network, History()
        self._shown: tuple[Whole | None, Network] = None, network
        self._write: Callable[[Array, UpdateState, History], None] | None = None
        self.whole: Whole | None = None
        self.best: Whole | None = None
        self._written: Whole | None = None

    def begin(self, theta: Array, state: UpdateState, history: History,
              write: Callable[[Array, UpdateState, History], None]) -> None:
        """Note the run before its first epoch, or as a checkpoint had it. ``write(theta, state, history)`` writes a checkpoint,
        where the run has one."""
        self.history, self._write = history, write
        self.whole = self._written = Whole(theta.copy(), state.copy(), len(history))

    def network(self, whole: Whole) -> Network:
        """The network of a whole epoch."""
        if self._shown[0] is not whole:
            self._shown = whole, with_parameters(self._network, whole.theta)
        return self._shown[1]

    def result(self, restored: Whole | None = None) -> FitResult:
        """The FitResult of the run up to its last whole epoch, with the network and the state of `restored` in place of its own."""
        whole = self.whole
        if whole is None:
            return FitResult(self._network, History(), None)
        given = whole if restored is None else restored
        return FitResult(self.network(given), History(self.history.rows[:whole.epochs]), given.state)

    def save(self) -> None:
        """Write the checkpoint, where there is one that does not hold the last whole epoch yet."""
        whole = self.whole
        if whole is not None and whole is not self._written and self._write is not None:
            history = self.history if len(self.history) == whole.epochs else History(self.history.rows[:whole.epochs])
            self._write(whole.theta, whole.state, history)
            self._written = whole

    def stopped(self, error: BaseException, save: bool = True) -> BaseException:
        """The exception to raise in place of one that stops the run, with the run in its `.result`. The last whole epoch is saved
        first."""
        failure = self._save_failure() if save else None
        if self.whole is None and not isinstance(error, KeyboardInterrupt):
            return error
        result = self.result()
        if type(error) is KeyboardInterrupt or isinstance(error, Interrupted):
            error = Interrupted(f"fit was interrupted after {len(result.history)} whole epochs; the run up to then is in this "
                                "exception's .result", result)
        else:
            attach(error, result)
        if failure is not None and repr(failure) != repr(error):
            error.add_note(f"The checkpoint of the last whole epoch could not be written: {type(failure).__name__}: {failure}")
        return error

    def _save_failure(self) -> Exception | None:
        """Save the run. Gives the exception that prevented it, or None."""
        try:
            self.save()
        except Exception as failure:
            return failure
        return None


def attach(error: BaseException, result: FitResult) -> None:
    """Attach a FitResult to an exception as `.result`, or as `.fit_result` where the exception has a `.result` of its own."""
    try:
        if isinstance(getattr(error, "result", None), FitResult | None):
            BaseException.__setattr__(error, "result", result)
            return
    except Exception:  # a property that cannot be read or set
        pass
    BaseException.__setattr__(error, "fit_result", result)
    error.add_note("The run of fit up to its last whole epoch is in this exception's .fit_result")


def with_result(network: Network, work: Callable[[Reached], FitResult]) -> FitResult:
    """Call ``work(reached)`` and give its result. An exception that leaves it carries the run up to its last whole epoch, and an
    interrupt becomes an `Interrupted`. Another interrupt meanwhile ends only the saving."""
    reached = Reached(network)
    try:
        return work(reached)
    except BaseException as error:
        cause = error
        try:
            stop = reached.stopped(error)
        except KeyboardInterrupt as second:
            cause = second
            try:
                stop = reached.stopped(second, save=False)
            except KeyboardInterrupt as third:
                cause, stop = third, reached.stopped(third, save=False)
        try:
            if stop is error:
                raise
            raise stop from cause
        finally:
            del stop, cause
