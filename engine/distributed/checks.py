"""Checks of what users hand to a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from .. import checks
from ..cost_checks import sample_count
from ..kernels.sums import BLOCK

Kind = TypeVar("Kind")


def client(value: Any) -> Any:
    """A Client of Dask's distributed."""
    if not (hasattr(value, "submit") and hasattr(value, "nthreads") and hasattr(value, "gather")):
        raise TypeError(f"client must be a distributed.Client, but is {value!r}")
    if not value.nthreads():
        raise ValueError("client must have at least one worker, but its cluster has none; wait for some by "
                         "client.wait_for_workers(1)")
    return value


def shards(value: Any, kind: type[Kind]) -> Kind:
    """What `scatter` or `load` made."""
    if not isinstance(value, kind):
        raise TypeError(f"shards must be what distributed.scatter(client, X, y) or load(client, loaders) gave, but is "
                        f"{type(value).__name__}")
    return value


def arrays(X: Any, y: Any) -> tuple[Any, Any]:
    """X and y as arrays of the same length, at least 1; the rest is checked where they are to be used."""
    X, y = np.asarray(X), np.asarray(y)
    m = sample_count(y) if y.ndim else 0
    if X.ndim != 2 or len(X) != m or m == 0:
        raise ValueError(f"X must have shape [m, n_0] and y m entries, m at least 1, but they have shapes {list(X.shape)} and "
                         f"{list(y.shape)}")
    return X, y


def samples_each(value: Any) -> int:
    """Samples of a shard: a power of two of blocks."""
    number = checks.whole_number(value, "samples", 1)
    if not whole_node(number):
        raise ValueError(f"samples must be {BLOCK} times a power of two, for a shard is a node of the fixed tree of sums, but is "
                         f"{number}")
    return number


def whole_node(number: int) -> bool:
    """Whether so many samples can make up a node of the fixed tree."""
    blocks = number // BLOCK
    return number % BLOCK == 0 and blocks > 0 and blocks & (blocks - 1) == 0


def loaders(values: Any) -> Any:
    """A callable or a Dask Delayed for each shard, at least one."""
    values = list(values)
    if not values:
        raise ValueError("loaders must name at least one shard, but is empty")
    for i, value in enumerate(values):
        if not (callable(value) or hasattr(value, "__dask_graph__")):
            raise TypeError(f"loaders[{i}] must be a callable or a Dask Delayed that gives (X, y), but is {value!r}")
    return values


def counts(values: Sequence[int]) -> Sequence[int]:
    """Samples of every shard: the same power of two of blocks in all but the last, which has no more."""
    first = values[0]
    if len(values) > 1 and not whole_node(first):
        raise ValueError(f"every shard but the last must hold {BLOCK} times a power of two of samples, for it is a node of the "
                         f"fixed tree of sums, but shard 0 holds {first}")
    for i, number in enumerate(values):
        last = i == len(values) - 1
        if number == 0 or (number > first if last else number != first):
            raise ValueError(f"every shard must hold as many samples as the first, {first}, and the last at least 1 and no more, "
                             f"but shard {i} holds {number}")
    return values


def reduction_curvature(reduction: Any) -> None:
    """Refuse the ∇²φ of a user's own reduction, which joins samples."""
    if reduction.code < 0:
        raise ValueError("reduction_curvature over samples on workers needs a reduction of engine.reductions, but the cost's is a "
                         "user's own; leave ∇²φ out, or take engine.operators.ggn on one machine")
