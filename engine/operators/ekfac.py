"""Kronecker-factored curvature with the right scale along each of its eigenvectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import checks
from ..cost import Cost
from ..network import Network
from ..typing import Array
from .docstrings import documented
from .kfac import KroneckerFactored, in_order


class EigenCorrected(KroneckerFactored):
    """The block-diagonal operator Q_l diag(s_l) Q_lᵀ, where Q_l = U_l ⊗ V_l are the eigenvectors of B_l ⊗ A_l. Made by `ekfac`."""

    def _spectrum(self) -> list[tuple[Array, Array, Array]]:
        if self._eigen is None:
            self._eigen = self._corrected(super()._spectrum())
        return self._eigen

    def _corrected(self, spectrum: list[tuple[Array, Array, Array]]) -> list[tuple[Array, Array, Array]]:
        """(U, V, s) for every layer, s [n_l, n_{l−1} + 1] the GGN's diagonal in the basis U ⊗ V."""
        totals = [np.zeros_like(s) for *_, s in spectrum]
        for part in self._parts():
            for l, ((U, V, _), total) in enumerate(zip(spectrum, totals), 1):
                inputs = (part.inputs(l) @ V)**2
                for chunk, chain in part.chains(l):
                    rotated = chain @ U
                    total += np.einsum("kip,kip->kp", rotated, rotated).T @ inputs[chunk]
        return [(U, V, np.maximum(total, 0)) for (U, V, _), total in zip(spectrum, totals)]

    def _matvec(self, v: Array) -> Array:
        v = checks.direction(v, self.shape[1], self.dtype)
        return self._join(U @ (s * (U.T @ part @ V)) @ V.T for part, (U, V, s) in zip(self._split(v), self._spectrum()))

    _rmatvec = _matvec

    def diagonal(self) -> Array:
        """The diagonal [P]."""
        return self._join(U**2 @ s @ (V**2).T for U, V, s in self._spectrum())

    def trace(self) -> np.floating[Any]:
        """The sum of the diagonal, a number: the GGN's own."""
        return self.dtype.type(sum(s.sum() for _, _, s in self._spectrum()))

    def _block(self, l: int) -> Array:
        U, V, s = self._spectrum()[l]
        Q = np.kron(U, V)
        return in_order((Q * s.reshape(-1)) @ Q.T, self.network.widths[l + 1])


@documented
def ekfac(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, *, max_bytes: int | None = None) -> EigenCorrected:
    """Eigen-corrected Kronecker-factored curvature (George et al. 2018, arXiv 1806.03884).

    The eigenvectors are those of `kfac`; the eigenvalue of each is what the GGN has along it. Of all operators with these
    eigenvectors it is the nearest to each block of the GGN in Frobenius' norm, and its trace is the GGN's. The scale is `kfac`'s,
    and so are the cases where the blocks are exact.

    Parameters
    ----------
    {samples}
    cost : Cost
        Any reduction; a loss with a Hessian.
    {max_bytes_of_factors}
        The samples pass once more for the eigenvalues.

    Returns
    -------
    EigenCorrected
    {factored_operator}

    Raises
    ------
    {no_loss_hessian}
    {no_block}

    See Also
    --------
    kfac : Cheaper, and with the eigenvalues of a Kronecker product.
    ggn : What it approximates.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Cost, Network
    >>> from engine.operators import ekfac
    >>> network = Network((1, 1), ("exp",), np.array([0.0, 0.0]))
    >>> E = ekfac(network, np.array([[1.0], [2.0]]), np.ones((2, 1)), Cost("squared_error", "sum"))
    >>> float(E.trace().round(12))
    7.0
    """
    return EigenCorrected(network, X, y, cost, max_bytes)
