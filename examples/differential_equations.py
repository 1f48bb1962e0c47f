"""Differential equations, forces and an unknown, each from several starts: how many reach their goals, in what steps and seconds.

    python examples/differential_equations.py [NAME ...] [--starts N]

Solutions are known, so that errors are relative L² norms at points that no fit has seen; of the inverse problem |κ − 0.3| / 0.3.
"""

import argparse
import time
from statistics import median
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from engine import Cost, Drawn, LevenbergMarquardt, Network, Residual, collocation, fit, losses
from schedulers import BatchSchedule


class Problem(NamedTuple):
    """A problem with a known solution."""

    widths: tuple
    data: tuple  # X, y, cost
    error: object  # error(network)
    goals: dict  # error: batch steps
    starts: int


def cells(count):
    """The middles of so many equal parts of [0, 1]."""
    return (np.arange(count) + 0.5) / count


def grid(*axes):
    """Every point of a grid [., axes]."""
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))


def square_edge(count):
    """Points on the four sides of the unit square."""
    t, zero = cells(count), np.zeros(count)
    return np.concatenate([np.column_stack(side) for side in ((t, zero), (t, zero + 1), (zero, t), (zero + 1, t))])


def relative_error(solution, points):
    """error(network) against a solution at points."""
    exact = solution(points)
    return lambda network: float(np.linalg.norm(network(points)[:, 0] - exact) / np.linalg.norm(exact))


def poisson():
    """Δu + 2π² sin πx₁ sin πx₂ = 0 on the unit square, 0 on its edge: 784 + 120 points (Müller & Zeinhofer 2023)."""
    def solution(x):
        return np.sin(np.pi * x[:, 0]) * np.sin(np.pi * x[:, 1])

    inside = Residual(lambda x, u: u.laplacian() + 2 * np.pi**2 * solution(x))
    data = collocation((grid(cells(28), cells(28)), inside, 1.0), (square_edge(30), Residual(lambda x, u: u.value), 4.0))
    return Problem((2, 32, 1), data, relative_error(solution, grid(np.linspace(0, 1, 101), np.linspace(0, 1, 101))),
                   {1e-5: 150, 1e-6: 250}, 10)


def pendulum():
    """θ″ + sin θ = 0 from 2 at rest, t ≤ 8, t = 4 (x + 1)."""
    rate, points = 0.25, np.cos(np.pi * cells(200))[:, None]
    swing = Residual(lambda x, u: rate**2 * u.d(0, 0) + np.sin(u.value))
    begin = Residual(lambda x, u: (u.value - 2, rate * u.d(0)), outputs=2)
    t = np.linspace(0, 8, 400)
    exact = solve_ivp(lambda t, s: (s[1], -np.sin(s[0])), (0, 8), (2.0, 0.0), method="DOP853", t_eval=t, rtol=1e-13, atol=1e-13)
    return Problem((1, 20, 20, 1), collocation((points, swing, 1.0), (np.array([[-1.0]]), begin, 10.0)),
                   relative_error(lambda x: exact.y[0], (t / 4 - 1)[:, None]), {1e-7: 250}, 5)


def heat():
    """∂u/∂t = κ ∂²u/∂x², κ = 1/4, from sin πx, on the unit square of x and t."""
    def solution(x):
        return np.exp(-0.25 * np.pi**2 * x[:, 1]) * np.sin(np.pi * x[:, 0])

    inside = Residual(lambda x, u: u.d(1) - 0.25 * u.d(0, 0))
    t = cells(30)
    sides = np.concatenate([np.column_stack(side) for side in ((t, 0 * t), (0 * t, t), (0 * t + 1, t))])
    edge = Residual(lambda x, u: u.value - solution(x))
    return Problem((2, 64, 1), collocation((grid(cells(30), cells(30)), inside, 1.0), (sides, edge, 4.0)),
                   relative_error(solution, grid(np.linspace(0, 1, 61), np.linspace(0, 1, 61))), {1e-5: 130}, 3)


def allen_cahn():
    """ε Δu + u − u³ = f on the unit square, ε = 0.05, for the solution sin 2πx₁ sin πx₂."""
    def solution(x):
        return np.sin(2 * np.pi * x[:, 0]) * np.sin(np.pi * x[:, 1])

    def source(x):
        u = solution(x)
        return -0.05 * 5 * np.pi**2 * u + u - u**3

    inside = Residual(lambda x, u: 0.05 * u.laplacian() + u.value - u.value**3 - source(x))
    return Problem((2, 20, 20, 1), collocation((grid(cells(30), cells(30)), inside, 1.0),
                                               (square_edge(30), Residual(lambda x, u: u.value), 4.0)),
                   relative_error(solution, grid(np.linspace(0, 1, 61), np.linspace(0, 1, 61))), {1e-4: 150}, 3)


def poisson_in_five():
    """Δu + π² Σ sin πx_i = 0 on the unit cube of five dimensions, 4500 new points a step (Müller & Zeinhofer 2023)."""
    def solution(x):
        return np.sin(np.pi * x).sum(1)

    def faces(generator):
        points = generator.uniform(size=(500, 5))
        points[np.arange(500), generator.integers(0, 5, 500)] = generator.integers(0, 2, 500)
        return points

    inside = Residual(lambda x, u: u.laplacian() + np.pi**2 * solution(x))
    edge = Residual(lambda x, u: u.value - solution(x))
    data = collocation((Drawn(lambda generator: generator.uniform(size=(4000, 5)), 4000, 100, seed=1), inside, 1.0),
                       (Drawn(faces, 500, 100, seed=2), edge, 10.0))
    return Problem((5, 64, 1), data, relative_error(solution, np.random.default_rng(0).uniform(size=(4000, 5))), {1e-4: 100}, 3)


