"""Networks of odd sizes with random numbers in place of what a forward pass leaves, and how kernels pack them.

Nothing here is computed by the engine: `Problem` holds random W, b, a, gamma, and index sums over them are what kernels are
compared with. Only the plan, which says where things lie, is the engine's.
"""

import numpy as np
import pytest

from engine.kernels.output_curvature import ENTRIES, SOFTMAX
from engine.layout import Layout

SHAPES = (((3, 17, 1), 11), ((1, 1), 1), ((17, 3), 19), ((3, 1, 17, 2), 9), ((2, 3), 133))  # widths and samples
TOLERANCE = {8: 1e-11, 4: 2e-4}  # of a number, against the largest of its array


class Problem:
    """Random numbers of the shape of a network, its forward pass over m samples, and its loss.

    Attributes
    ----------
    W, b : lists of arrays [n_l, n_{l-1}] and [n_l], of which item 0 is None
    a : list of arrays [m, n_l], l = 0 … L
    gamma : list of arrays [m, n_l], of which item 0 is None
    theta, direction : arrays [P]
    output_gradient : array [m, n]
    plan, lanes, m, n, depth, size
    """

    def __init__(self, widths, m, dtype, seed=0):
        self.widths, self.m, self.dtype, self.n, self.depth = widths, m, np.dtype(dtype), widths[-1], len(widths) - 1
        self.layout = Layout(widths, (1,) * self.depth)
        self.plan, self.lanes, self.size = self.layout.plan, 64 // self.dtype.itemsize, self.layout.size
        self.panels = -(-m // self.lanes)
        self.generator = np.random.default_rng([seed, m, *widths])
        self.theta, self.direction, self.other_theta = (self.random(self.size) for _ in range(3))
        self.a = [self.random(m, n) for n in widths]
        self.gamma = [None, *(self.random(m, n) for n in widths[1:])]
        self.output_gradient = self.random(m, self.n)
        self.X = self.a[0]
        self.W, self.b = self.layers(self.theta)

    def __str__(self):
        return f"{'-'.join(map(str, self.widths))}, {self.m}, {self.dtype.name}"

    def random(self, *shape):
        return self.generator.uniform(-1, 1, shape).astype(self.dtype)

    def zeros(self, *shape):
        return np.zeros(shape, self.dtype)

    def another(self):
        """A problem of the same widths and dtype, with two samples more."""
        return Problem(self.widths, self.m + 2, self.dtype, 1)

    def layers(self, theta):
        """W^l and b^l of parameters [P], in float64."""
        theta = theta.astype(np.float64)
        W, b, first = [None], [None], 0
        for before, width in zip(self.widths, self.widths[1:]):
            W.append(theta[first:first + width * before].reshape(width, before))
            first += width * before
            b.append(theta[first:first + width])
            first += width
        return W, b

    def parameters(self, W, b):
        """W^l [..., n_l, n_{l-1}] and b^l [..., n_l], l = 1 … L, as [..., P]."""
        parts = []
        for w, c in zip(W, b):
            parts += [w.reshape(*w.shape[:-2], -1), c]
        return np.concatenate(parts, -1)

    @property
    def stack(self):
        """The panels' stacks, flat: a^0 … a^L, gamma^1 … gamma^L."""
        return self.packed(np.concatenate([*self.a, *self.gamma[1:]], 1))

    @property
    def deltas(self):
        """Random delta^l [m, n_l] for l = 1 … L, of which item 0 is None."""
        return [None, *(self.random(self.m, n) for n in self.widths[1:])]

    def packed(self, values):
        """Rows [m, lines] as panels [panels][lines][lanes], flat; zeros where there is no sample, and a square of lines after."""
        lines = np.zeros((self.panels * self.lanes, values.shape[1]), self.dtype)
        lines[:self.m] = values
        panels = lines.reshape(self.panels, self.lanes, -1).transpose(0, 2, 1).reshape(-1)
        return np.concatenate([panels, np.zeros(self.lanes**2, self.dtype)])

    def unpacked(self, panels, lines):
        """The same back to [m, lines]."""
        panels = panels[:self.panels * lines * self.lanes].reshape(self.panels, lines, self.lanes)
        return panels.transpose(0, 2, 1).reshape(self.panels * self.lanes, lines)[:self.m]

    def by_layer(self, values):
        """Columns [m, n_1 + … + n_L] as a list of [m, n_l], of which item 0 is None."""
        return [None, *np.split(values, np.cumsum(self.widths[1:-1]), axis=1)]

    def square(self, lines):
        """Zeros for so many lines of every panel, and a square of lines after."""
        return self.zeros(self.panels * lines * self.lanes + self.lanes**2)

    @property
    def outputs(self):
        """n_1 + … + n_L."""
        return sum(self.widths[1:])

    @property
    def hidden(self):
        """n_1 + … + n_{L-1}."""
        return sum(self.widths[1:-1])

    @property
    def every(self):
        """The span of all panels."""
        return 0, self.panels, 0


PROBLEMS = [(widths, m, dtype) for widths, m in SHAPES for dtype in (np.float64, np.float32)]
every_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda given: str(Problem(*given)))


