"""TorchJD: Gramians by its autogram engine."""

import torch
from torchjd.autogram import Engine

from .cases import Work
from .torch_module import build


class Peer:
    """A method for each piece of work."""

    def __init__(self, case):
        self.case = case
        self.model, self.X, self.y = build(case)

    def gradient_gram(self):
        engine, criterion = Engine(self.model, batch_dim=0), torch.nn.MSELoss(reduction="none")
        return Work(lambda: engine.compute_gramian(criterion(self.model(self.X), self.y).sum(1) / 2))
