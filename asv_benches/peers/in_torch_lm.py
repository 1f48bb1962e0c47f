"""torch-levenberg-marquardt: up to ten attempts a step on the normal equations, by QR, as it is by default, and by Cholesky."""

import torch
from torch_levenberg_marquardt.loss import MSELoss
from torch_levenberg_marquardt.training import LevenbergMarquardtModule

from .cases import DAMPED_STEPS, Work, sinc
from .torch_module import build


class Peer:
    """Steps from one start; its path is its own, so no numbers are compared."""

    def __init__(self, case):
        self.case = case

    def levenberg_marquardt(self):
        return {"QR": self._steps("qr"), "Cholesky": self._steps("cholesky")}

    def _steps(self, method):
        X, y = map(torch.from_numpy, sinc(self.case))
        module = LevenbergMarquardtModule(build(self.case)[0], MSELoss(), solve_method=method)
        start = module.flat_params.clone()

        def run():
            module.flat_params.copy_(start)
            module.backup_parameters()
            module.reset()
            for _ in range(DAMPED_STEPS):
                module.training_step(X, y)
        return Work(run, lambda _: None, DAMPED_STEPS)
