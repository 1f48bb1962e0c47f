"""Predictions of a whole batch."""

from .common import Benchmark


class Forward(Benchmark):
    """network(X)."""

    work = "forward"

    def time_predictions(self, network, dtype, threads):
        self.run()
