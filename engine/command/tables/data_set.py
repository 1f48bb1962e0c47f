"""A data set as the command trains on it: samples, targets, and what is known of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import split
from .columns import Columns
from .table import Reading
from .targets import Targets


@dataclass(frozen=True)
class Choices:
    """What a user may say about a data set; None where the default, or what is found, will do.

    Attributes
    ----------
    target : str
        Columns of a table with commas between them, or an array of an .npz file.
    task, loss : str
    categories : str
        What becomes of columns of text: "drop" or "one-hot".
    drop : str
        Columns of a table to leave out, with commas between them.
    reading : Reading
    keep : str
        Columns that would be left out, because they count lines or hold one value alone, and are to be features all the same.
    missing : str
        What becomes of missing cells: "drop" leaves their lines out, "mean" fills them.
    weights, groups : str
        Columns that hold the samples' weights and groups.
    """

    target: str | None = None
    task: str | None = None
    loss: str | None = None
    categories: str | None = None
    drop: str | None = None
    reading: Reading = Reading()
    keep: str | None = None
    missing: str | None = None
    weights: str | None = None
    groups: str | None = None


@dataclass(frozen=True)
class DataSet:
    """Samples and what is to be learnt from them.

    Attributes
    ----------
    X : ndarray [m, n_0]
        float64, or float32 where an .npz file holds that. Finite, or NaN where a missing cell is to be filled by `split`.
    targets : Targets
    columns : Columns
        How the columns of a table became X and the targets.
    place : callable
        Where a sample stands in the file, in words.
    described : str
        How the file was read, in words; empty where there was nothing to choose.
    notes : tuple of str
        What a user should know: columns and lines that are left out, cells that are filled.
    weights : ndarray [m], or None
    groups : ndarray of int [m], or None
        The number of each sample's group.
    group_names : tuple of str
    """

    X: NDArray[Any]
    targets: Targets
    columns: Columns
    place: Callable[[int], str]
    described: str = ""
    notes: tuple[str, ...] = ()
    weights: NDArray[np.float64] | None = None
    groups: NDArray[np.int64] | None = None
    group_names: tuple[str, ...] = ()

    @property
    def y(self) -> NDArray[Any]:
        """Class numbers [m], or numbers [m, outputs]."""
        return self.targets.y

    @property
    def task(self) -> str:
        """ "classes" or "numbers"."""
        return self.targets.task

    @property
    def labels(self) -> tuple[Any, ...]:
        """Of the classes, in the order of their numbers."""
        return self.targets.labels

    @property
    def outputs(self) -> int:
        """Outputs that a network for it needs."""
        return self.targets.outputs

    def split(self, fraction: float, seed: int = 0) -> Split:
        """Hold out a share of the samples, and fill missing cells by the means of the others.

        Groups are held out whole. Where there are none and the targets are classes, each class has its share among the samples held
        out. The same seed gives the same split.

        Raises
        ------
        ValueError
            Where one side would have no sample.
        """
        classes = self.targets.class_numbers
        if self.groups is not None:
            train, test = split.by_groups(self.groups, fraction, seed)
            count, tested = len(self.group_names), len(np.unique(self.groups[test]))
            notes = (f"whole groups: {count - tested} to train on, {tested} to test on",)
        elif classes is not None:
            train, test = split.stratified(classes, fraction, seed)
            notes = ("each class has its share in both parts",)
        else:
            (train, test), notes = split.by_chance(len(self.X), fraction, seed), ()
        return Split(train, test, self.filled(train), notes)

    def filled(self, train: NDArray[Any]) -> DataSet:
        """The same with the means of the samples `train` in the place of NaN; the columns hold these means."""
        if not self.columns.named:
            return self
        X = self.X
        present = ~np.isnan(X[train])
        total = np.where(present, X[train], 0.0)
        largest = np.abs(total).max(0, initial=1.0)  # so that no sum overflows
        means = (total / largest).sum(0) / np.maximum(present.sum(0), 1) * largest
        holes = np.isnan(X)
        return replace(self, X=np.where(holes, means, X) if holes.any() else X, columns=self.columns.with_means(means.tolist()))


@dataclass(frozen=True)
class Split:
    """Samples to train on and samples held out.

    Attributes
    ----------
    train, test : ndarray of int
    data : DataSet
        The whole data set, without a missing cell.
    notes : tuple of str
        How it was split, where it was not by chance alone.
    """

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    data: DataSet
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inputs:
    """Samples without targets.

    Attributes
    ----------
    X : ndarray [k, n_0]
        Finite and not scaled.
    columns : Columns
    place : callable
        Where a sample stands in the file, in words.
    rows : ndarray of int [k]
        Which lines of the table they are, from 0; all of them, except where lines that lack cells are left out.
    notes : tuple of str
        What a user should know.
    identity : dict of list of str
        Columns that number or name the lines, so that what is predicted can be told apart.
    """

    X: NDArray[Any]
    columns: Columns
    place: Callable[[int], str]
    rows: NDArray[np.int64]
    notes: tuple[str, ...] = ()
    identity: dict[str, list[str]] | None = None
