"""Activations as trees of ONNX operators: what is written, in float32 and in float64, and what is read."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..activations import NAMED
from .activation_forms import Form
from .onnx_expressions import Apply, Constant, Expression, Slot, Z, apply, canonical, close, matches

OPERATORS = {"tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "Relu", "sin": "Sin", "cos": "Cos", "exp": "Exp", "erf": "Erf"}
WITHOUT_FLOAT64 = ("erf", "gelu")  # no operator that ONNX Runtime computes in float64
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
LARGEST = 200  # operators of one activation


def tree(form: Form | tuple[str, tuple[Any, ...]], single: bool) -> Expression:
    """g(z) as operators that ONNX Runtime computes in float32 (`single`), or in float64 for all but erf and gelu."""
    name, parameters = form
    if name == "identity":
        return Z
    if name in OPERATORS:
        return apply(OPERATORS[name], Z)
    if name == "leaky_relu":
        slope, = parameters
        return apply("LeakyRelu", Z, alpha=slope) if single else _branches(apply("Mul", slope, Z))
    if name == "elu":
        alpha, = parameters
        return apply("Elu", Z, alpha=alpha) if single else _branches(apply("Mul", alpha, _exponential()))
    if name == "selu":
        return (apply("Selu", Z, alpha=SELU_ALPHA, gamma=SELU_SCALE) if single
                else apply("Mul", SELU_SCALE, _branches(apply("Mul", SELU_ALPHA, _exponential()))))
    if name == "softplus":
        beta, = parameters
        return _scaled_softplus(beta, single)
    if name == "hard_tanh":
        return apply("Clip", Z, *parameters)
    return _composed(name, single)


def _composed(name: str, single: bool) -> Apply:
    if name == "gelu":
        return _gelu("none")
    if name == "gelu_tanh":
        cubic = apply("Add", Z, apply("Mul", 0.044715, apply("Mul", apply("Mul", Z, Z), Z)))
        wave = apply("Tanh", apply("Mul", math.sqrt(2 / math.pi), cubic))
        return _gelu("tanh") if single else apply("Mul", apply("Mul", 0.5, Z), apply("Add", 1.0, wave))
    if name == "silu":
        return apply("Mul", Z, apply("Sigmoid", Z))
    if name == "softsign":
        return apply("Softsign", Z) if single else apply("Div", Z, apply("Add", 1.0, apply("Abs", Z)))
    if name == "gaussian":
        return apply("Exp", apply("Neg", apply("Mul", Z, Z)))
    if name == "mish":
        return apply("Mul", Z, apply("Tanh", _softplus(Z, single)))
    if name == "hard_sigmoid":
        return apply("HardSigmoid", Z, alpha=1 / 6, beta=0.5) if single else _sixth()
    if name == "hard_swish":
        return apply("HardSwish", Z) if single else apply("Mul", Z, _sixth())
    return apply("Neg", _softplus(apply("Neg", Z), single))  # log_sigmoid


def _gelu(form: str) -> Apply:
    return Apply("Gelu", (Z,), (("approximate", form),))


def _branches(below: Expression) -> Apply:
    """z above 0, and `below` elsewhere."""
    return apply("Where", apply("Greater", Z, 0.0), Z, below)


def _exponential() -> Apply:
    """e^z − 1 below 0."""
    return apply("Add", apply("Exp", apply("Min", Z, 0.0)), -1.0)


def _sixth() -> Apply:
    return apply("Mul", apply("Clip", apply("Add", Z, 3.0), 0.0, 6.0), 1 / 6)


def _softplus(x: Expression, single: bool) -> Apply:
    """log(1 + e^x)."""
    if single:
        return apply("Softplus", x)
    return apply("Add", apply("Relu", x), apply("Log", apply("Add", 1.0, apply("Exp", apply("Neg", apply("Abs", x))))))


def _scaled_softplus(beta: Any, single: bool) -> Apply:
    """log(1 + e^(β z)) / β; of a pattern, Slot(1) is 1 / β."""
    if beta == 1.0:
        return _softplus(Z, single)
    inverse = Slot(1) if isinstance(beta, Slot) else 1 / beta
    return apply("Mul", inverse, _softplus(apply("Mul", beta, Z), single))


# what exporters write besides
FURTHER: tuple[tuple[str, Expression], ...] = (
    ("gelu", apply("Mul", apply("Mul", 0.5, Z), apply("Add", 1.0, apply("Erf", apply("Mul", math.sqrt(0.5), Z))))),
    ("mish", apply("Mish", Z)),
    ("hard_sigmoid", apply("Clip", apply("Add", apply("Mul", 1 / 6, Z), 0.5), 0.0, 1.0)),
    ("hard_swish", apply("Mul", Z, apply("HardSigmoid", Z, alpha=1 / 6, beta=0.5))),
    ("log_sigmoid", apply("Log", apply("Sigmoid", Z))))


@functools.cache
def patterns() -> list[tuple[str, Expression]]:
    """Every activation's trees, with slots for its parameters."""
    found = list(FURTHER)
    for name, activation in NAMED.items():
        slots = tuple(Slot(place) for place in range(len(activation.parameters)))
        found += [(name, tree((name, slots), single)) for single in (True, False) if name != "identity"]
    return [(name, canonical(pattern)) for name, pattern in found]


def recognised(found: Expression) -> Form | None:
    """The form of the activation that a tree computes, or None where it is none of ours."""
    if isinstance(found, Apply) and found.size > LARGEST:
        return None
    simple = canonical(found)
    if simple == Z:
        return "identity", ()
    for name, pattern in patterns():
        for slots in matches(pattern, simple, {}):
            if name != "softplus":
                return name, tuple(_number(slots[place]) for place in sorted(slots))
            beta, inverse = slots[0], slots[1]
            if beta.value > 0 and close(Constant(beta.value * inverse.value, beta.single or inverse.single), Constant(1.0)):
                return name, (_number(beta),)
    return None


def operators() -> set[str]:
    """The operators that stand in any tree."""
    names: set[str] = {"Neg", "Sub", "Mul", "Add", "Sum", "Div", "Pow", "Max", "Min", "Where", "Less", "LessOrEqual", "Greater",
                       "GreaterOrEqual"}
    stack: list[Any] = [pattern for _, pattern in patterns()]
    while stack:
        part = stack.pop()
        if isinstance(part, Apply):
            names.add(part.op)
            stack += part.inputs
    return names - {"product", "sum"}


def _number(constant: Constant) -> float:
    """A parameter; one that was rounded to float32 as the shortest decimal number that rounds to it."""
    return float(str(np.float32(constant.value))) if constant.single else constant.value
