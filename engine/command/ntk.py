"""gammachain ntk: write the empirical neural tangent kernel of a saved network at a data set's samples."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..files import replacing
from .jacobian import add_derivatives, derivative_inputs
from .options import add_command
from .report import Report

EXAMPLE = """ntk run new.csv --out K.npy
ntk run new.csv --scaled --out K.npy"""


def add(commands: Any) -> None:
    """The subcommand's options."""
    command = add_command(
        commands, "ntk", ntk, EXAMPLE, help="write the neural tangent kernel J Jᵀ of a saved network at a data set's samples",
        description="Write the empirical neural tangent kernel J Jᵀ [m n, m n] to a NumPy file. It depends on what the parameters "
                    "stand for: those of network.npz are for raw features, and with --scaled for the features on which it was "
                    "trained.")
    add_derivatives(command, "K.npy", "a NumPy file [m n, m n], rows sample by sample")


def ntk(options: argparse.Namespace, arguments: Sequence[str]) -> Report:
    """Write J Jᵀ."""
    saved, X = derivative_inputs(options)
    K = saved.network.jacobian(X).gram()
    with replacing(options.out) as file:
        np.save(file, K)
    outputs = saved.network.widths[-1]
    return Report(f"J Jᵀ of shape {list(K.shape)}, {K.dtype}, written to {options.out}: {len(X)} samples × {outputs} outputs",
                  {"written": options.out, "shape": list(K.shape), "dtype": str(K.dtype), "samples": len(X), "outputs": outputs})
