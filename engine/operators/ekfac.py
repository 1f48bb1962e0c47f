"""Kronecker-factored curvature with the right scale along each of its eigenvectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from ..cost import Cost
from ..network import Network
from ..typing import Array, Mask
from .docstrings import documented
from .kfac import made
from .kronecker_blocks import CorrectedBlock
from .kronecker_factored import KroneckerFactored
from .kronecker_parts import KroneckerPart
from .kronecker_passes import KroneckerPasses


class EigenCorrected(KroneckerFactored):
    """The block-diagonal operator Q_l diag(s_l) Q_lᵀ, where Q_l = U_l ⊗ V_l are the eigenvectors of B_l ⊗ A_l, and the second
    derivative of the cost's penalty. Made by `ekfac`."""

    two_rounds = True

    def __init__(self, passes: KroneckerPasses, cost: Cost, parts: Sequence[KroneckerPart], trainable: Mask) -> None:
        super().__init__(passes, cost, parts, trainable)
        self._passes = passes
        self._corrected: list[CorrectedBlock] | None = None

    def _ready(self) -> list[CorrectedBlock]:
        """The blocks, whose eigenvalues are the GGN's diagonal in the basis U ⊗ V."""
        if self._corrected is None:
            blocks = [CorrectedBlock(block.B, block.A, block.strengths) for block in super()._ready()]
            for samples in self._passes:
                for part, block in zip(self._parts, blocks):
                    inputs = block.squared_inputs(samples.inputs(part.layer)[:, part.inputs])
                    for chunk, chain in samples.chains(part.layer):
                        block.add(chain[:, :, part.neurons], inputs[chunk])
            self._corrected = blocks
        return self._corrected

    def with_factors(self, input_factors: Sequence[Array], output_factors: Sequence[Array]) -> EigenCorrected:
        """The same operator along the eigenvectors of other factors."""
        made = super().with_factors(input_factors, output_factors)
        assert isinstance(made, EigenCorrected)
        made._corrected = None
        return made


@documented
def ekfac(network: Network, X: ArrayLike, y: ArrayLike, cost: Cost, *, biases: str = "joint", curvature: str = "ggn",
          samples: int | None = None, seed: Any = 0, trainable: ArrayLike | None = None,
          max_bytes: int | None = None) -> EigenCorrected:
    """Eigen-corrected Kronecker-factored curvature (George et al. 2018, arXiv 1806.03884).

    The eigenvectors are those of `kfac`; the eigenvalue of each is what the GGN has along it. Of all operators with these
    eigenvectors it is the nearest to each block of the GGN in Frobenius' norm, and its trace is the GGN's. The scale is `kfac`'s,
    and so are the cases where the blocks are exact.

    Parameters
    ----------
    {samples}
    cost : Cost
        Any reduction; a loss with a Hessian. A penalty adds its diagonal, exactly.
    {kronecker_settings}
    {max_bytes_of_factors}
        The samples pass once more for the eigenvalues.

    Returns
    -------
    EigenCorrected
    {factored_operator}

    Raises
    ------
    {no_loss_hessian}
    {cut_through}
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
    return made(EigenCorrected, network, X, y, cost, biases, curvature, samples, seed, trainable, max_bytes)
