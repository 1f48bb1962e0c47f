"""Draw the table of ratios that docs/performance.md holds: a point for each network and dtype, how many times longer a peer takes.

    python -m asv_benches.peers.picture
"""

import argparse
from pathlib import Path

from .table import BEGIN, END

DOCS = Path(__file__).parents[2] / "docs"
SHOWN = [("forward pass and dense J", "jax, a matrix", "all derivatives J, against JAX"),
         ("norms of every row of J", "backpack", "norms of the rows of J, against BackPACK"),
         ("per-sample gradient norms", "backpack", "per-sample gradient norms, against BackPACK"),
         ("diagonal of the GGN", "backpack", "diagonal of the GGN, against BackPACK"),
         ("GGN · v", "curvlinops", "GGN · v, against curvlinops"),
         ("GGN · v", "jax", "GGN · v, against JAX"),
         ("Hessian · v", "jax", "Hessian · v, against JAX"),
         ("C and D_θ C of a whole batch", "jax", "gradient of the cost, against JAX"),
         ("J v, forward pass included", "jax", "J v, against JAX"),
         ("Jᵀ u, forward pass included", "jax", "Jᵀ u, against JAX")]


def ratios(text):
    """{(work, peer): [[float64, float32] of each network that was measured]} from the table's lines of the networks A to F."""
    found, work = {}, ""
    for line in text.split(BEGIN)[1].split(END)[0].splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 8:  # a work, its peer, six networks
            work = cells[0] or work
            pairs = [cell.replace("*", "").split(" / ") for cell in cells[2:] if " / " in cell]
            if pairs:
                found[work, cells[1]] = [[float(number) for number in pair] for pair in pairs]
    return found


def draw(found, path):
    """A line for each of SHOWN, with the point of every network and dtype."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8.2, 3.7), layout="constrained")
    for place, (work, peer, _) in enumerate(SHOWN):
        for k, (dtype, marker) in enumerate((("float64", "o"), ("float32", "D"))):
            values = [pair[k] for pair in found[work, peer]]
            axes.plot(values, [place + (k - 0.5) * 0.28] * len(values), marker, color=f"C{k}", markersize=5, alpha=0.75,
                      label=dtype if place == 0 else None)
    axes.axvline(1.0, color="0.3", linewidth=1)
    axes.set(xscale="log", xlabel="how many times longer the peer takes, a point for each network", xlim=(0.7, 30),
             yticks=range(len(SHOWN)), yticklabels=[label for _, _, label in SHOWN])
    axes.set_xticks([1, 2, 3, 5, 10, 20], ["1", "2", "3", "5", "10", "20"])
    axes.minorticks_off()
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=110)


def main():
    """Read the table, draw it."""
    options = argparse.ArgumentParser(prog="python -m asv_benches.peers.picture", description=__doc__)
    options.add_argument("--table", type=Path, default=DOCS / "performance.md")
    options.add_argument("--out", type=Path, default=DOCS / "peers.png")
    asked = options.parse_args()
    draw(ratios(asked.table.read_text()), asked.out)


if __name__ == "__main__":
    main()
