"""The dense Jacobian, against fills of the same memory."""

from .common import Benchmark


class Dense(Benchmark):
    """J into an array that is used again."""

    params = (list("ABCD"), *Benchmark.params[1:])
    work = "dense"

    def time_dense(self, network, dtype, threads):
        self.run()

    def track_share_of_fill(self, network, dtype, threads):
        return self.share(network, dtype, "fill")

    def track_share_of_non_temporal_fill(self, network, dtype, threads):
        return self.share(network, dtype, "non-temporal fill")

    track_share_of_fill.unit = track_share_of_non_temporal_fill.unit = "share"


class DenseFresh(Benchmark):
    """J into fresh memory."""

    params = Dense.params
    work = "dense_fresh"

    def time_dense(self, network, dtype, threads):
        self.run()

    def track_share_of_fill(self, network, dtype, threads):
        return self.share(network, dtype, "fill of fresh memory")

    track_share_of_fill.unit = "share"
