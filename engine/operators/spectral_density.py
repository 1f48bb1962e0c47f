"""The density of an operator's eigenvalues from products with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh_tridiagonal

from schedulers.notebook import WithSettings

from .. import checks
from . import checks as operator_checks
from .unit_scale import real_dtype, unit_scale


@dataclass(frozen=True, repr=False)
class SpectralDensity(WithSettings):
    """Σ_i weights_i δ(t − nodes_i), an estimate of (1/P) Σ_j δ(t − λ_j). Made by `spectral_density`.

    Attributes
    ----------
    nodes : ndarray [count]
        In ascending order.
    weights : ndarray [count]
        They sum to 1.
    size : int
        P.
    """

    nodes: np.ndarray
    weights: np.ndarray
    size: int

    def at(self, points: ArrayLike, width: float) -> NDArray[np.float64]:
        """The density at points [.], each node widened to a normal density of standard deviation `width`."""
        width = checks.positive(width, "width")
        away = (np.asarray(points, float)[:, None] - self.nodes) / width
        return np.exp(-away**2 / 2) @ self.weights / (width * np.sqrt(2 * np.pi))

    def trace_of(self, function: Callable[[NDArray[np.float64]], NDArray[Any]]) -> float:
        """tr f(K) = Σ_j f(λ_j), estimated as P Σ_i weights_i f(nodes_i): `numpy.log1p` gives a log determinant of I + K."""
        return float(self.size * (self.weights @ function(self.nodes)))


def lanczos(operator: Any, start: NDArray[Any], steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(α [k], β [k − 1]): the tridiagonal matrix of k ≤ steps steps from a unit vector, orthogonalised twice against all before."""
    basis, alpha, beta = [start], [], []
    for _ in range(steps):
        v = operator @ basis[-1]
        alpha.append(basis[-1] @ v)
        size = np.linalg.norm(v)
        Q = np.stack(basis, 1)
        for _ in range(2):
            v = v - Q @ (Q.T @ v)
        left = np.linalg.norm(v)
        if len(alpha) == steps or left <= 10 * np.finfo(v.dtype).eps * max(size, abs(alpha[0])):
            break
        beta.append(left)
        basis.append(v / left)
    return np.array(alpha, float), np.array(beta, float)


def spectral_density(operator: Any, *, steps: int = 40, probes: int = 10, seed: int = 0) -> SpectralDensity:
    """The density of the eigenvalues of a symmetric operator by stochastic Lanczos quadrature (Golub & Welsch 1969; Ubaru, Chen &
    Saad 2017; for networks Ghorbani, Krishnan & Xiao 2019, arXiv 1901.10159).

    Each probe is a random unit vector, from which `steps` Lanczos steps give a Gauss rule of that vector's spectral measure; the
    density is their mean. Moments up to 2 steps − 1 are exact for the probes drawn.

    Parameters
    ----------
    operator : LinearOperator [P, P]
        Any symmetric one of ours, or another.
    steps : int
        Products a probe.
    probes : int
    seed : int or numpy.random.Generator

    Returns
    -------
    SpectralDensity

    Raises
    ------
    ValueError
        Where the operator is not square, or its products are not finite.

    See Also
    --------
    leading_eigenvalues : The largest, exactly.
    trace_estimate : The trace alone.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse.linalg import aslinearoperator
    >>> from engine.operators import spectral_density
    >>> density = spectral_density(aslinearoperator(2.0 * np.eye(5)))
    >>> round(density.trace_of(lambda t: t), 9)
    10.0
    """
    steps, probes = checks.whole_number(steps, "steps", 1), checks.whole_number(probes, "probes", 1)
    generator, size = checks.generator(seed), operator_checks.square(operator)
    scale, unit = unit_scale(operator)
    nodes, weights = [], []
    for _ in range(probes):
        start = generator.standard_normal(size)
        start = (start / np.linalg.norm(start)).astype(real_dtype(operator))
        values, vectors = eigh_tridiagonal(*lanczos(unit, start, min(steps, size)))
        nodes.append(values * (scale or 1))
        weights.append(vectors[0]**2 / probes)
    order = np.argsort(np.concatenate(nodes), kind="stable")
    return SpectralDensity(np.concatenate(nodes)[order], np.concatenate(weights)[order], size)
