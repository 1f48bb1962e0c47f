"""The batch steps of private training in a fit: in the kernels, for which noise is drawn ahead, or one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from schedulers.described import described, digest

from ..clipped import clipped_to
from ..kernels.clipped import add_noise
from ..kernels.epoch import Privacy
from ..kernels.normal import standard_normal
from ..kernels.streamed import NOT_CLIPPED, BlockSum
from ..network import Network
from ..typing import Array, Mask, Number
from .linearised import BatchProblem
from .update import Update, UpdateState

if TYPE_CHECKING:
    from .private import Private

NOISE = 1 << 20  # bytes of the noise of one call into the kernels


class PrivateSteps(Update):
    """The batch steps of one fit by a `Private`, whose batches are expected to hold so many samples."""

    empty_steps = True

    def __init__(self, settings: Private, expected: float) -> None:
        self.settings, self.expected = settings, expected

    def begin(self, network: Network) -> UpdateState:
        """As the settings begin."""
        return self.settings.begin(network)

    def on(self, network: Network) -> Any:
        """What a checkpoint knows of the settings: the seed by a hash."""
        settings = self.settings
        return {"private": described(settings.update.on(network)), "clip_norm": settings.clip_norm,
                "noise_multiplier": settings.noise_multiplier, "seed": digest(str(settings.seed)), "expected batch": self.expected}

    def going_on(self, state: UpdateState) -> UpdateState:
        """As the update inside goes on; the noise too."""
        return self.settings.update.going_on(state)

    def skip(self, state: UpdateState, count: int = 1) -> None:
        """Count `count` batch steps that kernels have made, for the update inside and for the noise."""
        self.settings.update.skip(state, count)
        steps = state.arrays["noise_steps"]
        steps[()] = steps.item() + count

    def step(self, problem: BatchProblem, theta: Array, state: UpdateState, trainable: Mask, time: int) -> Number:
        """One step of the update inside along the clipped and noisy gradient; gives the batch's cost before it, NaN without
        samples."""
        losses, gradient = cast(Any, problem).losses_and_clipped_sum(theta, self.settings.clip_norm, trainable)
        value = problem.cost.reduce(losses)[0] if len(losses) else theta.dtype.type(0)
        if not np.isfinite(value):
            return value
        add_noise(gradient, self.noise(state, 1, theta)[0], self.deviation, 1 / self.expected)
        value, gradient = problem.cost.with_penalty(problem.network(theta), value, gradient)
        self.settings.update.step(cast(BatchProblem, _Known(value, gradient)), theta, state, trainable, time)
        steps = state.arrays["noise_steps"]
        steps[()] = steps.item() + 1
        return value if len(losses) else theta.dtype.type(np.nan)

    @property
    def deviation(self) -> float:
        """σ c, the standard deviation of the noise."""
        return self.settings.noise_multiplier * self.settings.clip_norm

    def noise(self, state: UpdateState, count: int, theta: Array) -> Array:
        """Standard normal noise of the next `count` steps, a row [P] or [P + 1] for each; zeros where the noise multiplier is 0."""
        rows = np.zeros((count, theta.size + theta.size % 2), theta.dtype)
        if self.settings.noise_multiplier:
            draw(self.settings.seed, state.arrays["noise_steps"].item(), rows)
        return rows

    def privacy(self, network: Network, state: UpdateState, count: int, theta: Array, trainable: Mask) -> Privacy:
        """How kernels make the gradients of the next `count` steps private."""
        return Privacy(clipped_to(network, self.settings.clip_norm, trainable), self.deviation, 1 / self.expected,
                       self.noise(state, count, theta))


class _Known:
    """A batch step of which nothing but a cost and a gradient is to be had."""

    def __init__(self, value: Number, gradient: Array) -> None:
        self._value, self._gradient = value, gradient

    def value_and_gradient(self, theta: Array) -> tuple[Number, Array]:
        """Both."""
        return self._value, self._gradient


def inside(update: Any) -> Any:
    """The update that takes the gradients: the one inside a private one, else the update itself."""
    return update.settings.update if isinstance(update, PrivateSteps) else update


def block_sum_code(update: Any) -> int:
    """How kernels sum the gradients of a block's samples in a fit by such an update."""
    return (BlockSum.CLIPPED if isinstance(update, PrivateSteps) else BlockSum.WEIGHTED).value


def most_steps(update: Any, theta: Array) -> int | None:
    """How many batch steps kernels may make in one call, so that their noise stays small; None for any number."""
    return max(1, NOISE // theta.nbytes) if isinstance(update, PrivateSteps) else None


def privacy(update: Any, network: Network, state: UpdateState, count: int, theta: Array, trainable: Mask) -> Privacy:
    """What kernels are told of the privacy of the next `count` steps."""
    if isinstance(update, PrivateSteps):
        return update.privacy(network, state, count, theta, trainable)
    return not_private(theta)


def not_private(theta: Array) -> Privacy:
    """What kernels are told where gradients are neither clipped nor noisy."""
    return Privacy(NOT_CLIPPED, 0.0, 1.0, np.empty((0, 0), theta.dtype))


def draw(seed: int, step: int, rows: Array) -> None:
    """Fill rows [steps, even] with the standard normal noise of batch steps `step`, `step` + 1, …: numbers of Philox (Salmon et al.
    2011), keyed by the seed, its counter from step · 2¹²⁸ on, by Box & Muller's method (1958).

    A row depends on nothing but these, so that any step can be made again without those before it.
    """
    bits, size = np.random.Philox(key=seed), rows.shape[1]
    start = bits.state
    for k, row in enumerate(rows):
        start["state"]["counter"][:] = 0, 0, step + k, 0  # four words of 64 bits; 3 µs, a generator for each step 15
        bits.state = start
        if row.dtype == np.float32:
            halves = bits.random_raw(size // 2).astype("<u8", copy=False).view("<u4")
            standard_normal((halves >> np.uint32(1)).astype(np.int32), 2.0**-31, row)
        else:
            standard_normal((bits.random_raw(size) >> np.uint64(11)).astype(np.int64), 2.0**-53, row)
