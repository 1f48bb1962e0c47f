"""curvlinops."""

import torch
from curvlinops import GGNLinearOperator, HessianLinearOperator

from .cases import Work
from .torch_module import build, in_order


class Peer:
    """A method for each piece of work. Its loss is a mean over outputs too: that factor is put back."""

    def __init__(self, case):
        self.case = case
        self.model, self.X, self.y = build(case)
        self.v = [torch.from_numpy(part.copy()) for pair in zip(*case.layers(case.v)) for part in pair]

    def _product(self, operator):
        parameters = list(self.model.parameters())
        built = operator(self.model, torch.nn.MSELoss(), parameters, [(self.X, self.y)], check_deterministic=False)
        return Work(lambda: built @ self.v, lambda found: in_order(found) * (self.case.outputs / 2))

    def ggn_v(self):
        return self._product(GGNLinearOperator)

    def hessian_v(self):
        return self._product(HessianLinearOperator)

