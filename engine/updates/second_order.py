"""The base of updates by curvature: a linearised batch step, and a damped solve that is finite or says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks
from ..errors import DivergenceError
from ..network import Network
from ..typing import Array, Mask, Number, Rate
from . import checks as update_checks
from .linearised import BatchProblem, Linearised, RightSide
from .output_hessians import output_hessian
from .solvers import NAMES, Solver, build
from .update import Update, UpdateState

GROWTHS = 40


@dataclass(frozen=True, repr=False)
class DampedStep(Update):
    """θ ← θ − η (Jᵀ H J + λ I)⁻¹ D_θ C, with an H that a subclass names. It is the least-norm step where λ is 0, and λ grows where
    the system cannot be solved.

    Parameters
    ----------
    rate, damping, solver
        As `GaussNewton` has them.
    """

    rate: Rate = 1.0
    damping: float = 1e-3
    solver: str = "auto"

    output_hessian = staticmethod(output_hessian)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", update_checks.rate(self.rate))
        object.__setattr__(self, "damping", update_checks.not_negative(self.damping, "damping"))
        checks.one_of(self.solver, "solver", NAMES)

    def begin(self, network: Network) -> UpdateState:
        """Nothing is carried from step to step."""
        return UpdateState({})

    def step(self, problem: BatchProblem, theta: Array, state: UpdateState, trainable: Mask, time: int) -> Number:
        """One step along −(Jᵀ H J + λ I)⁻¹ D_θ C (eq. 21)."""
        here = problem.linearised(theta, trainable, self.output_hessian)
        if np.isfinite(here.value) and here.size and np.any(here.gradient):
            rate = update_checks.rate_now(self.rate(time) if callable(self.rate) else self.rate, time)
            steepest = here.steepest()
            solver = self._built_solver(here, steepest, state)
            step = -rate * damped_direction(solver, steepest, self._damping_now(state))  # eq. 21
            self._adapt(here, step, state)
            theta[here.free] += step
        return here.value

    def _built_solver(self, here: Linearised, steepest: RightSide, state: UpdateState) -> Solver:
        """What solves the damped system of a step."""
        return build(self.solver, here, steepest)

    def _damping_now(self, state: UpdateState) -> float:
        """λ of a step."""
        return self.damping

    def _adapt(self, here: Linearised, step: Array, state: UpdateState) -> None:
        """Adapt the state to a step δ that is about to be taken."""


def damped_direction(solver: Solver, steepest: RightSide, damping: float) -> Array:
    """(MᵀM + λ I)⁻¹ D_θ C [p], with the first of λ, 10 λ, 100 λ, … for which it is finite.

    Raises
    ------
    DivergenceError
        Where there is none.
    """
    ones = np.ones_like(steepest.vector)
    least: Any = np.finfo(ones.dtype).eps * float(finite_diagonal(solver, steepest).max())
    for _ in range(GROWTHS):
        if solver.damp(damping, ones):
            direction = solver.solve(steepest)
            if np.isfinite(direction).all():
                return direction
        damping = max(10 * damping, least)
    raise DivergenceError("the damped system has no finite solution at these parameters, whatever the damping; lower the rate or "
                          "scale the samples")


def finite_diagonal(solver: Solver, steepest: RightSide) -> Array:
    """The diagonal of MᵀM [p].

    Raises
    ------
    DivergenceError
        Where it or the gradient is not finite.
    """
    diagonal = solver.diagonal()
    if not (np.isfinite(diagonal).all() and np.isfinite(steepest.vector).all()):
        raise DivergenceError("the gradient or the curvature is not finite at these parameters, though the cost is; lower the rate "
                              "or scale the samples")
    return diagonal
