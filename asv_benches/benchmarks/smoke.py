"""One small case of everything that is measured, for a quick look at whether the benchmarks run."""

from .common import cases, in_engine, limits, share

OF_OWN_NETWORKS = {"products", "gram", "gram_other", "products_kept", "epoch", "adam_step", "levenberg_marquardt",
                   "bayesian_regularization", "private", "fit", "fit_full", "sweep", "elementary", "jet_dense", "residual_step"}
WORKS = [name for name in cases.WORK if name not in OF_OWN_NETWORKS]


class Smoke:
    """2-3-3-2, three samples; limits where there are."""

    params = WORKS
    param_names = ["work"]
    timeout = 300

    def setup(self, work):
        self.case = cases.Case((2, 3, 3, 2), 3, "float32")
        self.made = getattr(in_engine.Peer(self.case), work)()
        if self.made is None:
            raise NotImplementedError(f"this engine has no {work}")
        self.bounds = getattr(limits.Peer(self.case), work, dict)()

    def time_work(self, work):
        self.made.run()

    def track_least_share_of_a_limit(self, work):
        return min((share(self.made, bound) for bound in self.bounds.values()), default=0.0)
