"""Gauss–Newton: the step to the minimum of the linearised network's cost."""

from dataclasses import dataclass

from .second_order import DampedStep


@dataclass(frozen=True, repr=False)
class GaussNewton(DampedStep):
    """θ ← θ − η (Jᵀ H J + λ I)⁻¹ D_θ C, with H the losses' Hessians weighted by ∇φ (eq. 21).

    For squared_error the step to the minimum of the linearised network; for other losses the generalised Gauss–Newton matrix
    (Schraudolph 2002), a loss Hessian that is not positive semi-definite projected. The scale is the reduction's: under
    "mean" λ stands beside a curvature divided by m. The cost's penalty is part of it all: of the gradient, and with its ∇² of the
    curvature. A step may raise the cost; `LevenbergMarquardt` never does.

    Parameters
    ----------
    rate : float or callable
        η, or a function of the batch time step.
    damping : float
        λ ≥ 0. Where it is 0, or below rounding, and Jᵀ H J is singular, the step is the one of least Euclidean norm among those
        that serve alike, to which the steps for λ → 0 tend (cg: of least norm relative to the columns' norms). Where even that
        solves nothing, because the gradient lies where there is no curvature, λ grows tenfold until there is a solution.
    solver : {"auto", "cholesky", "qr", "kernel", "cg", "kfac"}
        As `LevenbergMarquardt` has it.

    See Also
    --------
    LevenbergMarquardt : With damping that follows how well the model does.
    NaturalGradient : With the Fisher matrix.

    Notes
    -----
    Rank is judged with the columns of M = Sᵀ J, S Sᵀ = H, scaled to norm 1, so that the units of X do not matter: qr and kernel
    count singular values below 4 max(shape) ε of the largest as 0, cholesky eigenvalues of MᵀM below (4 p + √mn) ε of the
    largest. They are computed only where a cheap estimate of the condition number says that rank may be short.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, GaussNewton, Network, fit
    >>> from schedulers import BatchSchedule
    >>> X = np.linspace(-1, 1, 8)[:, None]
    >>> line = Network((1, 1), ("identity",), np.zeros(2))
    >>> fit(line, X, 2 * X + 1, Cost("squared_error"), GaussNewton(damping=0), BatchSchedule(8), epochs=1,
    ...     progress=False).network.parameters.round(9)
    array([2., 1.])
    """
