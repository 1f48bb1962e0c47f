"""Derivatives in the inputs: the jets of a network, residuals of them, and costs of residuals."""

from .collocation import collocation
from .components import Components
from .residual import Residual
from .residual_loss import ResidualLoss
from .unknowns import NetworkWithUnknowns

__all__ = ["Components", "NetworkWithUnknowns", "Residual", "ResidualLoss", "collocation"]
