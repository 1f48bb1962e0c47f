"""Linear operators of a network, one a file."""

from .jacobian import Jacobian
from .loss_jacobian import LossJacobian

__all__ = ["Jacobian", "LossJacobian"]
