"""Per-sample derivatives of dense neural networks: γ vectors, Jacobian chains, Jacobians, costs and updates."""

from . import hidden as hidden  # isort: split

from . import interop, losses, operators, reductions
from .activations import Activation
from .configuration import set_num_threads, show_config
from .cost import Cost, projection
from .drawn import Drawn
from .endings import FitResult
from .errors import CheckpointError, DivergenceError, Interrupted
from .evaluation import value_and_gradient
from .forward import ForwardPass
from .ggn_diagonals import per_sample_ggn_diagonals
from .gradient_moments import gradient_moments
from .influence import influence_on_cost, influence_on_predictions
from .jets import Residual, collocation
from .laplace import laplace
from .losses import Loss
from .network import Network, load
from .objective import objective
from .operators import Jacobian
from .per_sample import per_sample_gradient_norms, per_sample_gradients
from .reductions import Reduction
from .standard_errors import standard_errors
from .training import fit
from .updates import (
    Adam,
    AdamW,
    BayesianRegularization,
    GaussNewton,
    GradientDescent,
    LevenbergMarquardt,
    NaturalGradient,
    Private,
    RMSprop,
)
from .verification import check_derivatives

__version__ = "0.1.0"
__all__ = ["Activation", "Adam", "AdamW", "BayesianRegularization", "CheckpointError", "Cost", "DivergenceError", "Drawn",
           "FitResult", "ForwardPass", "GaussNewton", "GradientDescent", "Interrupted", "Jacobian", "LevenbergMarquardt", "Loss",
           "NaturalGradient", "Network", "Private", "RMSprop", "Reduction", "Residual", "check_derivatives", "collocation", "fit",
           "gradient_moments", "influence_on_cost", "influence_on_predictions", "interop", "laplace", "load", "losses",
           "objective", "operators", "per_sample_ggn_diagonals", "per_sample_gradient_norms", "per_sample_gradients",
           "projection", "reductions", "set_num_threads", "show_config", "standard_errors", "value_and_gradient"]