def wide(values):
    """Arrays, or a list of them that begins with None, in float64."""
    if isinstance(values, list):
        return [None if part is None else part.astype(np.float64) for part in values]
    return values.astype(np.float64)


def chains(problem, theta=None, gamma=None):
    """B^l [m, n, n_l] for l = 1 … L (eq. 7), of which item 0 is None."""
    W, gamma = problem.layers(problem.theta if theta is None else theta)[0], wide(gamma or problem.gamma)
    B = [None] * problem.depth + [gamma[-1][:, :, None] * np.eye(problem.n)]
    for l in range(problem.depth, 1, -1):
        B[l - 1] = np.einsum("kip,pq->kiq", B[l], W[l]) * gamma[l - 1][:, None, :]
    return B


def jacobian(problem, B=None, a=None):
    """Rows of J [m, n, P] (eq. 8)."""
    B, a = B or chains(problem), wide(a or problem.a)
    return problem.parameters([np.einsum("kip,kq->kipq", B[l], a[l - 1]) for l in range(1, problem.depth + 1)], B[1:])


def chain_panels(problem):
    """B^1 … B^{L-1}, output by output, in panels."""
    B = [*chains(problem)[1:-1], np.empty((problem.m, problem.n, 0))]
    return problem.packed(np.concatenate(B, 2).reshape(problem.m, -1))


def backward(problem, top):
    """delta^l [m, n_l] for l = 1 … L from D_A C = top [m, n] (eq. 7, transposed), of which item 0 is None."""
    return [None, *(np.einsum("ki,kip->kp", wide(top), B) for B in chains(problem)[1:])]


def tangents(problem, direction):
    """J v [m, n] from the rows of J."""
    return np.einsum("kip,p->ki", jacobian(problem), wide(direction))


def outer_sums(problem, delta, a=None):
    """The sums over samples of delta^l ⊗ a^{l-1} and delta^l [P] (eq. 20)."""
    a = wide(a or problem.a)
    W = [np.einsum("kp,kq->pq", delta[l], a[l - 1]) for l in range(1, problem.depth + 1)]
    return problem.parameters(W, [d.sum(0) for d in delta[1:]])


def check(actual, expected):
    """Every number within TOLERANCE of its array's largest."""
    assert set(actual) == set(expected)
    for name, array in actual.items():
        assert array.dtype in (np.float32, np.float64)
        scale = max(1e-30, np.abs(expected[name]).max(initial=0))
        np.testing.assert_allclose(array / scale, expected[name] / scale, rtol=0, atol=TOLERANCE[array.itemsize], err_msg=name)


def curvatures(problem):
    """H [m, n, n] of each form that kernels know, symmetric, and what they read of it: {name: (H, lines, rank)}."""
    m, n = problem.m, problem.n
    h, x, s, w = problem.random(m, n), problem.random(m, n), problem.random(m), problem.random(m)
    entries = problem.random(m, n, n)
    entries = entries + entries.transpose(0, 2, 1)
    p = np.abs(problem.random(m, n)) + problem.dtype.type(0.1)
    p[::2, 0] += n  # a class that is nearly sure in every other sample
    p /= p.sum(1, keepdims=True)
    likeliest, scaled = (p > 0.5).astype(problem.dtype), w[:, None] * p
    diagonal, term = wide(h)[:, :, None] * np.eye(n), np.einsum("k,ki,kq->kiq", *map(wide, (s, x, x)))
    P, W = wide(p), wide(w)
    softmax = W[:, None, None] * (P[:, :, None] * np.eye(n) - P[:, :, None] * P[:, None, :])
    terms, classes = [x, s[:, None]], [p, likeliest, scaled]
    centred = x - x.mean(1, keepdims=True)  # beside softmax terms sum to 0 over the classes, as gradients of its loss do
    centred_term = np.einsum("k,ki,kq->kiq", *map(wide, (s, centred, centred)))
    return {"diagonal": (diagonal, problem.packed(h), 0),
            "diagonal and a term": (diagonal + term, problem.packed(np.concatenate([h, *terms], 1)), 1),
            "a term": (term, problem.packed(np.concatenate([0 * h, *terms], 1)), 1),
            "entries": (wide(entries), problem.packed(entries.reshape(m, n * n)), ENTRIES),
            "softmax": (softmax, problem.packed(np.concatenate(classes, 1)), SOFTMAX),
            "softmax and a term": (softmax + centred_term, problem.packed(np.concatenate([*classes, centred, s[:, None]], 1)),
                                   SOFTMAX - 1)}
