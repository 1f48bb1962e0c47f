"""What a dense Jacobian compiles, for helper processes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..helper_processes import KernelCall, compile_in_helpers, entries_of
from ..kernels.activations import activate
from ..kernels.forward import propagate
from ..kernels.jacobian import dense, dense_size
from ..kernels.narrow import narrow_dense, narrow_size
from ..kernels.transposed import any_transposed
from ..network import Network
from ..pool import num_threads, threads_for


def prepare_dense(network: Network, m: int, narrow: bool) -> None:
    """Have helper processes compile what J of m samples needs, by `narrow_dense` or `dense`."""
    forward, fill = (threads_for(m * work) for work in (network.kernels.layout.sample_work, network.widths[-1] * network.size))
    codes = tuple(activation.code for activation in network.activations)
    compile_in_helpers((network.dtype, codes, narrow, forward > 1, fill > 1), num_threads(), lambda: list(
        entries_of(_calls(network, narrow, forward, fill), {activate: codes}, network.dtype)))


def _calls(network: Network, narrow: bool, forward: int, fill: int) -> Iterator[KernelCall]:
    """The kernels that are called from Python, in their order, the passes on so many threads."""
    line, table, plan = np.empty(0, network.dtype), np.empty((0, 0), network.dtype), network.kernels.plan
    yield KernelCall(any_transposed, (plan,))
    yield KernelCall(propagate, (line, plan, table, np.empty(0, np.int64), line, table, (0, 0)), forward)
    chain_arguments = line, line, plan, line, table, table
    if narrow:
        yield KernelCall(narrow_size, (plan, 0, 0))
        yield KernelCall(narrow_dense, chain_arguments, fill)
    else:
        yield KernelCall(dense_size, (plan, 0))
        yield KernelCall(dense, (*chain_arguments, False), fill)
