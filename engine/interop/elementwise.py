"""The activations of ours for which torch has a function but no module, as a module. Imports torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

FUNCTIONS = {"sin": torch.sin, "cos": torch.cos, "exp": torch.exp, "erf": torch.erf, "gaussian": lambda z: torch.exp(-z * z)}


class Elementwise(nn.Module):
    """sin, cos, exp, erf or gaussian (exp(−z²)), elementwise.

    Parameters
    ----------
    function : {"sin", "cos", "exp", "erf", "gaussian"}

    Examples
    --------
    >>> import torch
    >>> from engine.interop.elementwise import Elementwise
    >>> Elementwise("gaussian")(torch.tensor([0.0, 1.0]))
    tensor([1.0000, 0.3679])
    """

    def __init__(self, function: str) -> None:
        super().__init__()
        self.function = function
        FUNCTIONS[function]

    def forward(self, z: Any) -> Any:
        """g(z), of the shape of z."""
        return FUNCTIONS[self.function](z)

    def extra_repr(self) -> str:
        """What a printed model says between the brackets."""
        return repr(self.function)
