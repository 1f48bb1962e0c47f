"""NumPy: the products alone, of the shapes that the work has, into arrays that are used again."""

import numpy as np
from threadpoolctl import ThreadpoolController

from .cases import Work

CONTROLLER = ThreadpoolController()


def set_threads(count):
    """Let the BLAS use `count` threads, or one for each core where None."""
    CONTROLLER.limit(limits=count)


class Peer:
    """A method for each piece of work. Products alone give no numbers to compare."""

    def __init__(self, case):
        self.case = case

    def products(self):
        case, (weights, _) = self.case, self.case.layers()
        rows = case.samples * case.outputs
        pairs, a = [], case.X
        for W in weights:
            pairs.append((a, W.T, np.zeros((case.samples, len(W)), case.dtype)))
            a = pairs[-1][2]
        B = np.zeros((rows, case.widths[-2]), case.dtype)
        for W in weights[-2:0:-1]:
            pairs.append((B, W, np.zeros((rows, W.shape[1]), case.dtype)))
            B = pairs[-1][2]

        def run():
            for left, right, out in pairs:
                np.matmul(left, right, out=out)
        return Work(run, lambda _: None)

    chains = products

    def gram(self):
        """F Fᵀ of the width of B^1 … B^(L-1) side by side: B^L is diagonal."""
        rows, width = self.case.y.size, sum(self.case.widths[1:-1])
        F = np.random.default_rng(0).standard_normal((rows, width)).astype(self.case.dtype)
        G, out = F.copy(), np.zeros((rows, rows), self.case.dtype)
        return {"F Fᵀ": Work(lambda: np.matmul(F, G.T, out=out), lambda _: None),
                "F Fᵀ, syrk": Work(lambda: np.matmul(F, F.T, out=out), lambda _: None)}

    def gram_other(self):
        return {"F Fᵀ": self.gram()["F Fᵀ"]}
