"""The layers of a torch module: what stands in its nn.Sequential, checked by exact class, so that no code of a user's is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..activations import Activation
from ..extras import imported
from ..typing import DType
from . import torch_checks
from .activation_forms import Form, made, plain
from .batch_norm import folded

NAMES = {  # torch's class of an activation, and what it says of the parameters
    "Identity": lambda module: plain("identity"), "Tanh": lambda module: plain("tanh"),
    "Sigmoid": lambda module: plain("sigmoid"), "ReLU": lambda module: plain("relu"), "SELU": lambda module: plain("selu"),
    "SiLU": lambda module: plain("silu"), "Softsign": lambda module: plain("softsign"), "Mish": lambda module: plain("mish"),
    "Hardsigmoid": lambda module: plain("hard_sigmoid"), "Hardswish": lambda module: plain("hard_swish"),
    "LogSigmoid": lambda module: plain("log_sigmoid"), "ReLU6": lambda module: ("hard_tanh", (0.0, 6.0)),
    "GELU": lambda module: plain("gelu" if module.approximate == "none" else "gelu_tanh"),
    "LeakyReLU": lambda module: ("leaky_relu", (module.negative_slope,)), "ELU": lambda module: ("elu", (module.alpha,)),
    "Softplus": lambda module: ("softplus", (module.beta,)),
    "Hardtanh": lambda module: ("hard_tanh", (module.min_val, module.max_val))}
PASSIVE = ("Dropout", "AlphaDropout", "FeatureAlphaDropout")  # which do nothing in eval
THRESHOLD = 40.0  # above it log(1 + e^z) is z in float64


@dataclass
class Layer:
    """A Linear, with the activation once it was met, and where in the module they stand."""

    path: str
    weight: NDArray[Any]
    bias: NDArray[Any] | None
    activation: str | Activation | None = None
    activation_path: str = ""


def read_layers(module: Any, dtype: DType | None) -> list[tuple[NDArray[Any], NDArray[Any] | None, str | Activation]]:
    """(W, b or None, activation) of each Linear of a module, as `Network.from_layers` takes them."""
    nn = imported("torch", "engine.interop.torch").nn
    activations: dict[type, Callable[[Any], Form]] = {getattr(nn, name): read for name, read in NAMES.items()}
    passive = tuple(getattr(nn, name) for name in PASSIVE)
    layers: list[Layer] = []
    parameters = torch_checks.Parameters(dtype)
    for path, part in _parts(nn, module, "", ()):
        kind = type(part)
        if kind is nn.Linear:
            weight: Any = parameters.array(path, part, "weight")
            layers.append(Layer(path, weight, parameters.array(path, part, "bias")))
        elif kind is nn.Flatten:
            torch_checks.flatten(path, part, leading=not layers)
        elif kind is nn.BatchNorm1d:
            torch_checks.batch_norm(path, part, layers[-1] if layers else None)
            _fold(layers[-1], path, part, parameters)
        elif kind in activations and kind is not nn.Identity:
            _activate(layers, path, part, activations[kind](part))
        elif _elementwise(part):
            _activate(layers, path, part, plain(part.function))
        elif kind is not nn.Identity and kind not in passive:
            torch_checks.unknown(path, part)
    torch_checks.some_layers(layers)
    return [(layer.weight, layer.bias, layer.activation or "identity") for layer in layers]


def _parts(nn: Any, module: Any, path: str, above: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    """What stands in a module in order, with nested nn.Sequential opened, by torch's path."""
    torch_checks.plain_module(path, module, nn, above)
    if type(module) is not nn.Sequential:
        yield path, module
        return
    for name, child in vars(module)["_modules"].items():
        yield from _parts(nn, child, f"{path}.{name}" if path else name, (*above, id(module)))


def _activate(layers: list[Layer], path: str, part: Any, found: Form) -> None:
    """Give the last layer its activation."""
    torch_checks.one_activation(path, part, layers[-1] if layers else None)
    if type(part).__name__ == "Softplus":
        torch_checks.softplus_threshold(path, part)
    with torch_checks.at(path, part):
        layers[-1].activation = made(found)
    layers[-1].activation_path = path


def _fold(layer: Layer, path: str, part: Any, parameters: torch_checks.Parameters) -> None:
    """Fold γ (z − mean) / sqrt(variance + ε) + β of a BatchNorm1d in eval into the Linear that gives z."""
    mean, variance, weight, bias = (parameters.array(path, part, name)
                                    for name in ("running_mean", "running_var", "weight", "bias"))
    mean, variance = np.asarray(mean, float), np.asarray(variance, float)
    torch_checks.batch_norm_fits(path, part, layer, mean, variance, float(part.eps))
    layer.weight, layer.bias = folded(layer.weight, layer.bias, mean, variance, float(part.eps), weight, bias)


def _elementwise(part: Any) -> bool:
    from .elementwise import FUNCTIONS, Elementwise

    return type(part) is Elementwise and part.function in FUNCTIONS
