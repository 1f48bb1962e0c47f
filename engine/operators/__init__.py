"""Linear operators of a network, one a file."""

from .fisher import empirical_fisher, fisher
from .ggn import ggn
from .hessian import hessian
from .jacobian import Jacobian

__all__ = ["Jacobian", "empirical_fisher", "fisher", "ggn", "hessian"]
