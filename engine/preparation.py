"""What a fit compiles: on several cores, said on its progress bar, counted, and timed, for it is no part of the training."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from .helper_processes import KernelCall, compile_in_helpers, entries_of
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
from .kernels.linked import member_of
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

    def __init__(self, bar: Any, ahead: Callable[[], Collection[Any] | None]) -> None:
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
                self._total = -1 if ahead is None else done + len(ahead) - (function in ahead)
            text = f"{SAID}: {done} of {self._total}" if done <= self._total else f"{SAID}: {done}"
        self._bar.set_description_str(text, refresh=bool(text))


def prepare_fit(run: FitRun, state: UpdateState, validated: int) -> None:
    """Have helper processes compile what a fit needs whose epochs are calls into the kernels, and which is validated on so many
    samples."""
    codes = _codes(run)
    if codes is None:
        return
    network, on_threads = run.network, threads_for(_validation_work(run, validated)) > 1
    forms = tuple((array.dtype, array.flags.writeable) for array in (run.X, run.targets))
    compile_in_helpers((network.dtype, *codes.values(), forms, validated > 0, on_threads), num_threads(),
                       lambda: list(entries_of(_calls(run, state, validated), codes, network.dtype)))


def compiled_ahead(run: FitRun, state: UpdateState, validated: int) -> list[Any] | None:
    """The functions that such a fit has yet to compile, one twice that is needed in two forms; None for other fits."""
    codes = _codes(run)
    return None if codes is None else list(entries_of(_calls(run, state, validated), codes, run.network.dtype).values())


def _codes(run: FitRun) -> dict[Any, tuple[int, ...]] | None:
    """Of each family of kernels, the codes that a fit uses; None where its epochs are not calls into the kernels."""
    code = getattr(inside(run.update), "code", -1)
    in_memory = isinstance(run.X, np.ndarray) and isinstance(run.targets, np.ndarray)
    if min(code, run.cost.loss.code, run.cost.reduction.code) < 0 or not (in_memory and run.network.kernels.built_in):
        return None
    return {activate: tuple(activation.code for activation in run.network.activations), loss_panel: (run.cost.loss.code,),
            reduce_losses: (run.cost.reduction.code,), update_parameters: (code,),
            add_penalty: () if run.cost.penalty is None else (PenaltyCode.RIDGE.value,),
            block_sum: (block_sum_code(run.update),),
            batch_gradient: ((Passes.STREAMED if run.cost.reduction.linear else Passes.WHOLE).value,)}


def _calls(run: FitRun, state: UpdateState, validated: int) -> Iterator[KernelCall]:
    """The kernels that a fit calls from Python, in their order."""
    network, dtype = run.network, run.network.dtype
    theta, plan, table, indices = np.empty(0, dtype), network.kernels.plan, np.empty((0, 0), dtype), np.empty(0, np.int64)
    loss, reduction, rates = run.cost.loss, run.cost.reduction, np.empty(0)
    settings, rows = update_checks.kernel_arrays(inside(run.update), network.parameters, state)
    yield KernelCall(workspace_size, (plan, 0, 0, 0, 0, 0))
    yield KernelCall(run_steps, (
        theta, plan, run.X, run.targets, Batches(indices, indices, 0, rates, 0, rates), Order(0, indices, 0),
        CostCodes(loss.code, loss.parameter, reduction.code, reduction.parameter, theta), Penalty(0.0, indices),
        UpdateCodes(0, settings, rows, run.trainable), not_private(theta), 0, 0, table, Team(indices, 1, 0, 0),
        Whole(theta, table)))
    if validated:
        forward = theta, plan, table, indices, table, table
        yield KernelCall(predict, forward, threads_for(_validation_work(run, validated)))
        yield KernelCall(loss_and_gradient, (0, 0.0, table, run.targets, theta, table, (0, 0)))
        yield KernelCall(member_of(reduce_losses, reduction.code), (reduction.parameter, theta, theta, theta))


def _validation_work(run: FitRun, validated: int) -> float:
    """Multiply-adds of the pass forward of so many samples."""
    return validated * run.network.kernels.layout.sample_work
