"""How well the unknowns of an equation are known: their standard errors from the Gauss–Newton covariance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import svd

from .checks import residual_weights
from .cost import Cost
from .jets import pass_checks
from .jets.unknowns import NetworkWithUnknowns
from .network import Network
from .operators.residual_jacobian import ResidualJacobian

CLEAR = 4  # times ε and the larger side of M: singular values below count as 0


def standard_errors(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost) -> dict[str, float]:
    """Standard errors of the unknowns that were fitted with θ, by name.

    With M = √w J, J = ∂r/∂(θ, unknowns) and ρ = √w r at the fitted parameters, a change of ρ moves them by (MᵀM)⁺Mᵀ to first order.
    The covariance is (MᵀM)⁺ Mᵀ diag(ρ_i² / (1 − h_i)) M (MᵀM)⁺, h_i the diagonal of M (MᵀM)⁺ Mᵀ: each residual's own variance is
    estimated by its square (White 1980), divided by what the fit leaves of it (MacKinnon & White 1985, HC2). So weights need not be
    inverse variances, and points of an equation, whose residuals vanish, count as known exactly, measurements with their noise.

    Parameters
    ----------
    network : Network
        With unknowns: ``fit(...).network``.
    X, y, cost
        As the fit had them, all points.

    Returns
    -------
    dict of str to float

    Raises
    ------
    ValueError, TypeError
        Where the network has no unknowns, X and y do not fit it or each other, or the reduction is not a weighted sum.

    See Also
    --------
    engine.Residual : Names the unknowns.

    Notes
    -----
    It holds where residuals are independent and the model is nearly linear within the errors, and leaves out what a network too
    small, or not fitted to the end, adds. Directions in which M has a singular value of rounding are left out. In float64, whatever
    the network's dtype; holds M and its factors.

    Examples
    --------
    A decay u′ = −κ u measured at 21 times with noise of 0.01.

    >>> import numpy as np
    >>> from engine import LevenbergMarquardt, Network, Residual, collocation, fit, standard_errors
    >>> from schedulers import BatchSchedule
    >>> t = np.linspace(0, 1, 21)[:, None]
    >>> measured = np.exp(-2 * t[:, 0]) + 0.01 * np.random.default_rng(0).standard_normal(21)
    >>> decay = Residual(lambda x, u, p: u.d(0) + p["kappa"] * u.value, unknowns={"kappa": 1.0})
    >>> data = Residual(lambda x, u: u.value - np.interp(x[:, 0], t[:, 0], measured))
    >>> X, y, cost = collocation((t, decay), (t, data, 10.0))
    >>> network = Network.initialize((1, 4, 1), "tanh")
    >>> found = fit(network, X, y, cost, LevenbergMarquardt(), BatchSchedule(42), epochs=20, progress=False).network
    >>> error = standard_errors(found, X, y, cost)["kappa"]
    >>> 0.005 < error < 0.05, abs(found.unknowns["kappa"] - 2) < 3 * error
    (True, True)
    """
    found = pass_checks.has_unknowns(network, NetworkWithUnknowns).astype(np.float64)
    J = ResidualJacobian(found, X, y, cost)
    weights = residual_weights(cost, len(J.residuals), np.dtype(np.float64))
    roots = np.repeat(np.sqrt(weights), J.residuals.shape[1])
    U, s, Vt = svd(roots[:, None] * J.dense(), full_matrices=False)
    kept = s > s[0] * CLEAR * max(J.shape) * np.finfo(np.float64).eps
    U, first = U[:, kept], found.kernels.layout.size
    left = 1 - np.sum(U**2, axis=1)  # 1 − h
    variances = np.divide((roots * J.residuals.reshape(-1))**2, left, out=np.zeros_like(left), where=left > 1e-8)
    moves = (U / s[kept]) @ Vt[kept][:, first:]  # how each of ρ moves the unknowns
    return dict(zip(found.names, np.sqrt(variances @ moves**2).tolist()))
