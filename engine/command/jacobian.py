"""python -m engine jacobian: write a saved network's Jacobian at a data set's samples."""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import load
from ..files import replacing
from . import option_checks, run_checks
from .options import DATA, add_reading, choices
from .runs import DESCRIPTION, SCALING, read_run
from .signals import Stopped
from .tables import target_checks
from .tables.data import read_inputs


def add(commands: Any) -> None:
    """The subcommand's options."""
    command = commands.add_parser(
        "jacobian", allow_abbrev=False, help="write the Jacobian of a saved network at a data set's samples",
        description="Write the derivatives of every output with respect to every parameter, at each sample, to a NumPy file. Where "
                    "run.json lies beside NETWORK, the columns of a table are found by their names and put in the order of the "
                    "run, and "
                    "other columns are refused; the target's column may be there or not. Where scaling.npz lies there, the "
                    "features are scaled as they were in training.")
    command.add_argument("network", metavar="NETWORK", help="a network.npz that a run saved")
    command.add_argument("data", metavar="DATA", help=f"{DATA} (here y is not needed)")
    command.add_argument("--raw", action="store_true", help="take the features as they are, not scaled")
    command.add_argument("--target", metavar="NAME", help="a column of the table that is no feature, where there is no run.json")
    add_reading(command)
    command.add_argument("--out", required=True, metavar="J.npy",
                         help="a NumPy file [m n, P], written slab by slab; a file of that name is replaced once all is written")
    command.add_argument("--max-bytes", type=int, default=1 << 26, metavar="BYTES", help="of one slab (default %(default)s)")
    command.set_defaults(run=jacobian)


def jacobian(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Write J slab by slab."""
    folder = pathlib.Path(options.network).parent
    run_checks.different_files(options.out, (options.network, options.data, folder / SCALING, folder / DESCRIPTION))
    network = load(options.network)
    features, scaling = read_run(options.network, network, scaled=not options.raw)
    X, place = read_inputs(options.data, features, choices(options))
    X = option_checks.network_inputs(network, X, options.network)
    X = X if scaling is None else scaling.applied(X)
    names = None if features is None else features.names
    target_checks.representable(X, network.dtype, place, lambda j: f"feature {names[j]!r}" if names else f"feature {j}")
    J = network.jacobian(X)
    slabs = J.slabs(options.max_bytes)
    try:
        with replacing(options.out) as file:
            np.lib.format.write_array_header_1_0(file, {"descr": J.dtype.str, "fortran_order": False, "shape": J.shape})
            for _, slab in slabs:
                file.write(slab.data)
    except KeyboardInterrupt:
        raise Stopped(f"interrupted; {options.out} is not written", None) from None
    print(f"J of shape {list(J.shape)}, {J.dtype}, written to {options.out}: {len(X)} samples × {network.widths[-1]} outputs, "
          f"{network.size} parameters")
