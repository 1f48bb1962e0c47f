"""The forward pass and all chains, against the peak of multiply-adds."""

from .common import Benchmark


class Chains(Benchmark):
    """γ and B^1 … B^(L-1)."""

    work = "chains"

    def time_chains(self, network, dtype, threads):
        self.run()

    def track_share_of_peak(self, network, dtype, threads):
        return self.share(network, dtype, "peak")

    track_share_of_peak.unit = "share"


class ChainsByWidth(Chains):
    """The same between layers of one width, 1 to 1024."""

    params = ([f"width {w}" for w in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)], *Benchmark.params[1:])
    work = "products"
