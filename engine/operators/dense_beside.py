"""What a dense Jacobian is about to need, for other processes to compile."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..beside import called_over, compile_beside
from ..kernels.activations import activate
from ..kernels.forward import propagate
from ..kernels.jacobian import dense, dense_size
from ..kernels.linked import Entry, entries_to_compile, entry_to_compile, kinds_of
from ..kernels.narrow import narrow_dense, narrow_size
from ..kernels.transposed import any_transposed
from ..network import Network
from ..pool import num_threads, threads_for


def compile_dense_beside(network: Network, m: int, narrow: bool) -> None:
    """Have other processes compile some of what J of m samples needs, by `narrow_dense` or `dense`."""
    kernels = network.kernels
    passes, rows = (threads_for(m * work) for work in (kernels.layout.sample_work, network.widths[-1] * network.size))
    codes = tuple(activation.code for activation in network.activations)

    def entries() -> list[Entry]:
        line, table, plan = np.empty(0, network.dtype), np.empty((0, 0), network.dtype), kernels.plan
        passed: tuple[Any, ...] = line, plan, table, np.empty(0, np.int64), line, table, (0, 0)
        given = line, line, plan, line, table, table
        found = entry_to_compile(narrow_size if narrow else dense_size, "python", kinds_of(plan, *(0, 0)[:1 + narrow]))
        found |= entry_to_compile(any_transposed, "python", kinds_of(plan))
        found |= entries_to_compile([propagate], {activate: codes}, network.dtype) | called_over(propagate, passes, passed)
        filled = narrow_dense if narrow else dense
        found |= entries_to_compile([filled], {activate: codes}, network.dtype)
        return list(found | called_over(filled, rows, given if narrow else (*given, False)))

    compile_beside((network.dtype, codes, narrow, passes > 1, rows > 1), num_threads(), entries)
