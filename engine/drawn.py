"""Points drawn anew at every batch step, by a generator that counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from schedulers import BatchStep

from . import checks, draw_checks
from .typing import Array

Draw = Callable[[np.random.Generator], Any]


class Drawn:
    """Points [count, n_0] of each of many batch steps, drawn when they are needed and never all held: an X for `fit`.

    Step t has the points that ``draw`` makes with Philox (Salmon et al. 2011) keyed by the seed, its counter from t · 2¹²⁸ on: they
    depend on nothing but the seed and t, so that a run that is resumed sees the same ones. As an array it has count · steps rows,
    those of step t beginning at t · count; rows that are asked for again are drawn again.

    Parameters
    ----------
    draw : callable
        ``draw(generator)`` → points [count, n_0] of one step, from a `numpy.random.Generator`.
    count : int
        Points of a step.
    steps : int
        How many batch steps have points of their own.
    seed : int
        0 … 2¹²⁸ − 1.

    Raises
    ------
    ValueError, TypeError
        Where an argument is not as stated, or `draw` gives another number of points, or points that are not finite.

    See Also
    --------
    Drawn.schedule : One batch step an epoch, each with its own points.
    collocation : Takes them as the points of a set.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Drawn
    >>> points = Drawn(lambda generator: generator.uniform(size=(3, 2)), count=3, steps=100, seed=0)
    >>> points.shape
    (300, 2)
    >>> bool((points[3:6] == points[np.array([3, 4, 5])]).all()), bool((points[0:3] == points[3:6]).all())
    (True, False)
    """

    def __init__(self, draw: Draw, count: int, steps: int, seed: int = 0) -> None:
        checks.user_functions("Drawn", draw=draw)
        self.draw, self.count, self.steps = draw, checks.whole_number(count, "count", 1), checks.whole_number(steps, "steps", 1)
        self.seed = draw_checks.seed(seed)
        self._last: tuple[int, Array] = -1, np.empty(0)
        self._begin()

    def _begin(self) -> None:
        """Draw the points of the first step, which say how many inputs they have."""
        first = self._drawn(0)
        self.shape, self.dtype, self.ndim = (self.count * self.steps, first.shape[1]), first.dtype, 2

    def __repr__(self) -> str:
        return f"Drawn({checks.function_name(self.draw)}, count={self.count}, steps={self.steps}, seed={self.seed})"

    def __len__(self) -> int:
        return self.shape[0]

    def step(self, t: int) -> Array:
        """The points [count, n_0] of batch step t, 0 … steps − 1."""
        if self._last[0] != t:
            self._last = t, draw_checks.same_columns(self._drawn(t), self.shape[1], t)
        return self._last[1]

    def _drawn(self, t: int) -> Array:
        generator = np.random.Generator(np.random.Philox(key=self.seed, counter=t << 128))
        return draw_checks.points(self.draw(generator), self.count, t)

    def __getitem__(self, rows: Any) -> Array:
        """Rows of a slice or an array of indices."""
        indices = np.arange(len(self))[rows] if isinstance(rows, slice) else np.asarray(rows)
        out = np.empty((len(indices), self.shape[1]), self.dtype)
        of_step = indices // self.count
        for t in np.unique(of_step).tolist():
            inside = of_step == t
            out[inside] = self.step(t)[indices[inside] % self.count]
        return out

    def schedule(self) -> DrawnSchedule:
        """The schedule of a fit to them: an epoch is one batch step, of all points of that step, so that checkpoints can be written
        between any two. After the last step the points of the first come again."""
        return DrawnSchedule(self.count, self.steps)


class DrawnTogether(Drawn):
    """The points of several sets, one after another in every batch step: those of a Drawn anew, arrays the same every time."""

    def __init__(self, sets: Sequence[Drawn | Array]) -> None:
        self.sets = tuple(sets)
        self.steps = draw_checks.same_steps([one.steps for one in self.sets if isinstance(one, Drawn)])
        self.count = sum(one.count if isinstance(one, Drawn) else len(one) for one in self.sets)
        self._last = -1, np.empty(0)
        self._begin()

    def __repr__(self) -> str:
        told = (repr(one) if isinstance(one, Drawn) else f"{len(one)} points" for one in self.sets)
        return f"DrawnTogether({', '.join(told)})"

    def _drawn(self, t: int) -> Array:
        return np.concatenate([one.step(t) if isinstance(one, Drawn) else one for one in self.sets])


class DrawnSchedule:
    """Epoch e is one batch step, with the points of step e modulo `steps`: `Drawn.schedule` makes it."""

    def __init__(self, count: int, steps: int) -> None:
        self.count, self.drawn_steps = count, steps

    def __repr__(self) -> str:
        return f"DrawnSchedule(count={self.count}, steps={self.drawn_steps})"

    def steps(self, samples: int) -> int:
        """Batch steps of an epoch."""
        return 1

    def epoch(self, samples: int, e: int) -> Iterator[BatchStep]:
        """The batch step of epoch e."""
        first = e % self.drawn_steps * self.count
        yield BatchStep(e, e, np.arange(first, first + self.count))
