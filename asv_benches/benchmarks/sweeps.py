"""What a sweep adds to its runs, and how busy it keeps the cores."""

import functools
import tempfile

import schedulers
from schedulers import share, sweep

from .common import cases, in_engine, sweep_runs


class Overhead:
    """Milliseconds a run that does nothing, stored, from the first to the last of them."""

    params = ["processes", "threads"]
    param_names = ["executor"]
    timeout = 300
    unit = "ms"
    runs = 2000

    def track_overhead(self, executor):
        with tempfile.TemporaryDirectory() as folder:
            rows = sweep(sweep_runs.nothing, {"i": range(self.runs)}, executor=None if executor == "processes" else executor,
                         store=f"{folder}/sweep.sqlite", progress=False).rows
        moments = [row["ran"] for row in rows]
        return (max(moments) - min(moments)) / len(moments) * 1e3


class Busy:
    """The share of all cores that 64 small fits keep busy in processes, after start-up."""

    timeout = 300
    unit = "share"
    epochs = 100

    def track_busy(self):
        with tempfile.TemporaryDirectory() as folder:
            rows = sweep(functools.partial(sweep_runs.fitting, epochs=self.epochs),
                         {"rate": [0.01, 0.02, 0.05, 0.1], "seed": range(16)}, store=f"{folder}/sweep.sqlite", progress=False).rows
        return sweep_runs.busy(rows, share.machine())


class SmallFits:
    """64 fits by threads: 2-20-20-1, and 64-64-32-10."""

    params = cases.WORK["sweep"][1]
    param_names = ["network"]
    timeout = 300

    def setup(self, network):
        self.run = in_engine.Peer(cases.Case.named(network, "float32")).sweep().run
        self.run()

    def time_sweep(self, network):
        self.run()


class Loading:
    """A store of 10⁴ runs read back, and its means over seeds."""

    timeout = 300
    runs = 10_000

    def setup(self):
        if not hasattr(schedulers, "load_sweep"):
            raise NotImplementedError("this engine has no load_sweep")
        self.folder = tempfile.TemporaryDirectory()
        self.store = f"{self.folder.name}/sweep.sqlite"
        sweep(sweep_runs.seeded, {"rate": range(self.runs // 4), "seed": range(4)}, executor="threads", store=self.store,
              progress=False)
        self.result = schedulers.load_sweep(self.store)

    def teardown(self):
        self.folder.cleanup()

    def time_load_sweep(self):
        schedulers.load_sweep(self.store)

    def time_group(self):
        self.result.group(over="seed")
