"""What a fit compiles: on several cores, said on its progress bar, counted, and timed, for it is no part of the training."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from .beside import called_over, compile_beside
from .kernels.activations import activate
from .kernels.epoch import (
    Batches,
    CostCodes,
    Order,
    Passes,
    Penalty,
    Team,
    UpdateCodes,
    Whole,
    batch_gradient,
    run_steps,
)
from .kernels.forward import predict
from .kernels.gradient_workspace import workspace_size
from .kernels.linked import Entry, entries_to_compile, entry_to_compile, kinds_of, member_of
from .kernels.losses import loss_and_gradient, loss_panel
from .kernels.numba_internals import compilations
from .kernels.penalties import PenaltyCode, add_penalty
from .kernels.reductions import reduce_losses
from .kernels.streamed import block_sum
from .kernels.updates import update_parameters
from .pool import num_threads, threads_for
from .updates import UpdateState
from .updates import checks as update_checks
from .updates.private_steps import block_sum_code, inside, not_private

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
    codes = _codes(run)
    if codes is None:
        return None
    called = [workspace_size, run_steps, *((predict, loss_and_gradient) if validated else ())]
    shared = entries_to_compile(called, codes, run.network.dtype)
    return {*shared.values(), *(function.py_func for function in called if not function.signatures)}


def _codes(run: FitRun) -> dict[Any, tuple[int, ...]] | None:
    """Of each family of kernels, the codes that a fit uses; None where its epochs are not calls into the kernels."""
    code = getattr(inside(run.update), "code", -1)
    if min(code, run.cost.loss.code, run.cost.reduction.code) < 0:
        return None
    return {activate: tuple(activation.code for activation in run.network.activations), loss_panel: (run.cost.loss.code,),
            reduce_losses: (run.cost.reduction.code,), update_parameters: (code,),
            add_penalty: () if run.cost.penalty is None else (PenaltyCode.RIDGE.value,),
            block_sum: (block_sum_code(run.update),),
            batch_gradient: ((Passes.STREAMED if run.cost.reduction.linear else Passes.WHOLE).value,)}


def compile_fit_beside(run: FitRun, state: UpdateState, validated: int) -> None:
    """Have other processes compile some of what a fit needs where its epochs are calls into the kernels; it is validated on so many
    samples."""
    network, codes = run.network, _codes(run)
    in_memory = isinstance(run.X, np.ndarray) and isinstance(run.targets, np.ndarray)
    if codes is None or not (in_memory and network.kernels.built_in):
        return
    dtype, work = network.dtype, validated * network.kernels.layout.sample_work

    def entries() -> list[Entry]:
        theta, plan, table, indices = np.empty(0, dtype), network.kernels.plan, np.empty((0, 0), dtype), np.empty(0, np.int64)
        loss, reduction, rates = run.cost.loss, run.cost.reduction, np.empty(0)
        settings, rows = update_checks.kernel_arrays(inside(run.update), network.parameters, state)
        steps = (theta, plan, run.X, run.targets, Batches(indices, indices, 0, rates, 0, rates), Order(0, indices, 0),
                 CostCodes(loss.code, loss.parameter, reduction.code, reduction.parameter, theta), Penalty(0.0, indices),
                 UpdateCodes(0, settings, rows, run.trainable), not_private(theta), 0, 0, table, Team(indices, 1, 0, 0),
                 Whole(theta, table))
        found = entries_to_compile([run_steps], codes, dtype)
        found |= entry_to_compile(workspace_size, "python", kinds_of(plan, 0, 0, 0, 0, 0))
        found |= entry_to_compile(run_steps, "python", kinds_of(*steps))
        if validated:
            found |= entries_to_compile([predict], codes, dtype)
            forward = theta, plan, table, indices, table, table
            found |= called_over(predict, threads_for(work), forward)
            found |= entry_to_compile(loss_and_gradient, "python", kinds_of(0, 0.0, table, run.targets, theta, table, (0, 0)))
            member = member_of(reduce_losses, reduction.code)
            found |= entry_to_compile(member, "python", kinds_of(reduction.parameter, theta, theta, theta))
        return list(found)

    forms = tuple((array.dtype, array.flags.writeable) for array in (run.X, run.targets))
    compile_beside((dtype, *codes.values(), forms, validated > 0, threads_for(work) > 1), num_threads(), entries)
