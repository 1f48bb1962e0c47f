"""The natural gradient: steepest descent in the metric of the model's own distributions."""

from dataclasses import dataclass

import numpy as np

from .. import checks
from ..network import Network
from ..operators.kronecker_checks import FORMS
from ..typing import Array
from . import checks as update_checks
from .averaged_factors import INTERVAL, AveragedFactors, adapted, no_factors
from .linearised import Linearised, RightSide
from .output_hessians import expected_output_hessian
from .second_order import DampedStep
from .solvers import Solver
from .update import UpdateState


@dataclass(frozen=True, repr=False)
class NaturalGradient(DampedStep):
    """θ ← θ − η (F + λ I)⁻¹ D_θ C, with Fisher's information F = Σ_k (∇φ)_k Jᵀ_k E[∇L ∇Lᵀ] J_k (eq. 21; Amari 1998).

    The expectation is over targets drawn from the model itself, the density exp(−L), and exact: for squared_error,
    softmax_cross_entropy, binary_cross_entropy and poisson it equals ∇²L, so that F is the generalised Gauss–Newton matrix;
    of gaussian_nll it is diag(e^−s, 1/2), and for absolute_error, quantile_loss, log_cosh and huber a constant. hinge, cosine,
    losses with weights of classes or answers and losses of one's own are no densities: a ValueError. The scale is the reduction's:
    under "mean" F is divided by m. The ∇² of the cost's penalty is added to F.

    With ``solver="kfac"`` F is Kronecker-factored, the curvature at the outputs the same; with a `decay` besides the factors are
    averages over batches; and with `adaptive` λ follows how well the quadratic model does. All three are after Martens & Grosse
    (2015, arXiv 1503.05671), without their momentum and their rescaling of steps.

    Parameters
    ----------
    rate : float or callable
        η, or a function of the batch time step.
    damping : float
        λ ≥ 0; where it is 0, or below rounding, and F is singular, the step of least norm, as `GaussNewton` has it.
    solver : {"auto", "cholesky", "qr", "kernel", "cg", "kfac"}
        As `LevenbergMarquardt` has it.
    decay : float
        In [0, 1), of "kfac": the factors of the batch i steps ago count decay^i, divided by the sum of these weights; 0 takes each
        batch's own. Martens & Grosse have up to 0.95.
    adaptive : bool
        Whether every fifth step multiplies λ by 0.95⁵ where the cost of its batch fell by more than 3/4 of what the model says,
        and divides it by that where it fell by less than 1/4. λ then begins at `damping`, which must be above 0.
    form : {"exact", "factored"}
        How "kfac" is damped, as `solve` of `engine.operators.kfac` has it.

    See Also
    --------
    GaussNewton : With the loss's own Hessian.
    engine.operators.fisher : The matrix.
    engine.operators.kfac : Its Kronecker factors.

    Notes
    -----
    The state holds, with a decay, "input_factors" and "output_factors", layer after layer, and "weight", the sum of their weights;
    with `adaptive`, "damping" and "steps". A checkpoint saves them, so that a run goes on with the same bits.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, NaturalGradient, Network, fit
    >>> from schedulers import BatchSchedule
    >>> X, y = np.array([[-2.0], [-1.0], [1.0], [3.0]]), np.array([0.0, 1.0, 0.0, 1.0])
    >>> run = fit(Network((1, 1), ("identity",), np.zeros(2)), X, y, Cost("binary_cross_entropy"), NaturalGradient(damping=0),
    ...           BatchSchedule(4), epochs=6, progress=False)
    >>> run.network.parameters.round(4)
    array([ 0.4447, -0.0976])
    >>> update = NaturalGradient(0.5, solver="kfac", decay=0.9, adaptive=True)
    >>> run = fit(run.network, X, y, Cost("binary_cross_entropy"), update, BatchSchedule(2), epochs=6, progress=False)
    >>> sorted(run.state.arrays)
    ['damping', 'input_factors', 'output_factors', 'steps', 'weight']
    """

    decay: float = 0.0
    adaptive: bool = False
    form: str = "exact"

    output_hessian = staticmethod(expected_output_hessian)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "decay", update_checks.fraction(self.decay, "decay"))
        object.__setattr__(self, "adaptive", update_checks.adaptive(self.adaptive, self.damping))
        checks.one_of(self.form, "form", FORMS)
        update_checks.of_kfac(self.solver, decay=self.decay != 0, form=self.form != "exact")

    def begin(self, network: Network) -> UpdateState:
        """The factors, zeros, where they are averaged, and λ where it adapts."""
        arrays = no_factors(network) if self.decay else {}
        if self.adaptive:
            arrays |= {"damping": np.array(self.damping), "steps": np.zeros((), np.int64)}
        return UpdateState(arrays)

    def _built_solver(self, here: Linearised, steepest: RightSide, state: UpdateState) -> Solver:
        if self.solver != "kfac":
            return super()._built_solver(here, steepest, state)
        update_checks.available_solver("kfac", here.solvers)
        return AveragedFactors(here, steepest, self.form, state.arrays, self.decay)

    def _damping_now(self, state: UpdateState) -> float:
        return float(state.arrays["damping"]) if self.adaptive else self.damping

    def _adapt(self, here: Linearised, step: Array, state: UpdateState) -> None:
        """Adapt λ to how well the model foretells the step."""
        if self.adaptive:
            damping, steps = state.arrays["damping"], state.arrays["steps"]
            steps[...] += 1
            if steps % INTERVAL == 0:
                damping[...] = adapted(float(damping), here, step)
