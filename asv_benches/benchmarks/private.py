"""Steps of private training, and of the same update without: 64-64-32-10 on 1792 samples, Poisson batches of 256 or so."""

from asv_benches.peers import cases, in_engine

from .common import THREADS


class Private:
    """20 epochs of 7 batch steps."""

    params = (["float64", "float32"], THREADS)
    param_names = ["dtype", "threads"]
    timeout = 300

    def setup(self, dtype, threads):
        in_engine.set_threads(threads)
        self.ways = in_engine.Peer(cases.Case.named("digits", dtype)).private()
        for work in self.ways.values():
            work.run()

    def time_private(self, dtype, threads):
        self.ways[""].run()

    def time_plain(self, dtype, threads):
        self.ways["not private"].run()
