"""Opacus: gradients of single samples, and its clipping by norms alone (ghost clipping)."""

import torch
from opacus import GradSampleModule
from opacus.grad_sample import GradSampleModuleFastGradientClipping
from opacus.optimizers import DPOptimizer, DPOptimizerFastGradientClipping
from opacus.utils.fast_gradient_clipping_utils import DPLossFastGradientClipping

from .cases import ADAM_RATE, CLIP_NORM, NOISE, PRIVATE_BATCH, STEPS, Work
from .torch_module import build


class Peer:
    """Poisson batches are drawn by torch; its noise is its own, so no numbers are compared."""

    def __init__(self, case):
        self.case, self.classes = case, torch.from_numpy(case.classes)

    def private(self):
        return {"": self._steps(GradSampleModule, DPOptimizer, None),
                "ghost clipping": self._steps(GradSampleModuleFastGradientClipping, DPOptimizerFastGradientClipping,
                                              DPLossFastGradientClipping)}

    def _steps(self, module, optimizer, loss):
        samples, (model, X, _) = self.case.samples, build(self.case)
        ghost = {} if loss is None else {"max_grad_norm": CLIP_NORM, "use_ghost_clipping": True}
        model = module(model, **ghost)
        step = optimizer(torch.optim.Adam(model.parameters(), lr=ADAM_RATE), noise_multiplier=NOISE, max_grad_norm=CLIP_NORM,
                         expected_batch_size=PRIVATE_BATCH)
        criterion = torch.nn.CrossEntropyLoss()
        criterion = criterion if loss is None else loss(model, step, criterion)

        def run():
            for _ in range(STEPS * (samples // PRIVATE_BATCH)):
                batch = torch.rand(samples) < PRIVATE_BATCH / samples
                step.zero_grad()
                criterion(model(X[batch]), self.classes[batch]).backward()
                step.step()
        return Work(run, lambda _: None, STEPS * (samples // PRIVATE_BATCH))
