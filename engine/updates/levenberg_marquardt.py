"""Levenberg–Marquardt: damped Gauss–Newton steps that never make a batch's cost worse."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import checks
from ..network import Network
from ..typing import Array, Mask, Number
from . import checks as update_checks
from .linearised import BatchProblem, Linearised, RightSide
from .output_hessians import output_hessian
from .second_order import finite_diagonal
from .solvers import NAMES, Solver, build
from .update import Update, UpdateState

PROBE = 0.1  # how far along a step the outputs' second derivative is taken (Transtrum & Sethna 2012)
MOST = float(np.finfo(np.float64).max)  # a state holds finite numbers alone
FLOOR = 1e-30  # of D², relative to its largest: columns 10¹⁵ apart in scale are still told from columns of zeros
SHORTER = 0.9  # times the shortest before it: a step that long, whose decrease rounding hides, still gains digits
PATIENCE = 20  # steps that gain none


class Trial(NamedTuple):
    """One attempt at a step: δ [p], the decrease that the model predicts, the cost there, |D δ| / |D θ|."""

    step: Array
    predicted: float
    value: float
    length: float


@dataclass(frozen=True, repr=False)
class LevenbergMarquardt(Update):
    """θ ← θ + δ, (Jᵀ H J + λ D²) δ = −D_θ C, with H the losses' Hessians weighted by ∇φ and λ led by the gain (eq. 21).

    For any loss with a Hessian, any reduction and any schedule; the cost's penalty is part of C, and its ∇² is added to Jᵀ H J. The
    gain is the cost's decrease over the model's; λ falls by
    up to a third where it is near 1 and grows 2, 8, 64 … times where an attempt fails (Nielsen, *Damping parameter in
    Marquardt's method*, 1999). D² is the running maximum of the diagonal of Jᵀ H J (Moré 1978): with it all eight of NIST's
    regressions that are networks are solved from both starts, with the current diagonal (Marquardt 1963) MGH17 is not. A step
    never takes a worse cost of its batch: it takes a lower one, an equal one, and, where the model predicts less than
    rounding can tell, one equal to within rounding, or the last digits would never be reached.

    Directions that change no output (a column given twice, one-hot columns beside a bias, the logits of a softmax) stay where they
    are. Rounding puts a part of about ε |w| of the right side Mᵀ w into them, and 1/λ of that into the step, so λ does not fall
    below about 10 ε by the solvers cholesky, kernel, cg and kfac; qr takes λ down to ε², but solves by the singular values of M D⁻¹
    where rank is short (some are below 4 max(shape) ε of the largest). Where rounding hides the decrease of 20 steps on end
    while neither λ nor the steps get any smaller, the tolerance "step" counts as met, and θ stays.

    With `geodesic`, a step bends along the second derivative of the outputs in its own direction (Transtrum & Sethna,
    arXiv 1201.5885), for one forward pass and one solve more: sin(10x)/10x by 1-20-20-1 after 200 steps has a mean squared
    error near 1e-13 with it, 1e-9 without. Across a long plateau it need not pay: 8000 noisy samples of three inputs (optimistix
    issue 124) by 3-20-20-1 came down to their noise in 159, 193 and 403 steps with it, 154, 175 and 223 without. Nor does it where
    activations have kinks, of which a second derivative says nothing: six problems, each from three starts, had a higher cost after
    60 steps in 10 to 13 of 18 runs by relu, leaky_relu, hard_tanh, selu and hard_swish, but a lower one in 10 to 13 by tanh, gelu
    and elu.

    Parameters
    ----------
    damping : float
        λ > 0 to begin with, relative to D².
    solver : {"auto", "cholesky", "qr", "kernel", "cg", "kfac"}
        cholesky on the normal equations p × p; qr on [Sᵀ J; √λ D], S Sᵀ = H, which has about twice the digits; kernel in the
        mn × mn dual; cg by products, preconditioned by the diagonal; kfac by `engine.operators.kfac`, with D a multiple of I.
        auto takes the cheapest, and qr up to p = 64. They give the same step but for cg, to its tolerance, and kfac.
    geodesic : bool or "auto"
        Bend steps; one whose bend is more than 3/4 of it is refused and λ grows. "auto" bends unless the slope of a hidden
        activation jumps (relu, leaky_relu, selu, elu but for α = 1, hard_tanh, hard_sigmoid, hard_swish).
    attempts : int
        At most so many values of λ a batch step; where none serves, θ stays and λ goes on from there.
    gradient_tolerance : float
        The run ends where max |D_θ C| is at most this; 0 ends it where the gradient is 0.
    step_tolerance : float, optional
        The run ends where |D δ| is at most this times |D θ|; the dtype's rounding ε where None. It counts as met, too, where
        rounding hides all that steps still do.
    cost_tolerance : float
        The run ends where the cost's decrease and the model's are both at most this times the cost; 0 leaves it out.

    See Also
    --------
    GaussNewton : With a fixed damping and rate.
    objective : The same cost for `scipy.optimize.least_squares`.

    Notes
    -----
    `fit` ends early where every batch step of an epoch meets a tolerance; ``result.state.arrays`` then says which, as
    "stopped": "gradient", "step" or "cost" ("" where none was met), beside λ ("damping"), its next growth ("growth"), D²
    ("scale" [P]) and, since rounding last hid nothing, the least λ, the least |D δ| / |D θ| and the idle steps ("hidden" [3]).

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, LevenbergMarquardt, Network, fit
    >>> from schedulers import BatchSchedule
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> run = fit(Network.initialize((1, 5, 1), "tanh"), X, np.sin(3 * X), Cost("squared_error"), LevenbergMarquardt(),
    ...           BatchSchedule(50), epochs=60, progress=False)
    >>> run.history[-1]["cost"] < 1e-4
    True
    """

    damping: float = 1e-3
    solver: str = "auto"
    geodesic: bool | str = "auto"
    attempts: int = 10
    gradient_tolerance: float = 0.0
    step_tolerance: float | None = None
    cost_tolerance: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "damping", checks.positive(self.damping, "damping"))
        checks.one_of(self.solver, "solver", NAMES)
        object.__setattr__(self, "geodesic", update_checks.geodesic(self.geodesic))
        object.__setattr__(self, "attempts", checks.whole_number(self.attempts, "attempts", 1))
        for name in ("gradient_tolerance", "cost_tolerance"):
            object.__setattr__(self, name, update_checks.not_negative(getattr(self, name), name))
        if self.step_tolerance is not None:
            object.__setattr__(self, "step_tolerance", update_checks.not_negative(self.step_tolerance, "step_tolerance"))

    def begin(self, network: Network) -> UpdateState:
        """λ as set, D² still 0, no tolerance met."""
        return UpdateState({"damping": np.array(self.damping), "growth": np.array(2.0), "met": np.array(0),
                            "scale": np.zeros(network.size, network.dtype), "stopped": np.array("", "U8"),
                            "hidden": np.array([MOST, MOST, 0.0])})

    def on(self, network: Network) -> LevenbergMarquardt:
        """The settings with True or False for a geodesic "auto"."""
        made = copy.copy(self)
        object.__setattr__(made, "geodesic", self._bends(network))
        return made

    def _bends(self, network: Network) -> bool:
        """Whether steps bend."""
        if isinstance(self.geodesic, bool):
            return self.geodesic
        return not any(activation.kinked for activation in network.activations[:-1])

    def going_on(self, state: UpdateState) -> UpdateState:
        """λ and D² as they were, and no tolerance met yet."""
        state.arrays["met"][...], state.arrays["stopped"][...] = 0, ""
        return state

    def finished(self, state: UpdateState, steps: int) -> bool:
        """Whether a tolerance was met in each of the last `steps` batch steps."""
        return steps > 0 and int(state.arrays["met"]) >= steps

    def step(self, problem: BatchProblem, theta: Array, state: UpdateState, trainable: Mask, time: int) -> Number:
        """One batch step: attempts with growing λ until one does not make the cost worse (eq. 21)."""
        here = problem.linearised(theta, trainable, output_hessian)
        if np.isfinite(here.value):
            note(state.arrays, self._moved(here, theta, state.arrays))
        return here.value

    def _moved(self, here: Linearised, theta: Array, arrays: dict[str, NDArray[Any]]) -> str:
        """Change θ and λ unless the gradient is within its tolerance. Gives the name of the tolerance that was met, or ""."""
        if np.abs(here.gradient).max(initial=0) <= self.gradient_tolerance:
            return "gradient"
        with np.errstate(over="ignore", invalid="ignore"):
            return self._attempt(here, theta, arrays)

    def _attempt(self, here: Linearised, theta: Array, arrays: dict[str, NDArray[Any]]) -> str:
        """Change θ and λ. Gives the name of the tolerance that was met, or ""."""
        steepest, eps = here.steepest(), np.finfo(theta.dtype).eps
        solver = build(self.solver, here, steepest)
        diagonal = finite_diagonal(solver, steepest)
        squares, rounding = _running_maximum(arrays["scale"], here.free, diagonal), here.rounding(diagonal, steepest.image)
        least_step, least = eps if self.step_tolerance is None else self.step_tolerance, solver.least_damping(squares)
        for _ in range(self.attempts):
            damping = max(float(arrays["damping"]), least)
            trial = self._trial(here, solver, steepest, squares, damping)
            decrease, hidden = here.value - trial.value, trial.predicted <= rounding
            if decrease >= 0 or (hidden and decrease >= -rounding):
                if _idle(arrays["hidden"], hidden, damping, trial.length) > PATIENCE:
                    return "step"
                theta[here.free] += trial.step  # eq. 21
                gain = 1.0 if hidden else float(decrease / trial.predicted)
                arrays["damping"][...] = max(damping * max(1 / 3, 1 - (2 * min(gain, 1.0) - 1)**3), least)
                arrays["growth"][...] = 2.0
                limit = self.cost_tolerance * abs(here.value)
                return ("step" if trial.length <= least_step else
                        "cost" if limit > 0 and max(decrease, trial.predicted) <= limit else "")
            arrays["damping"][...] = max(damping * arrays["growth"], eps)
            arrays["growth"][...] = 2 * arrays["growth"]
            if trial.length <= least_step:
                return "step"
        return ""

    def _trial(self, here: Linearised, solver: Solver, steepest: RightSide, squares: Array, damping: float) -> Trial:
        """The step of one λ. Its cost is infinite where it is refused before that is known."""
        refused = Trial(steepest.vector, np.inf, np.inf, np.inf)
        if not solver.damp(damping, squares):
            return refused
        step = -solver.solve(steepest)
        if not np.isfinite(step).all():
            return refused
        pushed = here.pushed(step)
        predicted = -float(here.gradient @ step) - here.half_square(pushed)
        size = np.sqrt(squares)
        length = float(np.linalg.norm(size * step) / max(np.linalg.norm(size * here.theta[here.free]), np.finfo(step.dtype).tiny))
        refused = Trial(step, predicted, np.inf, length)
        if self._bends(here.network):
            bend = _bend(here, solver, step, pushed)
            if bend is not None:
                if not 2 * np.linalg.norm(size * bend) <= 0.75 * np.linalg.norm(size * step):
                    return refused
                step = step + bend / 2
        return Trial(step, predicted, here.value_at(step), length)


def note(arrays: dict[str, NDArray[Any]], met: str) -> None:
    """Note the name of the tolerance that a batch step met, or ""."""
    arrays["met"][...] = int(arrays["met"]) + 1 if met else 0
    arrays["stopped"][...] = met


def _idle(seen: Any, hidden: bool, damping: float, length: float) -> int:
    """The number of steps in a row whose decrease rounding hid, and which had neither a smaller λ nor a smaller length than all
    hidden steps before them.

    `seen` holds the least λ, the least length and that number since rounding hid nothing.
    """
    if not hidden:
        seen[...] = MOST, MOST, 0
    elif damping < seen[0] or length < SHORTER * seen[1]:
        seen[...] = min(damping, seen[0]), min(seen[1], length), 0
    else:
        seen[2] += 1
    return seen[2]


def _running_maximum(scale: Array, free: Any, diagonal: Array) -> Array:
    """D² [p], the largest diagonal so far, kept in `scale` [P] and never 0."""
    scale[free] = np.maximum(scale[free], diagonal)
    squares = scale[free]
    largest = squares.max()
    return np.maximum(squares, max(FLOOR * largest, np.finfo(squares.dtype).tiny)) if largest > 0 else np.ones_like(squares)


def _bend(here: Linearised, solver: Solver, step: Array, pushed: Any) -> Array | None:
    """(MᵀM + λ D²)⁻¹ Mᵀ Sᵀ of minus the outputs' second derivative along `step` [p], or None where rounding hides it."""
    side = here.bend(step, pushed, PROBE)
    if side is None:
        return None
    return -solver.solve(side) if np.isfinite(side.vector).all() else np.full_like(step, np.inf)
