"""What a fit compiles: said on its progress bar, counted, and timed, for it is no part of the training."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from .kernels.activations import activate
from .kernels.epoch import Passes, batch_gradient, run_steps
from .kernels.forward import predict
from .kernels.gradient_workspace import workspace_size
from .kernels.linked import to_compile
from .kernels.losses import loss_and_gradient, loss_panel
from .kernels.numba_internals import compilations
from .kernels.penalties import PenaltyCode, add_penalty
from .kernels.reductions import reduce_losses
from .kernels.updates import update_parameters

if TYPE_CHECKING:
    from .epochs import FitRun

SAID = "compiling kernels (once on this machine)"


class Compiling:
    """Listens to what the calling thread compiles until it is closed.

    Attributes
    ----------
    seconds : float
        Spent on compiling so far.
    """

    def __init__(self, bar: Any, ahead: Callable[[], set[Any] | None]) -> None:
        self._bar, self._ahead, self._total = bar, ahead, 0
        self._stack = ExitStack()
        self._found = self._stack.enter_context(compilations(self._say))

    @property
    def seconds(self) -> float:
        """Spent on compiling so far."""
        return self._found.seconds

    def close(self) -> None:
        """Listen no longer."""
        self._stack.close()

    def _say(self, function: Any) -> None:
        """Write on the bar which of how many functions is compiled, or how many they are by now where there are more."""
        if self._bar is None:
            return
        text, done = "", len(self._found.names)
        if function is not None:
            if self._total == 0:
                ahead = self._ahead()
                self._total = -1 if ahead is None else done + len(ahead - {function})
            text = f"{SAID}: {done} of {self._total}" if done <= self._total else f"{SAID}: {done}"
        self._bar.set_description_str(text, refresh=bool(text))


def compiled_ahead(run: FitRun, validated: bool) -> set[Any] | None:
    """The functions that a fit has yet to compile where its epochs are calls into the kernels; None where they are not."""
    dtype, code = run.network.dtype, getattr(run.update, "code", -1)
    if min(code, run.cost.loss.code, run.cost.reduction.code) < 0:
        return None
    called = [workspace_size, run_steps, *((predict, loss_and_gradient) if validated else ())]
    members = {activate: [activation.code for activation in run.network.activations], loss_panel: (run.cost.loss.code,),
               reduce_losses: (run.cost.reduction.code,), update_parameters: (code,),
               add_penalty: () if run.cost.penalty is None else (PenaltyCode.RIDGE,),
               batch_gradient: ((Passes.STREAMED if run.cost.reduction.linear else Passes.WHOLE).value,)}
    return {*to_compile(called, members, dtype), *(function.py_func for function in called if not function.signatures)}
