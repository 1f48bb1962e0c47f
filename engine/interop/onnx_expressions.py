"""Elementwise functions of one number as trees of ONNX operators, brought to one form and compared with patterns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

Z = "z"
SINGLE, DOUBLE = 2e-6, 1e-12  # how far constants that were rounded to float32, or to float64, may be from each other
NEUTRAL = {"product": 1.0, "sum": 0.0}
COMMUTATIVE = ("Max", "Min")


@dataclass(frozen=True)
class Constant:
    """A number, and whether it was rounded to float32."""

    value: float
    single: bool = False


@dataclass(frozen=True)
class Slot:
    """A number that a pattern leaves open."""

    place: int


@dataclass(frozen=True)
class Apply:
    """An operator, what it is applied to, and its attributes by name; `size` counts the operators of the whole tree."""

    op: str
    inputs: tuple[Any, ...]
    attributes: tuple[tuple[str, Any], ...] = ()
    size: int = 1


Expression = str | Constant | Slot | Apply
Slots = dict[int, Constant]


def apply(op: str, *inputs: Expression | float, **attributes: Expression | float) -> Apply:
    """The tree of an operator; numbers are constants."""
    trees = tuple(_tree(part) for part in inputs)
    size = 1 + sum(part.size for part in trees if isinstance(part, Apply))
    return Apply(op, trees, tuple(sorted((name, _tree(value)) for name, value in attributes.items())), size)


def _tree(part: Any) -> Any:
    return Constant(float(part)) if isinstance(part, (int, float)) else part


def canonical(tree: Expression) -> Expression:
    """A tree in which products, sums and their like have one form: a constant, then factors or terms in any order.

    Examples
    --------
    >>> from engine.interop.onnx_expressions import Z, apply, canonical
    >>> canonical(apply("Div", apply("Mul", Z, 3.0), 2.0)) == canonical(apply("Mul", 1.5, Z))
    True
    """
    if not isinstance(tree, Apply):
        return tree
    parts = [canonical(part) for part in tree.inputs]
    op, minus = tree.op, Constant(-1.0)
    if op in ("Mul", "Neg"):
        return _gathered("product", [minus, *parts] if op == "Neg" else parts)
    if op == "Sub":
        return _gathered("sum", [parts[0], _gathered("product", [minus, parts[1]])])
    if op in ("Add", "Sum"):
        return _gathered("sum", parts)
    if op == "Div" and isinstance(parts[1], Constant) and parts[1].value:
        return _gathered("product", [Constant(1 / parts[1].value, parts[1].single), parts[0]])
    if op == "Pow" and isinstance(parts[1], Constant) and parts[1].value in (2.0, 3.0):
        return _gathered("product", [parts[0]] * int(parts[1].value))
    if op == "Max" and len(parts) == 2 and Constant(0.0) in [_plain(part) for part in parts]:
        return Apply("Relu", (parts[0] if _plain(parts[1]) == Constant(0.0) else parts[1],))
    if op == "GreaterOrEqual":  # where it matters both branches have one value
        op = "Greater"
    if op in ("Less", "LessOrEqual"):
        op, parts = "Greater", parts[::-1]
    return Apply(op, tuple(parts), tree.attributes)


def _plain(part: Expression) -> Expression:
    """A constant as if it had not been rounded."""
    return Constant(part.value) if isinstance(part, Constant) else part


def _gathered(op: str, parts: Sequence[Expression]) -> Expression:
    """A product or sum: its constants as one, then the parts of those that are nested in it."""
    value, single, slot, rest = NEUTRAL[op], False, None, []
    for part in parts:
        nested = part.inputs if isinstance(part, Apply) and part.op == op else (part,)
        for inner in nested:
            if isinstance(inner, Constant):
                value, single = value * inner.value if op == "product" else value + inner.value, single or inner.single
            elif isinstance(inner, Slot):
                slot = inner
            else:
                rest.append(inner)
    if not rest and slot is None:
        return Constant(value, single)
    if len(rest) == 1 and slot is None and value == NEUTRAL[op]:
        return rest[0]
    return Apply(op, (slot or Constant(value, single), *rest))


def matches(pattern: Expression, found: Expression, slots: Slots) -> Iterator[Slots]:
    """What a pattern's slots must be for it to be what was found; both are canonical."""
    if isinstance(pattern, Slot):
        if isinstance(found, Constant):
            if pattern.place not in slots:
                yield {**slots, pattern.place: found}
            elif close(slots[pattern.place], found):
                yield slots
    elif isinstance(pattern, Constant):
        if isinstance(found, Constant) and close(pattern, found):
            yield slots
    elif not isinstance(pattern, Apply):
        if pattern == found:
            yield slots
    elif pattern.op in NEUTRAL:
        same = isinstance(found, Apply) and found.op == pattern.op
        factor, *parts = found.inputs if same and isinstance(found, Apply) else (Constant(NEUTRAL[pattern.op]), found)
        for first in matches(pattern.inputs[0], factor, slots):
            yield from _in_some_order(pattern.inputs[1:], parts, first)
    elif isinstance(found, Apply) and found.op == pattern.op:
        ours, theirs = dict(pattern.attributes), dict(found.attributes)
        if ours.keys() == theirs.keys():
            inputs = _in_some_order if pattern.op in COMMUTATIVE else _in_order
            for first in _in_order(list(ours.values()), [theirs[name] for name in ours], slots):
                yield from inputs(pattern.inputs, found.inputs, first)


def _in_order(patterns: Sequence[Any], found: Sequence[Any], slots: Slots) -> Iterator[Slots]:
    if len(patterns) != len(found):
        return
    if not patterns:
        yield slots
        return
    for first in matches(patterns[0], found[0], slots):
        yield from _in_order(patterns[1:], found[1:], first)


def _in_some_order(patterns: Sequence[Any], found: Sequence[Any], slots: Slots) -> Iterator[Slots]:
    if len(patterns) == len(found) <= 5:
        for order in permutations(found):
            yield from _in_order(patterns, order, slots)


def close(first: Constant, second: Constant) -> bool:
    """Whether two constants are one number but for rounding."""
    far = SINGLE if first.single or second.single else DOUBLE
    return abs(first.value - second.value) <= far * max(abs(first.value), abs(second.value))
