"""Collocation: residuals of a network, each at its own set of points, as samples, targets and a cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import reductions
from ..cost import Cost
from ..drawn import Drawn, DrawnTogether
from ..typing import Indices
from . import set_checks
from .residual import Residual
from .residual_loss import ResidualLoss


def collocation(*sets: tuple[Any, ...]) -> tuple[Any, Indices, Cost]:
    """Points X, their sets y and the cost C = ½ Σ_sets weight · mean |r|², to be given to `fit` and its like.

    Parameters
    ----------
    *sets : (points, residual, weight) or (points, residual)
        `points` array_like [m, n_0], m ≥ 1 of each set, or a `Drawn`, m points of which are drawn anew for every batch step;
        `residual` a `Residual`, which several sets may share; `weight` a number above 0, 1 where left out.

    Returns
    -------
    X : ndarray [m, n_0]
        All points, set by set; float32 where the points of all sets are, else float64. Where a set is drawn, a `Drawn` of all sets,
        to be given to `fit` with its ``X.schedule()``.
    y : ndarray of int64 [m]
        The number of each point's set, from 0; of all batch steps where a set is drawn.
    cost : Cost
        ``Cost(ResidualLoss(residuals), reductions.weighted(w))`` with w_k = weight / m of point k's set.

    Raises
    ------
    TypeError, ValueError
        Where a set is of another form, points are not finite or have another number of columns, or a weight is not above 0.

    See Also
    --------
    Residual : An equation or a boundary condition.
    Drawn : Points that are drawn anew at every batch step.
    losses.sobolev : Values and gradients of a function as targets.

    Notes
    -----
    The weights are of the whole sets: in a batch of some of the points C is the sum of their w_k L_k.

    Examples
    --------
    u″ = −sin x on (0, π), u = 0 at both ends, weighed 10 times.

    >>> import numpy as np
    >>> from engine import Residual, collocation
    >>> inside, ends = np.linspace(0, np.pi, 9)[1:-1, None], np.array([[0.0], [np.pi]])
    >>> equation, edge = Residual(lambda x, u: u.d(0, 0) + np.sin(x[:, 0])), Residual(lambda x, u: u.value)
    >>> X, y, cost = collocation((inside, equation), (ends, edge, 10.0))
    >>> X.shape, y, cost
    ((9, 1), array([0, 0, 0, 0, 0, 0, 0, 1, 1]), Cost(ResidualLoss(Residual(<lambda>), Residual(<lambda>)), weighted(9 samples)))
    """
    found = set_checks.point_sets(sets, Residual)
    counts = [points.count if isinstance(points, Drawn) else len(points) for points, _, _ in found]
    y = np.repeat(np.arange(len(found)), counts)
    w = np.repeat([weight / count for (_, _, weight), count in zip(found, counts)], counts)
    X: Any
    if any(isinstance(points, Drawn) for points, _, _ in found):
        X = DrawnTogether([points for points, _, _ in found])
        y, w = np.tile(y, X.steps), np.tile(w, X.steps)
    else:
        X = np.ascontiguousarray(np.concatenate([points for points, _, _ in found]))
    return X, y, Cost(ResidualLoss([residual for _, residual, _ in found]), reductions.weighted(w))
