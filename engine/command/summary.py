"""What a training run came to: scores of the samples trained on and of those held out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..endings import FitResult
from ..network import Network
from .outputs import predictions, scores
from .problem import Problem


def results(problem: Problem, result: FitResult) -> dict[str, Any]:
    """What run.json holds under `results`: epochs, costs, scores."""
    history = result.history
    last = history[-1] if len(history) else {"cost": float("nan"), "validation_cost": float("nan")}
    found: dict[str, Any] = {
        "epochs": len(history), "cost": last["cost"], "validation_cost": last["validation_cost"],
        "batch_steps": sum(row["batch_steps"] for row in history), "sample_steps": problem.sample_steps(len(history)),
        "seconds": sum(row["seconds"] for row in history)}
    for name, part, cost in (("train", problem.train, problem.cost), ("test", problem.test, problem.test_cost)):
        found[name] = scores(problem.data.columns, problem.data.targets, cost, problem.outputs(result.network, part),
                             problem.data.targets.y[part])
    return found


def summary(description: Mapping[str, Any], problem: Problem, epochs: int) -> list[tuple[str, str]]:
    """The summary's names and values."""
    found, targets, network = description["results"], problem.data.targets, problem.network
    activation = network.activations[0].name if network.depth > 1 else "tanh"
    measure = {"classes": "accuracy", "numbers": "cosine" if targets.loss == "cosine" else "r2"}[targets.task]
    return [("target", targets.reading), ("data", problem.data.described), *[("note", note) for note in problem.notes],
            ("network", "-".join(map(str, network.widths)) + f", {activation}, {network.dtype}"),
            ("cost", f"{found['cost']:.4g}, {problem.cost.loss!r}" if epochs else "none: no epoch was run"),
            *[(f"{part} {targets.measure}", shown(found[part][measure])) for part in ("train", "test")],
            ("batch steps", str(found["batch_steps"])), ("sample steps", str(found["sample_steps"]))]


def shown(score: float) -> str:
    """A score in words; it is NaN where all targets are alike."""
    return f"{score:.4f}" if score == score else "none: the targets do not vary there"


def held_out(problem: Problem, network: Network) -> dict[str, Any]:
    """The samples held out as columns: their number, each target's truth and what the network predicts."""
    data, targets = problem.data, problem.data.targets
    y = targets.y[problem.test]
    if data.columns.classes:
        classes = y if y.ndim == 1 else (y[:, 0] > (0.5 if targets.loss == "binary_cross_entropy" else 0)).astype(int)
        known: Any = [np.array(data.columns.classes, object)[classes]]
    else:
        known = y.T
    found = {"row": problem.test, **{f"true {name}": truth for name, truth in zip(targets.names, known)}}
    return {**found, **predictions(data.columns, problem.outputs(network, problem.test))}
