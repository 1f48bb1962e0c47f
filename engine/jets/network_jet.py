"""A network's value and its derivatives in the inputs at many points (eq. 22 and 23)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .. import checks, object_checks
from ..network import Network
from ..typing import Array
from . import pass_checks
from .components import Components
from .passes import JetPasses

SECOND = ("laplacian", "diagonal", "full")


class NetworkJet:
    """u = a^L and its first and second derivatives in the inputs x, at every point; made by `Network.jet` (eq. 22 and 23).

    Parameters
    ----------
    network : Network
        Of built-in activations; for second derivatives of smooth ones.
    X : array_like [m, n_0]
        m may be 0.
    second : {None, "laplacian", "diagonal", "full"}
        Which second derivatives are propagated: none; their sum, one component; ∂²u/∂x_i² for every i, n_0 of them; or all
        n_0 (n_0 + 1) / 2.

    Attributes
    ----------
    X : ndarray [m, n_0]
    value : ndarray [m, n]
        u.
    gradient : ndarray [m, n, n_0]
        ∂u_k/∂x_i.

    Raises
    ------
    ValueError, TypeError
        Where X does not fit the network, or an activation has not the derivatives asked for.

    See Also
    --------
    engine.Jacobian.wrt_input : First derivatives from the chains of a forward pass.
    engine.Residual : A differential equation of them, to be solved by `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Network
    >>> network = Network((2, 1, 1), ("sin", "identity"), np.array([1.0, 2.0, 0.0, 1.0, 0.0]))
    >>> jet = network.jet([[0.0, 0.0], [np.pi / 2, 0.0]], second="full")
    >>> jet.value.ravel(), jet.gradient[0, 0]
    (array([0., 1.]), array([1., 2.]))
    >>> jet.hessian[1, 0]
    array([[-1., -2.],
           [-2., -4.]])
    >>> jet.laplacian.ravel()
    array([ 0., -5.])
    """

    def __init__(self, network: Network, X: ArrayLike, second: str | None = None) -> None:
        object_checks.network(network, Network, unknowns=True)
        self._second = None if second is None else checks.one_of(second, "second", SECOND)
        n_0 = network.widths[0]
        self.X = checks.samples(X, n_0, network.dtype)
        components = Components(tuple(range(n_0)), _forms(self._second, n_0))
        pass_checks.differentiable(network, components)
        jets = JetPasses(network, self.X, components).jets()
        self.value = np.ascontiguousarray(jets[:, 0])
        self.gradient = np.ascontiguousarray(jets[:, 1:1 + n_0].transpose(0, 2, 1))
        self._forms = jets[:, 1 + n_0:].transpose(0, 2, 1)

    def __repr__(self) -> str:
        m, n, n_0 = self.gradient.shape
        second = "" if self._second is None else f", second = {self._second!r}"
        return f"NetworkJet(m = {m}, {n_0} inputs, {n} outputs{second})"

    @property
    def laplacian(self) -> Array:
        """Σ_i ∂²u/∂x_i² [m, n], of any `second`."""
        pass_checks.propagated("laplacian", self._second, SECOND)
        return self._forms[:, :, 0].copy() if self._second == "laplacian" else self.diagonal.sum(2)

    @property
    def diagonal(self) -> Array:
        """∂²u/∂x_i² [m, n, n_0], of `second` "diagonal" or "full"."""
        pass_checks.propagated("diagonal", self._second, SECOND[1:])
        return self._forms.copy() if self._second == "diagonal" else np.einsum("knii->kni", self.hessian).copy()

    @property
    def hessian(self) -> Array:
        """∂²u/∂x_i ∂x_j [m, n, n_0, n_0], of `second` "full"."""
        pass_checks.propagated("hessian", self._second, SECOND[2:])
        m, n, n_0 = self.gradient.shape
        rows, columns = np.triu_indices(n_0)
        out = np.empty((m, n, n_0, n_0), self.value.dtype)
        out[:, :, rows, columns] = out[:, :, columns, rows] = self._forms
        return out


def _forms(second: str | None, n_0: int) -> tuple[tuple[tuple[int, int, float], ...], ...]:
    """The forms of second derivatives asked for."""
    squares = tuple((i, i, 1.0) for i in range(n_0))
    if second == "laplacian":
        return (squares,)
    if second == "diagonal":
        return tuple((square,) for square in squares)
    return () if second is None else tuple(((i, j, 1.0),) for i in range(n_0) for j in range(i, n_0))
