"""Rows of ratios as lines of text and as Markdown for docs/performance.md."""

import os
import platform
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from .cases import WORK
from .wanted import wanted

BEGIN, END = "<!-- peers:begin -->", "<!-- peers:end -->"
LIBRARIES = ("numba", "numpy", "scipy", "jax", "torch", "backpack-for-pytorch", "curvlinops-for-pytorch", "scikit-learn")
PAPER = "ABCDEF"


@dataclass
class Row:
    """Ours against one peer's; times in seconds, medians; the ratio is the median of those taken in turn."""

    work: str
    network: str
    dtype: str
    threads: int | None
    peer: str
    ours: float
    theirs: float
    ratio: float
    same: bool | None

    @property
    def least(self):
        return wanted(self.work, self.network, self.dtype, self.peer)

    @property
    def holds(self):
        return None if self.least is None else self.ratio >= self.least

    def line(self):
        """The row as a line of text."""
        least = "" if self.least is None else f"{self.least:g}"
        return LINE.format(self.work, self.network, self.dtype, self.threads or "all", self.peer, f"{1e3 * self.ours:.4f}",
                           f"{1e3 * self.theirs:.4f}", f"{self.ratio:.2f}", least, word(self.holds, "holds", "BELOW"),
                           word(self.same, "yes", "DIFFER"))


LINE = "{:27} {:10} {:8} {:>7} {:28} {:>10} {:>10} {:>8} {:>6} {:5} {}"
HEAD = LINE.format("work", "network", "dtype", "threads", "peer", "ours ms", "peer ms", "ratio", "wanted", "", "same numbers")


def word(value, yes, no):
    """A word for a truth, none where there is nothing to say."""
    return "" if value is None else yes if value else no


def machine():
    """The processor, its cores, and the libraries' versions, in one line."""
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        text = Path("/proc/cpuinfo").read_text()
        found = [re.search(rf"^{name}\s*: (.*)$", text, re.M) for name in ("model name", "cpu family", "model")]
        if all(found):
            processor = "{} (family {}, model {})".format(*(one.group(1) for one in found))
    versions = []
    for library in LIBRARIES:
        try:
            versions.append(f"{library} {metadata.version(library)}")
        except metadata.PackageNotFoundError:
            pass
    return f"{processor}, {os.cpu_count()} cores; Python {platform.python_version()}, {', '.join(versions)}"


def number(ratio):
    """A ratio in three digits."""
    return f"{ratio:.0f}" if ratio >= 100 else f"{ratio:.1f}" if ratio >= 10 else f"{ratio:.2f}"


def cell(rows):
    """The ratios of float64 and float32, in italics where less than wanted."""
    found = {row.dtype: f"*{number(row.ratio)}*" if row.holds is False else number(row.ratio) for row in rows}
    return " / ".join(found.get(dtype, "–") for dtype in ("float64", "float32")) if found else ""


def title(work):
    """What a piece of work is."""
    return WORK[work][0] if work in WORK else work


def grid(rows, columns, head):
    """A Markdown table of the ratios: a line for each work and peer, a column for each network."""
    lines = ["| " + " | ".join(["work", "against", *head]) + " |", "|---" * (2 + len(columns)) + "|"]
    said = None
    for kind in dict.fromkeys((row.work, row.peer, row.threads) for row in rows):
        mine = [row for row in rows if (row.work, row.peer, row.threads) == kind]
        against = kind[1] + (", one thread" if kind[2] else "")
        cells = [cell([row for row in mine if row.network == column]) for column in columns]
        lines.append("| " + " | ".join(["" if kind[0] == said else title(kind[0]), against, *cells]) + " |")
        said = kind[0]
    return lines


def markdown(rows):
    """Every row, and the machine they came from."""
    lines = [f"How many times longer a peer takes: float64 / float32, medians, in turn. {machine()}.",
             "A share of a limit (fill, peak) is at most about 1. *Italics*: less than is wanted.", ""]
    paper = [row for row in rows if row.network in tuple(PAPER)]
    lines += grid(paper, PAPER, PAPER) if paper else []
    widths = [row for row in rows if row.work in ("products", "products_kept")]
    if widths:
        columns = list(dict.fromkeys(row.network for row in widths))
        lines += ["", *grid(widths, columns, [column.replace("width ", "") + " wide" for column in columns])]
    rest = [row for row in rows if row.network not in tuple(PAPER) and row not in widths]
    if rest:
        lines += ["", "| work | ours | against | takes | ratio |", "|---|---|---|---|---|"]
        for row in rest:
            ratio = f"*{number(row.ratio)}*" if row.holds is False else number(row.ratio)
            name = title(row.work) + (f", {row.dtype}" if row.dtype else "")
            against = "at most" if row.peer == "wanted" else row.peer
            lines.append(f"| {name} | {duration(row.ours)} | {against} | {duration(row.theirs)} | {ratio} |")
    return "\n".join(lines)


def duration(seconds):
    """Seconds, milliseconds or microseconds in three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{number(seconds / size)} {unit}"
    return f"{number(seconds / 1e-6)} µs"


def write(path, text):
    """Put the table between a file's markers, or make the file of it where it has none."""
    path = Path(path)
    old = path.read_text() if path.exists() else ""
    if BEGIN in old and END in old:
        before, rest = old.split(BEGIN, 1)
        text = f"{before}{BEGIN}\n{text}\n{END}{rest.split(END, 1)[1]}"
    path.write_text(text if text.endswith("\n") else text + "\n")
