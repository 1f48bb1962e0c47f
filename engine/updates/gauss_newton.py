"""Gauss–Newton: the step to the minimum of the linearised network's cost."""

from dataclasses import dataclass

from .second_order import DampedStep


@dataclass(frozen=True)
class GaussNewton(DampedStep):
    """θ ← θ − η (Jᵀ H J + λ I)⁻¹ D_θ C, with H the losses' Hessians weighted by ∇φ (eq. 21).

    For squared_error the step to the minimum of the linearised network; for other losses the generalised Gauss–Newton matrix
    (Schraudolph 2002), a loss Hessian that is not positive semi-definite projected. The scale is the reduction's: under
    "mean" λ stands beside a curvature divided by m. A step may raise the cost; `LevenbergMarquardt` never does.

    Parameters
    ----------
    rate : float or callable
        η, or a function of the batch time step.
    damping : float
        λ ≥ 0; where the system is singular in the network's dtype it grows tenfold until it is not.
    solver : {"auto", "cholesky", "qr", "kernel", "cg", "kfac"}
        As `LevenbergMarquardt` has it.

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
