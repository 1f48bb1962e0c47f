"""BackPACK."""

import numpy as np
import torch
from backpack import backpack, extend
from backpack.extensions import BatchDiagGGNExact, BatchL2Grad, DiagGGNExact, SumGradSquared, Variance

from .cases import Work, flat_numbers
from .torch_module import build, in_order


class Peer:
    """A method for each piece of work. Its loss is a sum of squares: the halves and the mean are put back."""

    def __init__(self, case):
        self.case = case
        model, self.X, self.y = build(case)
        self.model, self.loss = extend(model), extend(torch.nn.MSELoss(reduction="sum"))
        self.parameters = list(self.model.parameters())

    def _norms(self):
        return torch.sqrt(sum(parameter.batch_l2 for parameter in self.parameters))

    def gradient_norms(self):
        def run():
            loss = self.loss(self.model(self.X), self.y)
            with backpack(BatchL2Grad()):
                loss.backward()
            return self._norms()
        return Work(run, lambda norms: flat_numbers(norms) / 2)

    def row_norms(self):
        n = self.case.outputs

        def run():
            outputs, columns = self.model(self.X), []
            for i in range(n):
                with backpack(BatchL2Grad(), retain_graph=i < n - 1):
                    outputs[:, i].sum().backward(retain_graph=i < n - 1)
                columns.append(self._norms())
            return torch.stack(columns, 1)
        return Work(run)

    def gradient_moments(self):
        """A variance of its own, or its sum of squares beside the gradient."""
        m = self.case.samples

        def moments(extension, quantity):
            def run():
                for parameter in self.parameters:
                    parameter.grad = None
                loss = self.loss(self.model(self.X), self.y)
                with backpack(extension):
                    loss.backward()
                return [parameter.grad for parameter in self.parameters], [getattr(p, quantity) for p in self.parameters]
            return run

        def mean(found):
            return in_order(found[0]) / (2 * m)

        return {"Variance": Work(moments(Variance(), "variance"),
                                 lambda found: np.concatenate([mean(found), in_order(found[1]) / 4])),
                "SumGradSquared": Work(moments(SumGradSquared(), "sum_grad_squared"),
                                       lambda found: np.concatenate([mean(found), in_order(found[1]) / (4 * m) - mean(found)**2]))}

    def ggn_diagonals(self):
        rows = self.case.some_rows()

        def run():
            loss = self.loss(self.model(self.X), self.y)
            with backpack(BatchDiagGGNExact()):
                loss.backward()
            return [parameter.diag_ggn_exact_batch for parameter in self.parameters]
        return Work(run, lambda found: np.concatenate([in_order([part[k] for part in found]) for k in rows]) / 2)

    def ggn_diagonal(self):
        def run():
            loss = self.loss(self.model(self.X), self.y)
            with backpack(DiagGGNExact()):
                loss.backward()
            return [parameter.diag_ggn_exact for parameter in self.parameters]
        return Work(run, lambda found: in_order(found) / (2 * self.case.samples))
