"""The folder of a run: the network, its history and a picture of it."""

import os
import pathlib
import time

import numpy as np

from .plot import plot_history

RUNS = "GAMMACHAIN_RUNS"  # the environment variable that names where new run folders go


def new_run_folder(path, name):
    """The folder `path`, or a new one named after the data and the time, under $GAMMACHAIN_RUNS or runs/."""
    if path is None:
        parent = pathlib.Path(os.environ.get(RUNS, "runs"))
        stamp = f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
        path, again = parent / stamp, 1
        while path.exists():
            again += 1
            path = parent / f"{stamp}-{again}"
    folder = pathlib.Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def scaled(network_path, X):
    """X shifted and divided as the run that saved the network did; as it is where there is no scaling.npz beside it."""
    path = pathlib.Path(network_path).parent / "scaling.npz"
    if not path.exists():
        return X
    with np.load(path, allow_pickle=False) as file:
        return (X - file["center"]) / file["spread"]


def save_run(folder, result, center, spread, target_scale):
    """Write network.npz, scaling.npz, history.csv and, where Matplotlib is installed, curves.png; the names written.

    scaling.npz holds what the features were shifted by and divided by, and the same for a numeric target.
    """
    result.network.save(folder / "network.npz")
    np.savez(folder / "scaling.npz", center=center, spread=spread, target=np.array(target_scale))
    result.history.save_csv(folder / "history.csv")
    names = ["network.npz", "scaling.npz", "history.csv"]
    try:
        plot_history(result.history).figure.savefig(folder / "curves.png", dpi=120)
        names.append("curves.png")
    except ImportError:
        pass
    return names
