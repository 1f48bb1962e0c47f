"""BackPACK."""

import torch
from backpack import backpack, extend
from backpack.extensions import BatchL2Grad, DiagGGNExact

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

    def ggn_diagonal(self):
        def run():
            loss = self.loss(self.model(self.X), self.y)
            with backpack(DiagGGNExact()):
                loss.backward()
            return [parameter.diag_ggn_exact for parameter in self.parameters]
        return Work(run, lambda found: in_order(found) / (2 * self.case.samples))
