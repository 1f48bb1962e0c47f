"""Rows of ratios as lines of text and as Markdown for docs/performance.md and the README."""

import os
import platform
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from .cases import WORK
from .wanted import in_the_page, wanted

MARKS = "<!-- {0}:begin -->", "<!-- {0}:end -->"
FIVE = {("jacobian", "A", "jax, a pytree"): ("forward pass and dense J, 17970 × 6570", "JAX, jitted, by hand"),
        ("gram", "A600", "jax, by hand, from factors"): ("the neural tangent kernel J Jᵀ, 6000 × 6000", "JAX, jitted, by hand"),
        ("gradient_norms", "A", "jax, by hand"): ("the norm of each sample's gradient", "JAX, jitted, by hand"),
        ("gradient", "A", "jax"): ("the cost and its gradient", "JAX, jitted"),
        ("fit", "m 512", "jax, scan"): ("a fit of 2-20-20-1 by Adam, 512 samples, batches of 64", "JAX, one jitted scan")}
LIBRARIES = ("numba", "numpy", "scipy", "jax", "torch", "backpack-for-pytorch", "curvlinops-for-pytorch", "laplace-torch", "opacus",
             "torchjd", "neural-tangents", "scikit-learn")
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
    def shown(self):
        return self.peer == "wanted" or in_the_page(self.work, self.network, self.dtype, self.peer)

    @property
    def holds(self):
        return None if self.least is None else self.ratio >= self.least

    def line(self):
        """The row as a line of text."""
        least = "" if self.least is None else f"{self.least:g}"
        return LINE.format(self.work, self.network, self.dtype, self.threads or "all", self.peer, duration(self.ours),
                           duration(self.theirs), f"{self.ratio:.2f}", least, word(self.holds, "holds", "BELOW"),
                           word(self.same, "yes", "DIFFER"))


LINE = "{:27} {:10} {:8} {:>7} {:28} {:>10} {:>10} {:>8} {:>6} {:5} {}"
HEAD = LINE.format("work", "network", "dtype", "threads", "peer", "ours", "peer takes", "ratio", "wanted", "", "same numbers")


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


def ratio_of(row):
    """A row's ratio, in italics where less than wanted."""
    return f"*{number(row.ratio)}*" if row.holds is False else number(row.ratio)


def cell(rows):
    """The ratios of float64 and float32."""
    found = {row.dtype: ratio_of(row) for row in rows}
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
    lines += ["", *others(rest)] if rest else []
    return "\n".join(lines)


def subject(row):
    """What a piece of work is, and on which of its networks."""
    several = len(WORK.get(row.work, ("", ()))[1]) > 1
    return title(row.work) + (f", {row.network}" if several else "")


def others(rows):
    """A Markdown table with times: a line for each work, network and peer, float64 / float32 where there are both."""
    lines, said = ["| work | ours | against | takes | ratio |", "|---|---|---|---|---|"], None
    for kind in dict.fromkeys((subject(row), row.peer) for row in rows):
        mine = sorted((row for row in rows if (subject(row), row.peer) == kind), key=lambda row: row.dtype, reverse=True)
        dtype = f", {mine[0].dtype}" if len(mine) == 1 and mine[0].dtype else ""
        ours, theirs = (" / ".join(duration(getattr(row, name)) for row in mine) for name in ("ours", "theirs"))
        against = "at most" if kind[1] == "wanted" else kind[1]
        cells = ["", ""] if (kind[0] + dtype, ours) == said else [kind[0] + dtype, ours]
        lines.append("| " + " | ".join([*cells, against, theirs, " / ".join(map(ratio_of, mine))]) + " |")
        said = kind[0] + dtype, ours
    return lines


def five(rows):
    """The README's table."""
    lines = ["| work | peer | float64 | float32 |", "|---|---|---|---|"]
    for kind, (name, peer) in FIVE.items():
        found = {row.dtype: number(row.ratio) for row in rows if (row.work, row.network, row.peer) == kind}
        lines.append(f"| {name} | {peer} | " + " | ".join(found.get(dtype, "–") for dtype in ("float64", "float32")) + " |")
    return "\n".join(lines)


def duration(seconds):
    """Seconds, milliseconds, microseconds or nanoseconds in three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        if seconds >= size:
            return f"{number(seconds / size)} {unit}"
    return f"{number(seconds / 1e-9)} ns"


TABLES = {"peers": markdown, "peers-five": five}


def write(path, rows):
    """Put the tables between the markers that a page has for them, or make a page of the whole table."""
    path = Path(path)
    text = path.read_text() if path.exists() else MARKS[0].format("peers") + MARKS[1].format("peers") + "\n"
    for name, make in TABLES.items():
        begin, end = (mark.format(name) for mark in MARKS)
        if begin in text:
            before, rest = text.split(begin, 1)
            text = f"{before}{begin}\n{make(rows)}\n{end}{rest.split(end, 1)[1]}"
    path.write_text(text)


def read(path):
    """The cells of every line of the tables that a page has."""
    begin, end = (mark.format("peers") for mark in MARKS)
    lines = Path(path).read_text().split(begin)[1].split(end)[0].splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
