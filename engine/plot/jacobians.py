"""The Jacobian, seen: its singular values, the kernel that it makes, and the chains that it consists of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..operators.jacobian import Jacobian
from ..operators.ntk import NeuralTangentKernel
from ..operators.spectrum import leading_singular_values
from . import plot_checks
from .canvas import axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEAR = 1e3  # times the least singular value that is no rounding


def jacobian_spectrum(jacobian: Jacobian | ArrayLike, ax: Axes | None = None, *, count: int | None = None,
                      label: str | None = None) -> Axes:
    """The singular values of a Jacobian from the largest down, and its rank.

    Their squares are the eigenvalues of J Jᵀ, the empirical tangent kernel, and of JᵀJ, the Gauss–Newton matrix of squared errors.

    Parameters
    ----------
    jacobian : Jacobian or array_like [M, P]
    ax : matplotlib.axes.Axes, optional
        Drawn on, several times too, to compare; new ones where None.
    count : int, optional
        Only so many of the largest, by `operators.leading_singular_values`, which needs no dense J; all where None.
    label : str, optional
        Of the line, in a legend.

    Returns
    -------
    matplotlib.axes.Axes
        The rank, in the title or the legend, counts the values above max(M, P) ε σ_1, as `numpy.linalg.matrix_rank` does; a
        dashed line is drawn there where values come near. Values of exactly 0 are not drawn.

    Raises
    ------
    ValueError, TypeError
        Where it is no matrix of finite real numbers, or has no entries.
    MemoryError
        Where all singular values are asked for and J does not fit in the memory available.
    ImportError
        Where Matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import plot
    >>> ax = plot.jacobian_spectrum(np.diag([3.0, 1.0, 1e-20]))
    >>> ax.get_title()
    'rank 2 of 3'
    """
    operator = jacobian if isinstance(jacobian, Jacobian) else plot_checks.matrix(jacobian, "jacobian")
    shape = plot_checks.some_entries(operator.shape, "jacobian")
    values: NDArray[Any]
    if count is None:
        values = np.linalg.svd(operator.dense() if isinstance(operator, Jacobian) else operator, compute_uv=False)
    else:
        from scipy.sparse.linalg import aslinearoperator

        values = leading_singular_values(aslinearoperator(operator), count)[1]
    least = max(shape) * np.finfo(values.dtype).eps * values[0]
    ax = axes_for(ax)
    drawn, rank = values > 0, f"rank {int((values > least).sum())} of {len(values)}"
    text = label if label is None or count is not None else f"{label}: {rank}"
    line, = ax.plot(np.arange(1, len(values) + 1)[drawn], values[drawn], ".-", label=text)
    if values[0] > 0:
        ax.set_yscale("log")
    if values[-1] <= NEAR * least:
        ax.axhline(least, linestyle="--", linewidth=1, color=line.get_color(), alpha=0.6)
    if count is None and label is None:
        ax.set_title(rank)
    ax.set(xlabel="i", ylabel="singular value σᵢ of J")
    _finish(ax, label)
    return ax


def ntk(kernel: NeuralTangentKernel | ArrayLike, ax: Axes | None = None, *, groups: ArrayLike | None = None,
        normalized: bool = False) -> Axes:
    """A tangent kernel as a heat map, a cell for each pair of samples.

    Parameters
    ----------
    kernel : NeuralTangentKernel or array_like [m, m′]
        What `operators.ntk` made, whose outputs are summed (`contracted`); or a kernel between samples.
    ax : matplotlib.axes.Axes, optional
        Drawn on; new ones where None.
    groups : array_like [m], optional
        A label for each sample, classes say: samples are sorted by it, and lines are drawn between groups. For kernels of one X.
    normalized : bool
        Divide entry (k, k′) by the roots of (k, k) and (k′, k′): the cosine of the angle between gradients. For kernels of one X.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError, TypeError
        Where it is no matrix of finite numbers, or `groups` or `normalized` does not fit it.
    ImportError
        Where Matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Network, operators, plot
    >>> X = np.linspace(-1, 1, 6)[:, None]
    >>> ax = plot.ntk(operators.ntk(Network.initialize((1, 8, 1), "tanh"), X), normalized=True)
    >>> float(ax.images[0].get_array().max().round(6))
    1.0
    """
    K = plot_checks.matrix(kernel.contracted() if isinstance(kernel, NeuralTangentKernel) else kernel, "kernel")
    label = "kernel"
    if normalized:
        roots = np.sqrt(plot_checks.positive_diagonal(K))
        K, label = K / roots[:, None] / roots, "cosine of the angle between gradients"
    names = None if groups is None else plot_checks.group_labels(groups, K)
    if names is not None:
        order = np.argsort(names, kind="stable")
        K, names = K[np.ix_(order, order)], names[order]
    ax = axes_for(ax, 5.4, 4.6)
    most = np.abs(K).max()
    signed = K.min() < -1e-6 * most
    image = ax.imshow(K, cmap="RdBu_r" if signed else "viridis", vmin=-most if signed else None, vmax=most if signed else None,
                      interpolation="none" if max(K.shape) < 500 else "antialiased")
    ax.figure.colorbar(image, ax=ax, label=label)
    ax.set(xlabel="sample", ylabel="sample")
    if names is not None:
        firsts = np.flatnonzero(np.r_[True, names[1:] != names[:-1], True])
        for first in firsts[1:-1]:
            ax.axhline(first - 0.5, color="black" if signed else "white", linewidth=0.8)
            ax.axvline(first - 0.5, color="black" if signed else "white", linewidth=0.8)
        middles = (firsts[:-1] + firsts[1:] - 1) / 2
        ax.set_xticks(middles, names[firsts[:-1]].tolist())
        ax.set_yticks(middles, names[firsts[:-1]].tolist())
    return ax


def chain_norms(jacobian: Jacobian, ax: Axes | None = None, *, label: str | None = None) -> Axes:
    """How large the chain B^l = ∂a^L/∂b^l is at each layer l: whether gradients vanish or explode on their way back (eq. 7).

    Parameters
    ----------
    jacobian : Jacobian
        Of at least one sample.
    ax : matplotlib.axes.Axes, optional
        Drawn on, several times too, to compare; new ones where None.
    label : str, optional
        Of the line, in a legend.

    Returns
    -------
    matplotlib.axes.Axes
        The line is the median over samples of the Frobenius norm ‖B^l_k‖; the band lies between a tenth and nine tenths of the
        samples.

    Raises
    ------
    ValueError, TypeError
        Where it is no Jacobian, or one of no samples.
    ImportError
        Where Matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Network, plot
    >>> network = Network.initialize((2, 8, 8, 1), "tanh")
    >>> ax = plot.chain_norms(network.jacobian(np.ones((5, 2))))
    >>> ax.lines[0].get_xdata()
    array([1, 2, 3])
    """
    plot_checks.jacobian(jacobian, Jacobian)
    plot_checks.some_entries(jacobian.shape, "jacobian")
    layers = np.arange(1, jacobian.network.depth + 1)
    norms = np.stack([np.linalg.norm(jacobian.chain(int(l)), axis=(1, 2)) for l in layers])
    low, middle, high = np.quantile(norms, (0.1, 0.5, 0.9), axis=1)
    ax = axes_for(ax)
    from matplotlib.ticker import MaxNLocator

    line, = ax.plot(layers, middle, "o-", markersize=4, label=label)
    ax.fill_between(layers, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    if low.min() > 0:
        ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="layer l", ylabel="norm of the chain Bˡ")
    _finish(ax, label)
    return ax


def _finish(ax: Axes, label: str | None) -> None:
    ax.grid(alpha=0.3)
    if label is not None:
        ax.legend()
