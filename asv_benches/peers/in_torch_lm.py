"""torch-levenberg-marquardt, as it is by default: QR on the normal equations, up to ten attempts a step."""

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
        X, y = map(torch.from_numpy, sinc(self.case))
        module = LevenbergMarquardtModule(build(self.case)[0], MSELoss())
        start = module.flat_params.clone()

        def run():
            module.flat_params.copy_(start)
            module.backup_parameters()
            module.reset()
            for _ in range(DAMPED_STEPS):
                module.training_step(X, y)
        return Work(run, lambda _: None, DAMPED_STEPS)
