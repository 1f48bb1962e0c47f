"""The natural gradient: steepest descent in the metric of the model's own distributions."""

from dataclasses import dataclass

from .output_hessians import expected_output_hessian
from .second_order import DampedStep


@dataclass(frozen=True, repr=False)
class NaturalGradient(DampedStep):
    """θ ← θ − η (F + λ I)⁻¹ D_θ C, with Fisher's information F = Σ_k (∇φ)_k Jᵀ_k E[∇L ∇Lᵀ] J_k (eq. 21; Amari 1998).

    The expectation is over targets drawn from the model itself, the density exp(−L), and exact: for squared_error,
    softmax_cross_entropy, binary_cross_entropy and poisson it equals ∇²L, so that F is the generalised Gauss–Newton matrix;
    of gaussian_nll it is diag(e^−s, 1/2), and for absolute_error, quantile_loss, log_cosh and huber a constant. hinge, cosine,
    losses with weights of classes or answers and losses of one's own are no densities: a ValueError. The scale is the reduction's:
    under "mean" F is divided by m. The ∇² of the cost's penalty is added to F.

    Parameters
    ----------
    rate : float or callable
        η, or a function of the batch time step.
    damping : float
        λ ≥ 0; where it is 0, or below rounding, and F is singular, the step of least norm, as `GaussNewton` has it.
    solver : {"auto", "cholesky", "qr", "kernel", "cg", "kfac"}
        As `LevenbergMarquardt` has it.

    See Also
    --------
    GaussNewton : With the loss's own Hessian.
    engine.operators.fisher : The matrix.

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
    """

    output_hessian = staticmethod(expected_output_hessian)
