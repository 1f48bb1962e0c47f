"""Updates of θ at the end of a batch step, one in each file (paper §6, eq. 21)."""

from .adam import Adam
from .adamw import AdamW
from .bayesian_regularization import BayesianRegularization
from .gauss_newton import GaussNewton
from .gradient_descent import GradientDescent
from .levenberg_marquardt import LevenbergMarquardt
from .natural_gradient import NaturalGradient
from .private import Private
from .rmsprop import RMSprop
from .update import FirstOrder, Update, UpdateState

__all__ = ["Adam", "AdamW", "BayesianRegularization", "FirstOrder", "GaussNewton", "GradientDescent", "LevenbergMarquardt",
           "NaturalGradient", "Private", "RMSprop", "Update", "UpdateState"]
