"""What targets become before kernels see them, of losses with more parameters than a kernel is told: class weights, smoothed
labels, weights of positive answers, levels of quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import cost_checks, loss_checks
from .typing import Array, DType

Each = float | tuple[float, ...]  # one number for all outputs, or one for each


@dataclass(frozen=True)
class Encoding:
    """What the targets of a loss become: y [m, n] as kernels take it.

    Attributes
    ----------
    weighted : bool
        Whether the loss weighs classes, and is no negative logarithm of a model of the targets.
    shared : bool
        Whether y may have one column that all outputs share.
    """

    weighted = False
    shared = False

    def width(self, n: int) -> int:
        """Columns of y as a user gives it, for n outputs."""
        return n

    def columns(self, n: int) -> int:
        """Columns of y as kernels take it."""
        return n

    @property
    def numbers(self) -> dict[str, Each]:
        """The loss's parameters by name, those that are as usual left out."""
        return {}

    def told(self) -> str:
        """The parameters as a call has them."""
        return ", ".join(f"{name}={_shown(value)}" for name, value in self.numbers.items())

    def outputs(self, columns: int) -> int:
        """Outputs of a network for targets of so many columns."""
        return columns

    def fits(self, n: int) -> None:
        """Refuse a number of outputs that the loss's parameters do not have."""
        for name, value in self.numbers.items():
            if isinstance(value, tuple):
                loss_checks.one_each_output(value, name, n)

    def of(self, y: Array, n: int, dtype: DType) -> Array:
        """Checked targets, [m, n] or [m, 1] of class numbers, as kernels take them."""
        raise NotImplementedError

    def targets(self, y: Any, shape: tuple[int, int], dtype: DType, kind: str, numbers: Any) -> Array:
        """y of a user, checked and encoded; `shape` is that of the outputs."""
        m, n = shape
        self.fits(n)
        return self.of(cost_checks.targets(y, (m, self.width(n)), dtype, kind, numbers, self.shared), n, dtype)


@dataclass(frozen=True)
class Encoded(Encoding):
    """Targets that are encoded already."""

    encoding: Encoding

    @property
    def weighted(self) -> bool:  # type: ignore[override]
        return self.encoding.weighted

    @property
    def numbers(self) -> dict[str, Each]:
        return self.encoding.numbers

    def told(self) -> str:
        return ", ".join(filter(None, (self.encoding.told(), "of encoded targets")))

    def columns(self, n: int) -> int:
        return self.encoding.columns(n)

    def targets(self, y: Any, shape: tuple[int, int], dtype: DType, kind: str, numbers: Any) -> Array:
        return cost_checks.targets(y, (shape[0], self.columns(shape[1])), dtype, "values", numbers)


@dataclass(frozen=True)
class SmoothedClasses(Encoding):
    """t_i = w_i ((1 − ε) y_i + ε / n), rows [m, n] of class weights w and smoothing ε."""

    label_smoothing: float
    class_weights: tuple[float, ...] | None

    @property
    def weighted(self) -> bool:  # type: ignore[override]
        return self.class_weights is not None

    @property
    def numbers(self) -> dict[str, Each]:
        smoothing: dict[str, Each] = {"label_smoothing": self.label_smoothing} if self.label_smoothing else {}
        return smoothing if self.class_weights is None else {**smoothing, "class_weights": self.class_weights}

    def of(self, y: Array, n: int, dtype: DType) -> Array:
        w = np.ones(n) if self.class_weights is None else np.array(self.class_weights)
        slope, rest = w * (1 - self.label_smoothing), w * (self.label_smoothing / n)
        if y.shape[1] == n:
            return np.asarray(y * slope + rest, dtype)
        classes, rows = y[:, 0].astype(np.int64), np.empty((len(y), n), dtype)
        rows[:] = rest
        rows[np.arange(len(y)), classes] = (slope + rest)[classes]
        return rows


class _Paired(Encoding):
    """Two numbers for each output, side by side."""

    def columns(self, n: int) -> int:
        return 2 * n

    def _pairs(self, first: Any, second: Any, m: int, n: int, dtype: DType) -> Array:
        pairs = np.empty((m, n, 2), dtype)
        pairs[:, :, 0], pairs[:, :, 1] = first, second
        return pairs.reshape(m, 2 * n)


@dataclass(frozen=True)
class WeightedAnswers(_Paired):
    """Of y in [0, 1], the weights w y of yes and 1 − y of no."""

    pos_weight: Each
    weighted = True

    @property
    def numbers(self) -> dict[str, Each]:
        return {"pos_weight": self.pos_weight}

    def of(self, y: Array, n: int, dtype: DType) -> Array:
        return self._pairs(y * np.asarray(self.pos_weight), 1 - y, len(y), n, dtype)


@dataclass(frozen=True)
class Levels(_Paired):
    """A target, and the level of the quantile that its output is to be."""

    q: Each

    @property
    def shared(self) -> bool:  # type: ignore[override]
        return isinstance(self.q, tuple)

    @property
    def numbers(self) -> dict[str, Each]:
        return {"q": self.q}

    def told(self) -> str:
        return _shown(self.q)

    def outputs(self, columns: int) -> int:
        return len(self.q) if isinstance(self.q, tuple) and columns == 1 else columns

    def of(self, y: Array, n: int, dtype: DType) -> Array:
        return self._pairs(y, np.asarray(self.q), len(y), n, dtype)


@dataclass(frozen=True)
class Means(Encoding):
    """Targets of the first half of the outputs; the second half, log variances, has none and is given zeros."""

    def width(self, n: int) -> int:
        return n // 2

    def outputs(self, columns: int) -> int:
        return 2 * columns

    def fits(self, n: int) -> None:
        loss_checks.means_and_variances(n)

    def of(self, y: Array, n: int, dtype: DType) -> Array:
        whole = np.zeros((len(y), n), dtype)
        whole[:, :n // 2] = y
        return whole


def _shown(value: Each) -> str:
    return repr(list(value) if isinstance(value, tuple) else value)
