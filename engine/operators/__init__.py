"""Linear operators of a network, one in each file."""

from .ekfac import ekfac
from .fisher import empirical_fisher, fisher
from .ggn import ggn
from .hessian import hessian
from .inverse import inverse
from .inverse_product import inverse_product
from .jacobian import Jacobian
from .kfac import kfac
from .loss_jacobian import LossJacobian
from .ntk import ntk
from .ntk_predict import ntk_predict
from .ntk_scale import ntk_scale
from .residual_jacobian import ResidualJacobian
from .spectral_density import spectral_density
from .spectrum import leading_eigenvalues, leading_singular_values
from .trace_estimate import trace_estimate

__all__ = ["Jacobian", "LossJacobian", "ResidualJacobian", "ekfac", "empirical_fisher", "fisher", "ggn", "hessian", "inverse",
           "inverse_product", "kfac", "leading_eigenvalues", "leading_singular_values", "ntk", "ntk_predict", "ntk_scale",
           "spectral_density", "trace_estimate"]
