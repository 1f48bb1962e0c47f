"""In what order samples are visited, and what runs where: two levels of time steps (paper §1). Imports nothing of `engine`."""

from . import orders, rates
from .assembly import assemble, slabs
from .batches import BatchSchedule
from .steps import BatchStep, SampleStep

__all__ = ["BatchSchedule", "BatchStep", "SampleStep", "assemble", "orders", "rates", "slabs"]
