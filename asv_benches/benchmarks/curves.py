"""Time against the number of samples, the depth and the width; `python -m asv_benches.curves` draws it."""

from .common import cases, in_engine

AXES = {"samples": [10**k for k in range(7)], "depth": [2**k for k in range(7)], "width": [4**k for k in range(7)]}


class Curves:
    """A gradient and all chains along one axis."""

    params = ([f"{axis} {value}" for axis, values in AXES.items() for value in values], ["float64", "float32"])
    param_names = ["at", "dtype"]
    timeout = 300

    def setup(self, at, dtype):
        axis, value = at.split()[0], int(at.split()[1])
        in_engine.set_threads(None)
        widths, samples = cases.along(axis, value)
        peer = in_engine.Peer(cases.Case(widths, samples, dtype))
        self.gradient, self.chains = peer.gradient().run, peer.chains().run
        self.gradient()
        self.chains()

    def time_gradient(self, at, dtype):
        self.gradient()

    def time_chains(self, at, dtype):
        self.chains()
