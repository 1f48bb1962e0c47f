"""Draw the tables that docs/performance.md holds: how many times longer a peer takes, a point for each network and dtype.

    python -m asv_benches.peers.picture
"""

import argparse
import re
from pathlib import Path

from .cases import WORK
from .table import read

DOCS = Path(__file__).parents[2] / "docs"
DRAWN = [("jacobian", "jax, a pytree", "all derivatives J, against JAX by hand"),
         ("row_norms", "backpack", "norms of the rows of J, against BackPACK"),
         ("row_norms", "jax, by hand", "… against JAX by hand"),
         ("gradient_norms", "backpack", "per-sample gradient norms, against BackPACK"),
         ("gradient_norms", "jax, by hand", "… against JAX by hand"),
         ("ggn_diagonal", "backpack", "diagonal of the GGN, against BackPACK"),
         ("ggn_diagonal", "jax, by hand", "… against JAX by hand"),
         ("ggn_v", "curvlinops", "GGN · v, against curvlinops"),
         ("ggn_v", "jax", "… against JAX"),
         ("gradient", "jax", "gradient of the cost, against JAX"),
         ("fit", "jax, scan", "fit by small batches, against a JAX scan"),
         ("sweep", "jax, vmap, one order", "sweep of 64 fits, against JAX vmap")]


def pairs(cells, work):
    """(float64, float32) of every network in a line about `work`; None for a dtype that was not measured."""
    if len(cells) == 8:  # the work, its peer, six networks
        ratios = [cell for cell in cells[2:] if cell]
    elif len(cells) == 5:  # the work, ours, its peer, takes, ratio
        ratios = [f"– / {cells[4]}" if work.endswith("float32") else cells[4]]
    else:
        return []
    return [[None if ratio == "–" else float(ratio.strip("*")) for ratio in pair.split(" / ")] for pair in ratios
            if re.fullmatch(r"[*\d.–]+ / [*\d.–]+", pair)]


def ratios(lines):
    """{(work, peer): the pairs of its networks} of the works and peers that are drawn."""
    found, said = {}, ""
    for cells in lines:
        said = cells[0] or said
        peer = cells[1] if len(cells) == 8 else cells[2] if len(cells) == 5 else ""
        for work, other, _ in DRAWN:
            if other == peer and said.startswith(WORK[work][0]):
                found.setdefault((work, peer), []).extend(pairs(cells, said))
    return found


def draw(found, path):
    """A line for each of DRAWN, with the point of every network and dtype."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.2, 3.4), layout="constrained")
    for place, (work, peer, _) in enumerate(DRAWN):
        for k, (dtype, marker) in enumerate((("float64", "o"), ("float32", "D"))):
            values = [pair[k] for pair in found.get((work, peer), []) if pair[k] is not None]
            axes.plot(values, [place + (k - 0.5) * 0.28] * len(values), marker, color=f"C{k}", markersize=4.5, alpha=0.75,
                      label=dtype if place == 0 else None)
    axes.axvline(1.0, color="0.3", linewidth=1)
    axes.set(xscale="log", xlabel="how many times longer the peer takes, a point for each network", xlim=(0.7, 30),
             yticks=range(len(DRAWN)), yticklabels=[label for _, _, label in DRAWN])
    axes.set_xticks([1, 2, 3, 5, 10, 20], ["1", "2", "3", "5", "10", "20"])
    axes.tick_params(labelsize=8)
    axes.minorticks_off()
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.legend(frameon=False, loc="lower right", fontsize=8)
    figure.savefig(path, dpi=110)


def main():
    """Read the tables, draw them."""
    options = argparse.ArgumentParser(prog="python -m asv_benches.peers.picture", description=__doc__)
    options.add_argument("--table", type=Path, default=DOCS / "performance.md")
    options.add_argument("--out", type=Path, default=DOCS / "peers.png")
    asked = options.parse_args()
    draw(ratios(read(asked.table)), asked.out)


if __name__ == "__main__":
    main()
