"""curvlinops."""

import torch
from curvlinops import FisherType, GGNLinearOperator, HessianLinearOperator, KFACInverseLinearOperator, KFACLinearOperator

from .cases import DAMPING, Work
from .torch_module import build, in_order


class Peer:
    """A method for each piece of work. Its loss is a mean over outputs too: that factor is put back."""

    def __init__(self, case):
        self.case = case
        self.model, self.X, self.y = build(case)
        self.v = [torch.from_numpy(part.copy()) for pair in zip(*case.layers(case.v)) for part in pair]

    def _product(self, operator, count=0):
        """With the last `count` of the parameters, all where 0."""
        parameters, v = list(self.model.parameters())[-count:], self.v[-count:]
        built = operator(self.model, torch.nn.MSELoss(), parameters, [(self.X, self.y)], check_deterministic=False)
        return Work(lambda: built @ v, lambda found: in_order(found) * (self.case.outputs / 2))

    def ggn_v(self):
        return self._product(GGNLinearOperator)

    def ggn_v_last(self):
        return self._product(GGNLinearOperator, 2)

    def hessian_v(self):
        return self._product(HessianLinearOperator)

    def kfac_solve(self):
        """(c K + λ I)⁻¹ v is (K + λ/c I)⁻¹ v / c, with our K as c times theirs."""
        parameters, c = list(self.model.parameters()), self.case.outputs / 2

        def run():
            K = KFACLinearOperator(self.model, torch.nn.MSELoss(), parameters, [(self.X, self.y)], fisher_type=FisherType.TYPE2,
                                   check_deterministic=False)
            return KFACInverseLinearOperator(K, damping=DAMPING / c, use_exact_damping=True) @ self.v
        return Work(run, lambda found: in_order(found) / c)
