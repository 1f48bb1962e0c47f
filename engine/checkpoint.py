"""A run on disk: all that it takes to go on, bit for bit, as if it had never stopped."""

import json
import os
import pathlib

import numpy as np

from .errors import CheckpointError
from .updates import UpdateState

FORMAT = "gammachain checkpoint 1"


def describe(network, cost, update, schedule, samples):
    """What a run is, as text: a checkpoint of another is refused."""
    return {"widths": list(network.widths), "activations": [activation.name for activation in network.activations],
            "dtype": str(network.dtype), "cost": repr(cost), "update": repr(update), "schedule": repr(schedule), "samples": samples}


def save_checkpoint(path, description, theta, state, history):
    """Write a checkpoint beside `path` and move it there, so that a reader finds the old one or the new one whole."""
    path = pathlib.Path(path)
    beside = path.with_name(path.name + f".{os.getpid()}.partial")
    arrays = {f"state.{name}": array for name, array in state.arrays.items()}
    with open(beside, "wb") as file:
        np.savez(file, format=FORMAT, description=json.dumps(description), theta=theta, rows=json.dumps(history.rows), **arrays)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def load_checkpoint(path, description):
    """θ, the update's state and the history's rows of a checkpoint of the run so described.

    Raises
    ------
    CheckpointError
        Where the file is not a checkpoint, or of another run; it names what differs.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            if "format" not in file.files or str(file["format"]) != FORMAT:
                raise CheckpointError(f"{path} is not a checkpoint that fit wrote")
            found = json.loads(str(file["description"]))
            state = {name.removeprefix("state."): file[name] for name in file.files if name.startswith("state.")}
            theta, rows = file["theta"], json.loads(str(file["rows"]))
    except (ValueError, EOFError, OSError, KeyError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path} cannot be read as a checkpoint: {error}") from error
    for name, value in description.items():
        if found.get(name) != value:
            raise CheckpointError(f"the checkpoint {path} belongs to another run: its {name} is {found.get(name)}, here {value}; "
                                  "name another path, or leave out resume=True to start again")
    return theta, UpdateState(state), rows
