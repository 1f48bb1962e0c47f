"""Updates of θ at the end of a batch step, one a file (paper §6, eq. 21)."""

from .adam import Adam
from .adamw import AdamW
from .gradient_descent import GradientDescent
from .rmsprop import RMSprop
from .update import FirstOrder, Update, UpdateState

__all__ = ["Adam", "AdamW", "FirstOrder", "GradientDescent", "RMSprop", "Update", "UpdateState"]
