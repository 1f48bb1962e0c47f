"""What a sweep adds to its runs, and how busy it keeps the cores."""

import functools
import tempfile

from schedulers import share, sweep

from .common import sweep_runs


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