def inverse_heat():
    """κ of ∂u/∂t = κ ∂²u/∂x² from 60 values without noise."""
    def solution(x):
        return np.exp(-0.3 * np.pi**2 * x[:, 1]) * np.sin(np.pi * x[:, 0])

    generator = np.random.default_rng(0)
    places, inside = generator.uniform(size=(60, 2)), generator.uniform(size=(400, 2))
    equation = Residual(lambda x, u, p: u.d(1) - p["kappa"] * u.d(0, 0), unknowns={"kappa": 1.0})
    data = collocation((inside, equation, 1.0), (places, Residual(lambda x, u: u.value - solution(x)), 100.0))
    return Problem((2, 20, 1), data, lambda network: abs(network.unknowns["kappa"] - 0.3) / 0.3, {1e-4: 250}, 5)


def potential(x):
    """A potential of three coordinates and its gradient: [m, 4]."""
    return np.column_stack([
        (x[:, 0]**2 - 0.5)**2 + 0.5 * np.sin(2 * x[:, 1]) * x[:, 0] + 0.25 * x[:, 2]**2 * np.cos(x[:, 1]),
        4 * x[:, 0] * (x[:, 0]**2 - 0.5) + 0.5 * np.sin(2 * x[:, 1]),
        np.cos(2 * x[:, 1]) * x[:, 0] - 0.25 * x[:, 2]**2 * np.sin(x[:, 1]), 0.5 * x[:, 2] * np.cos(x[:, 1])])


def forces(weight):
    """Fit a potential at 150 places, to its values alone where the weight is 0, else with its gradient.

    The 321 parameters are more than the values, which therefore leave them free, and fewer than the 600 numbers with the gradient.
    A network of fewer parameters than values (3-24-1 has 121) is determined without the gradient, which then can gain but little.
    """
    X = np.random.default_rng(0).uniform(-1, 1, (150, 3))
    data = (X, potential(X), Cost(losses.sobolev(weight))) if weight else (X, potential(X)[:, :1], Cost("squared_error"))
    unseen = np.random.default_rng(1).uniform(-1, 1, (2000, 3))
    return Problem((3, 64, 1), data, relative_error(lambda x: potential(x)[:, 0], unseen), {}, 5)


PROBLEMS = {"poisson": poisson, "pendulum": pendulum, "heat": heat, "allen-cahn": allen_cahn, "poisson in 5-D": poisson_in_five,
            "inverse heat": inverse_heat, "values": lambda: forces(0.0), "values and forces": lambda: forces(1.0)}


def solve(problem, seed, steps):
    """The error before each step and after the last, and the seconds until then, those of the errors left out."""
    X, y, cost = problem.data
    schedule = X.schedule() if isinstance(X, Drawn) else BatchSchedule(len(X), order="sequential")
    errors, seconds, watched, started = [], [], 0.0, time.perf_counter()

    def watch(row, network):
        nonlocal watched
        now = time.perf_counter()
        seconds.append(now - started - watched)
        errors.append(problem.error(network))
        watched += time.perf_counter() - now
        return bool(problem.goals) and errors[-1] <= min(problem.goals)

    start = Network.initialize(problem.widths, "tanh", seed=seed)
    fit(start, X, y, cost, LevenbergMarquardt(), schedule, epochs=steps, callbacks=[watch], progress=False)
    return np.array(errors), np.array(seconds)


def main(names=(), starts=None):
    """Print a line for each goal of each problem; {name: [(errors, seconds) of each start]}."""
    found = {}
    for name in names or PROBLEMS:
        problem = PROBLEMS[name]()
        solve(problem, 0, 2)
        steps = max(problem.goals.values(), default=150)
        runs = found[name] = [solve(problem, seed, steps) for seed in range(starts or problem.starts)]
        for goal, most in problem.goals.items():
            hits = [np.flatnonzero(errors[:most] <= goal)[0] for errors, _ in runs if (errors[:most] <= goal).any()]
            times = [seconds[np.flatnonzero(errors <= goal)[0]] for errors, seconds in runs if (errors[:most] <= goal).any()]
            told = f", {median(hits) + 1:.0f} steps and {median(times):.2f} s in the median" if hits else ""
            print(f"{name:18} {goal:.0e} within {most} steps from {len(hits)} of {len(runs)} starts{told}")
        print(f"{name:18} errors at the end {', '.join(f'{errors[-1]:.1e}' for errors, _ in runs)}", flush=True)
    if {"values", "values and forces"} <= found.keys():
        ratios = [alone[0][-1] / both[0][-1] for alone, both in zip(found["values"], found["values and forces"])]
        print(f"values / values and forces, 20 times or more from {sum(ratio >= 20 for ratio in ratios)} of {len(ratios)} starts: "
              f"{', '.join(f'{ratio:.0f}' for ratio in ratios)}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(PROBLEMS)}; all of them by default")
    parser.add_argument("--starts", type=int)
    asked = parser.parse_args()
    main(asked.names, asked.starts)
