"""NumPy: the work itself, and its products alone, of the same shapes, into arrays that are used again."""

import os

import numpy as np
from threadpoolctl import ThreadpoolController

from .cases import Work, flat_numbers
from .elementary import by_numpy

CONTROLLER = ThreadpoolController()
EVERY_CORE = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def set_threads(count):
    """Let the BLAS use `count` threads, or one for each core where None."""
    CONTROLLER.limit(limits=count or EVERY_CORE)


class Peer:
    """A method for each piece of work. Products alone give no numbers to compare."""

    def __init__(self, case):
        self.case = case

    def _products(self, forward=True):
        """Those of the forward pass, where asked for, and of B^(L-2) … B^1: B^L is diagonal, and B^(L-1) its rows scaled."""
        case, (weights, _) = self.case, self.case.layers()
        rows = case.samples * case.outputs
        triples, a = [], case.X
        for W in weights if forward else ():
            triples.append((a, W.T, np.zeros((case.samples, len(W)), case.dtype)))
            a = triples[-1][2]
        B = np.zeros((rows, case.widths[-2]), case.dtype)
        for W in weights[-2:0:-1]:
            triples.append((B, W, np.zeros((rows, W.shape[1]), case.dtype)))
            B = triples[-1][2]

        def run():
            for left, right, out in triples:
                np.matmul(left, right, out=out)
        return Work(run, lambda _: None)

    def _chains(self):
        """γ and the chains, eq. 1–7."""
        case, (weights, biases) = self.case, self.case.layers()

        def run():
            a, gamma = case.X, []
            for W, b in zip(weights[:-1], biases):
                a = np.tanh(a @ W.T + b)
                gamma.append(1 - a * a)
            outputs = a @ weights[-1].T + biases[-1]
            B = [weights[-1] * gamma[-1][:, None, :]]
            for W, g in zip(weights[-2:0:-1], gamma[-2::-1]):
                product = B[0].reshape(outputs.size, -1) @ W
                B.insert(0, product.reshape(case.samples, case.outputs, -1) * g[:, None, :])
            return B
        return Work(run, lambda B: np.concatenate([flat_numbers(b) for b in B]))

    def chains(self):
        return {"products alone": self._products(), "the whole work": self._chains()}

    products = chains

    def chains_kept(self):
        """The products of eq. 7 alone, without γ."""
        return {"products alone": self._products(forward=False)}

    products_kept = chains_kept

    def gram(self):
        """F Fᵀ of the width of B^1 … B^(L-1) side by side: B^L is diagonal."""
        rows, width = self.case.y.size, sum(self.case.widths[1:-1])
        F = np.random.default_rng(0).standard_normal((rows, width)).astype(self.case.dtype)
        G, out = F.copy(), np.zeros((rows, rows), self.case.dtype)
        return {"F Fᵀ": Work(lambda: np.matmul(F, G.T, out=out), lambda _: None),
                "F Fᵀ, syrk": Work(lambda: np.matmul(F, F.T, out=out), lambda _: None)}

    def gram_other(self):
        return {"F Fᵀ": self.gram()["F Fᵀ"]}

    def elementary(self):
        return by_numpy(self.case)
