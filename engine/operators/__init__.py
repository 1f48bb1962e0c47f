"""Linear operators of a network, one a file."""

from .jacobian import Jacobian

__all__ = ["Jacobian"]
