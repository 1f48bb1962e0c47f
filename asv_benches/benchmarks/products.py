"""J v and Jᵀ u, with the forward pass and after it."""

from .common import Benchmark


class Matvec(Benchmark):
    """J v, forward pass included."""

    work = "jv"

    def time_product(self, network, dtype, threads):
        self.run()


class MatvecKept(Matvec):
    """J v, the forward pass at hand."""

    work = "jv_kept"


class Rmatvec(Matvec):
    """Jᵀ u, forward pass included."""

    work = "jtu"


class RmatvecKept(Matvec):
    """Jᵀ u, the forward pass at hand."""

    work = "jtu_kept"
