"""Time a sample against the number of samples, the depth and the width: a CSV and a picture."""

import argparse
import csv
import statistics
import time
from pathlib import Path

from .peers.cases import Case, along
from .peers.in_engine import Peer, set_threads
from .peers.table import machine

AXES = {"samples": sorted([10**k for k in range(7)] + [3 * 10**k for k in range(6)]), "depth": [2**k for k in range(7)],
        "width": [2**k for k in range(13)]}
WORKS = {"forward": "forward pass", "gradient": "gradient", "chains": "all chains", "dense": "dense J"}
LARGEST = 2e9  # bytes of a dense J
TITLES = {"samples": "samples m (2-20-20-1)", "depth": "layers L, 20 wide (m 1000)", "width": "width of both hidden layers (m 128)"}
FOLDER = Path(__file__).parents[1] / "docs"


def seconds(work, long):
    """The median time of a call."""
    work.run()
    times, stop = [], time.perf_counter() + long
    while len(times) < 3 or time.perf_counter() < stop:
        started = time.perf_counter()
        work.run()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def measure(axes, long):
    """(axis, value, work, dtype, seconds a sample) of every point."""
    set_threads(None)
    for axis in axes:
        for value in AXES[axis]:
            widths, samples = along(axis, value)
            for dtype in ("float64", "float32"):
                case = Case(widths, samples, dtype)
                peer = Peer(case)
                for work in WORKS:
                    if work == "dense" and case.y.size * case.theta.nbytes > LARGEST:
                        continue
                    yield axis, value, work, dtype, seconds(getattr(peer, work)(), long) / samples


def rises(rows):
    """By how much, at most, a sample takes longer among more samples: {(work, dtype): (times, at m)}."""
    found = {}
    for work, dtype in sorted({row[2:4] for row in rows if row[0] == "samples"}):
        least = float("inf")
        for m, taken in ((row[1], row[4]) for row in rows if row[0] == "samples" and row[2:4] == (work, dtype)):
            least = min(least, taken)
            found[work, dtype] = max(found.get((work, dtype), (1.0, m)), (taken / least, m))
    return found


def draw(rows, path):
    """Three panels, time a sample against each axis."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    axes = list(dict.fromkeys(row[0] for row in rows))
    figure, panels = pyplot.subplots(1, len(axes), figsize=(4.2 * len(axes), 3.6), layout="constrained", squeeze=False)
    for panel, axis in zip(panels[0], axes):
        for k, work in enumerate(WORKS):
            for dtype, style in (("float64", "-"), ("float32", "--")):
                points = [(row[1], 1e6 * row[4]) for row in rows if row[0] == axis and row[2:4] == (work, dtype)]
                label = WORKS[work] if dtype == "float64" else None
                panel.plot(*zip(*points), style, color=f"C{k}", marker=".", markersize=4, linewidth=1.3, label=label)
        panel.set(yscale="log", xlabel=TITLES[axis])
        panel.set_xscale("log", base=10 if axis == "samples" else 2)
        panel.grid(alpha=0.3)
    panels[0, 0].set_ylabel("µs a sample")
    panels[0, 0].plot([], [], "k-", linewidth=1.3, label="float64")
    panels[0, 0].plot([], [], "k--", linewidth=1.3, label="float32")
    panels[0, 0].legend(fontsize=8, frameon=False)
    figure.savefig(path, dpi=110)


def main():
    """Measure, write, draw."""
    options = argparse.ArgumentParser(prog="python -m asv_benches.curves", description=__doc__)
    options.add_argument("--axes", nargs="*", default=list(AXES), choices=list(AXES))
    options.add_argument("--out", type=Path, default=FOLDER, help="folder of curves.csv and curves.png")
    options.add_argument("--quick", action="store_true", help="three calls a point")
    options.add_argument("--redraw", action="store_true", help="draw the CSV that is there")
    asked = options.parse_args()
    file = asked.out / "curves.csv"
    if asked.redraw:
        with open(file, newline="") as source:
            rows = [(row[0], int(row[1]), row[2], row[3], float(row[4])) for row in list(csv.reader(source))[1:]]
    else:
        print(machine())
        rows = []
        for row in measure(asked.axes, 0.0 if asked.quick else 0.1):
            rows.append((*row[:4], float(f"{row[4]:.4g}")))
            print(f"{row[0]:8} {row[1]:8} {row[2]:9} {row[3]:8} {1e6 * row[4]:10.4f} µs a sample", flush=True)
        with open(file, "w", newline="") as target:
            csv.writer(target).writerows([("axis", "value", "work", "dtype", "seconds_a_sample"), *rows])
    for (work, dtype), (times, m) in rises(rows).items():
        print(f"{work:9} {dtype}: a sample takes at most {times:.2f} times the least among fewer samples (m {m})")
    draw(rows, asked.out / "curves.png")


if __name__ == "__main__":
    main()
