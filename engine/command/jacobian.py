"""gammachain jacobian: write the Jacobian of a saved network at a data set's samples."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..files import replacing
from . import option_checks, run_checks
from .options import DATA, RUN, add_command, add_reading
from .report import Report
from .saved_run import SavedRun
from .signals import Stopped

EXAMPLE = "jacobian run new.csv --out J.npy"


def add(commands: Any) -> None:
    """The subcommand's options."""
    command = add_command(
        commands, "jacobian", jacobian, EXAMPLE, help="write the Jacobian of a saved network at a data set's samples",
        description="Write the derivatives of every output with respect to every parameter of network.npz, at each sample, to a "
                    "NumPy file. The columns of a table are found by their names and put in the order of the run, and other "
                    "columns are refused; the target's column may be there or not. Where run.json or scaling.npz say that the "
                    "network takes scaled features, they are scaled as they were in training.")
    add_derivatives(command, "J.npy", "a NumPy file [m n, P], written slab by slab")
    command.add_argument("--max-bytes", type=int, default=1 << 26, metavar="BYTES", help="of one slab")


def add_derivatives(command: argparse.ArgumentParser, out: str, what: str) -> None:
    """The options of what a network's derivatives are written by."""
    command.add_argument("saved", metavar="RUN", help=RUN)
    command.add_argument("data", metavar="DATA", help=f"{DATA} (here y is not needed)")
    command.add_argument("--scaled", action="store_true",
                         help="of the network as it was trained, with respect to the parameters for scaled features and outputs")
    command.add_argument("--raw", action="store_true", help="take the features as they are, whatever lies beside the network")
    command.add_argument("--target", metavar="NAME", help="a column of the table that is no feature, where there is no run.json")
    add_reading(command)
    command.add_argument("--out", required=True, metavar=out,
                         help=f"{what}; a file of that name is replaced once all is written")


def derivative_inputs(options: argparse.Namespace) -> tuple[SavedRun, np.ndarray[Any, Any]]:
    """The run, and the features [m, n_0] as its network takes them."""
    option_checks.one_of(options.raw, options.scaled, "--raw", "--scaled")
    run_checks.different_files(options.out, (options.data, *SavedRun.files(options.saved)))
    saved = SavedRun.read(options.saved, raw=options.raw, scaled=options.scaled)
    return saved, saved.inputs(options.data, options)[1]


def jacobian(options: argparse.Namespace, arguments: Sequence[str]) -> Report:
    """Write J slab by slab."""
    saved, X = derivative_inputs(options)
    network = saved.network
    J = network.jacobian(X)
    slabs = J.slabs(options.max_bytes)
    try:
        with replacing(options.out) as file:
            np.lib.format.write_array_header_1_0(file, {"descr": J.dtype.str, "fortran_order": False, "shape": J.shape})
            for _, slab in slabs:
                file.write(slab.data)
    except KeyboardInterrupt:
        raise Stopped(f"interrupted; {options.out} is not written", None) from None
    text = (f"J of shape {list(J.shape)}, {J.dtype}, written to {options.out}: {len(X)} samples × {network.widths[-1]} outputs, "
            f"{network.size} parameters")
    return Report(text, {"written": options.out, "shape": list(J.shape), "dtype": str(J.dtype), "samples": len(X),
                         "outputs": network.widths[-1], "parameters": network.size})
