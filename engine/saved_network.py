"""A network as a file: its widths, the names of its activations, θ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from . import checks, file_checks
from .archives import Member, opened, write_arrays
from .files import replacing
from .typing import Array, Path

FORMAT, WHAT = "gammachain 1", "a network that Network.save wrote"
LISTS = 1 << 20  # bytes that the widths, or the names, may take

Built = TypeVar("Built")


def write(path: Path, widths: Sequence[int], names: Sequence[str], theta: Array) -> None:
    """Replace `path` by the file of a network, whole or not at all."""
    with replacing(path) as file:
        write_arrays(file, format=FORMAT, widths=np.array(widths), activations=np.array(names), parameters=theta)


def read(path: Path, build: Callable[..., Built]) -> Built:
    """The network that `build(widths, names, theta)` makes of a file, or a ValueError that names the file and what is wrong.

    θ is read once its size is known from the widths.
    """
    with opened(path, WHAT) as archive:
        archive.require(["format", "widths", "activations", "parameters"])
        if str(archive.read("format", Member("U", (), most=1000))) != FORMAT:
            archive.refuse(f"lacks the format {FORMAT!r}")
        found = archive.read("widths", Member("iu", (None,), most=LISTS))
        widths = file_checks.built(archive, lambda: checks.widths(found.tolist()))
        names = archive.read("activations", Member("U", (len(widths) - 1,), most=LISTS)).tolist()
        theta = archive.read("parameters", Member("f", (checks.parameter_count(widths),)))
        return file_checks.built(archive, lambda: build(widths, tuple(names), theta))
