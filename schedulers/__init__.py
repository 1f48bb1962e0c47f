"""In what order samples are visited, and what runs where: two levels of time steps (paper §1). Imports nothing of `engine`."""

from . import orders, rates
from .assembly import assemble, slabs
from .batches import BatchSchedule
from .loading import load_sweep
from .results import SweepResult
from .settings import random_settings
from .steps import BatchStep, SampleStep
from .sweeps import sweep

__all__ = ["BatchSchedule", "BatchStep", "SampleStep", "SweepResult", "assemble", "load_sweep", "orders",
           "random_settings", "rates", "slabs", "sweep"]
