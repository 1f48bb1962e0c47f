"""laplace-torch, with its Kronecker factors of weights and biases apart."""

import torch
from laplace import Laplace
from torch.utils.data import DataLoader, TensorDataset

from .cases import PREDICTED, Work
from .torch_module import build


class Peer:
    """A method for each piece of work."""

    def __init__(self, case):
        self.case = case
        self.model, self.X, self.y = build(case)
        self.loader = DataLoader(TensorDataset(self.X, self.y), batch_size=case.samples)

    def _posterior(self, structure, numbers):
        def run():
            torch.set_default_dtype(self.X.dtype)
            posterior = Laplace(self.model, "regression", subset_of_weights="all", hessian_structure=structure)
            posterior.fit(self.loader)
            return posterior(self.X[:PREDICTED])[1].detach()
        return Work(run, numbers) if numbers else Work(run)

    def laplace_full(self):
        return self._posterior("full", None)

    def laplace_kron(self):
        return self._posterior("kron", lambda covariance: None)
