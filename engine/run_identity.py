"""The identity of a run, by value: a checkpoint of another run is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from schedulers import BatchSchedule
from schedulers.described import described, digest

from .rows import Rows
from .updates import UpdateState

if TYPE_CHECKING:
    from .epochs import FitRun

PART = 1 << 24  # bytes of X or y that are hashed at a time
SAMPLED = 1024  # rows of X or y that are hashed where they lie outside memory
SHOWN = 160  # characters of a setting in a message


def run_identity(run: FitRun, state: UpdateState | None = None) -> dict[str, str]:
    """The settings on which the bits of a run depend, each as text.

    Functions of a user's own stand by name and code (`schedulers.described`); θ, `trainable` and per-sample data by a hash of their
    bytes; X and y by a hash of their bytes as kernels take them, whatever `max_bytes` is. Of X and y that lie outside memory (HDF5,
    Zarr, not memmaps) 1024 rows are hashed, the first, the last and others evenly between them. Of samples on the workers of a
    cluster their number alone is known.

    Parameters
    ----------
    run : the checked inputs of a fit
    state : UpdateState, optional
        The one with which `fit` was told to begin.

    Returns
    -------
    dict of str to str
    """
    network, cost, schedule = run.network, run.cost, run.schedule
    names = [described(activation) if activation.code < 0 else activation.label for activation in network.activations]
    told = {"widths": described(network.widths), "activations": ", ".join(names), "dtype": str(network.dtype),
            "first θ": _hashed(network.parameters), "loss": _of_kernels(cost.loss), "reduction": _of_kernels(cost.reduction),
            "update": described(run.update.on(network)),
            "trainable": _hashed(run.trainable) if run.trainable.size else "everything",
            "first state": "as the update begins" if state is None else described(state.arrays)}
    if cost.penalty is not None:
        told["penalty"] = repr(cost.penalty.strength) + (" on biases too" if cost.penalty.biases else " on weights")
    if type(schedule) is BatchSchedule:
        told["order"] = described(schedule.order)
        told["schedule"] = f"batch_size={schedule.batch_size}, seed={schedule.seed}, drop_last={schedule.drop_last}"
    else:
        told["schedule"] = described(schedule)
    told["number of samples"] = str(len(run.X))
    for name, values in (("X", run.X), ("y", run.targets)):
        if hasattr(values, "shape"):
            told[name] = _rows(values, run.max_bytes)
    return told


def difference(found: dict[str, str], here: dict[str, str]) -> tuple[str, str, str] | None:
    """The first difference of two identities, as (name, text there, text here), or None."""
    for name in dict.fromkeys([*here, *found]):
        missing = "none" if name == "penalty" else "unknown"
        there, now = found.get(name, missing), here.get(name, missing)
        if there != now:
            return name, *_short(there, now)
    return None


def _short(one: str, other: str) -> tuple[str, str]:
    """Two texts for a message: whole, or around where they begin to differ."""
    if max(len(one), len(other)) <= SHOWN:
        return one, other
    first = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
    begin = max(0, first - SHOWN // 2)

    def around(text: str) -> str:
        return ("…" if begin else "") + text[begin:begin + SHOWN] + ("…" if len(text) > begin + SHOWN else "")

    return around(one), around(other)


def _of_kernels(part: Any) -> str:
    """A loss or a reduction: by name, parameter and per-sample data where kernels know it, else by its functions."""
    if part.code < 0:
        return described(part)
    parameters = [repr(part.parameter)] if part.parameter else []
    encoding = getattr(part, "encoding", None)
    parameters += [encoding.told()] if encoding is not None and encoding.told() else []
    data = getattr(part, "data", np.empty(0))
    parameters += [_hashed(data)] if data.size else []
    return f"{part.name}({', '.join(parameters)})" if parameters else part.name


def _hashed(array: NDArray[Any]) -> str:
    return f"{array.dtype} {list(array.shape)} #{digest(np.ascontiguousarray(array))}"


def _rows(values: NDArray[Any] | Rows, max_bytes: int | None) -> str:
    """X or y, an array or `Rows`, by what kernels see of it."""
    m, k = values.shape
    dtype, outside = values[0:1].dtype, getattr(values, "outside", False)
    each = max(1, min(PART, max_bytes or PART) // max(1, k * dtype.itemsize))
    chosen = np.unique(np.linspace(0, m - 1, SAMPLED).astype(np.int64)) if outside and m > SAMPLED else np.arange(m)
    parts = (values[chosen[first:first + each]] if outside else values[first:first + each] for first in range(0, len(chosen), each))
    told = f"{len(chosen)} rows of " if len(chosen) < m else ""
    return f"{told}{dtype} [{m}, {k}] #{digest(*map(np.ascontiguousarray, parts))}"
