"""Samples that live on the workers of a Dask cluster: derivatives and fits over all of them, by eq. 20.

m losses come in, m numbers of ∇φ go out, and a sum of P numbers comes back, folded on the workers up the fixed tree of blocks. So
C, D_θ C, first-order fits and products with curvature have the bits of one machine, for every φ, whatever the workers and their
threads.
Needs `distributed`: ``python -m pip install "gammachain[distributed]"``.
"""

from .fitting import fit
from .gradient import value_and_gradient
from .operators import ggn, ntk
from .shards import Shards, load, scatter

__all__ = ["Shards", "fit", "ggn", "load", "ntk", "scatter", "value_and_gradient"]
