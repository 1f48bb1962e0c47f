"""Numbers that carry their derivatives in the entries of a jet and in unknowns: forward differentiation, point by point."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..typing import Array
from . import checks

Key = tuple[int, int] | str  # (component, output) of a jet, or the name of an unknown
Slopes = dict[Key, Any]  # ∂/∂(entry), [m] or a number
NONE: Slopes = {}


class Trace:
    """What a first call of a residual leaves behind.

    Attributes
    ----------
    linear : bool
        Whether all that it did with what it read of u was linear, so that its derivatives are the same for every u.
    """

    __slots__ = ("linear",)

    def __init__(self) -> None:
        self.linear = True


class Carried:
    """A number of each point with its derivatives in what was read of the jet so far.

    + − * / **, comparisons, `numpy.where` and the functions of UNARY and BINARY carry the derivatives on; everything else is
    refused with a TypeError. Comparisons give plain arrays. The dtype of values follows NumPy's rules, as if no derivative were
    carried: a value has the bits that the same function gives on plain arrays.

    Parameters
    ----------
    value : ndarray [m] or a NumPy number
    slopes : dict
        ∂value/∂(entry) [m], or one number for all points, by (component, output) or by an unknown's name; 0 where missing. Never
        changed once it is here, so that values may share it.
    trace : Trace, optional
        That of a first call.
    """

    __slots__ = ("value", "slopes", "trace")
    __hash__ = None  # type: ignore[assignment]
    __iter__ = None

    def __init__(self, value: Any, slopes: Slopes, trace: Trace | None = None) -> None:
        self.value, self.slopes, self.trace = value, slopes, trace

    def __repr__(self) -> str:
        return f"Carried({self.value.dtype} {list(self.value.shape)}, {len(self.slopes)} derivatives)"

    @property
    def shape(self) -> tuple[int, ...]:
        """That of its value: (m,), or () of what depends on unknowns alone."""
        return self.value.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of its value."""
        return self.value.dtype

    @property
    def ndim(self) -> int:
        """1, or 0 of what depends on unknowns alone."""
        return self.value.ndim

    @property
    def size(self) -> int:
        """Number of points."""
        return self.value.size

    def __add__(self, other: Any) -> Carried:
        return _add(self, other)

    def __radd__(self, other: Any) -> Carried:
        return _add(other, self)

    def __sub__(self, other: Any) -> Carried:
        return _subtract(self, other)

    def __rsub__(self, other: Any) -> Carried:
        return _subtract(other, self)

    def __mul__(self, other: Any) -> Carried:
        return _multiply(self, other)

    def __rmul__(self, other: Any) -> Carried:
        return _multiply(other, self)

    def __truediv__(self, other: Any) -> Carried:
        return _divide(self, other)

    def __rtruediv__(self, other: Any) -> Carried:
        return _divide(other, self)

    def __pow__(self, other: Any) -> Carried:
        return _power(self, other)

    def __rpow__(self, other: Any) -> Carried:
        return _power(other, self)

    def __neg__(self) -> Carried:
        return Carried(-self.value, _scaled(-1.0, self.slopes), self.trace)

    def __pos__(self) -> Carried:
        return self

    def __abs__(self) -> Carried:
        return Carried(abs(self.value), _scaled(np.sign(self.value), self.slopes), _not_linear(self))

    def __lt__(self, other: Any) -> Any:
        return self.value < _compared(self, other)

    def __le__(self, other: Any) -> Any:
        return self.value <= _compared(self, other)

    def __gt__(self, other: Any) -> Any:
        return self.value > _compared(self, other)

    def __ge__(self, other: Any) -> Any:
        return self.value >= _compared(self, other)

    def __eq__(self, other: object) -> Any:
        return self.value == _compared(self, other)

    def __ne__(self, other: object) -> Any:
        return self.value != _compared(self, other)

    def __getitem__(self, where: object) -> Any:
        checks.no_part()

    def __bool__(self) -> bool:
        return checks.no_one_number()

    def __float__(self) -> float:
        return checks.no_one_number()

    def __array__(self, *_: object, **__: object) -> Any:
        checks.no_array()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
        if method != "__call__":
            checks.no_sum(f"np.{ufunc.__name__}.{method}")
        if "out" in settings:
            checks.no_place()
        if settings:
            checks.no_rule(f"np.{ufunc.__name__} with {', '.join(settings)}", RULES)
        if ufunc in UNARY:
            value = ufunc(self.value)
            trace = self.trace if ufunc in LINEAR else _not_linear(self)
            return Carried(value, _scaled(UNARY[ufunc](self.value, value), self.slopes), trace)
        if ufunc in BINARY:
            return BINARY[ufunc](*inputs, ufunc)
        if ufunc in FLAT:
            _not_linear(*inputs)
            return ufunc(*map(_value, inputs))
        return checks.no_rule(f"np.{ufunc.__name__}", RULES)

    def __array_function__(self, function: Any, kinds: object, inputs: Any, settings: Any) -> Any:
        name = f"np.{function.__name__}"
        if function is np.where and len(inputs) == 3:
            return _where(*inputs)
        if function in ALIKE:
            return function(*map(_value, inputs), **settings)
        return checks.no_sum(name) if name in MIXING else checks.no_rule(name, RULES)


def _value(number: Any) -> Any:
    return number.value if type(number) is Carried else checks.constant(number)


def _parts(number: Any) -> tuple[Any, Slopes]:
    """A number's value and slopes; a constant has none."""
    return (number.value, number.slopes) if type(number) is Carried else (checks.constant(number), NONE)


def _carried(value: Any, slopes: Slopes, trace: Trace | None) -> Carried:
    if value.ndim > 1:
        checks.one_number_a_point(value.shape)
    return Carried(value, slopes, trace)


def _trace(*numbers: Any) -> Trace | None:
    """The trace that one of them has."""
    for number in numbers:
        if type(number) is Carried and number.trace is not None:
            return number.trace
    return None


def _not_linear(*numbers: Any) -> Trace | None:
    """Their trace, once it says that they took part in something that is not linear."""
    trace = _trace(*numbers)
    if trace is not None:
        trace.linear = False
    return trace


def _compared(number: Carried, other: Any) -> Any:
    """The other's value, for a comparison, which is not linear."""
    _not_linear(number, other)
    return _value(other)


def _scaled(factor: Any, slopes: Slopes) -> Slopes:
    """Every slope times `factor`."""
    if not slopes:
        return slopes
    kind = getattr(factor, "dtype", None)
    if kind is not None and kind.kind != "f":
        factor = np.asarray(factor, np.float64)  # truth values and small integers would not add up
    return {key: factor if type(slope) is float and slope == 1.0 else factor * slope for key, slope in slopes.items()}


def _slope_sums(first: Slopes, second: Slopes) -> Slopes:
    """The sums of two values' slopes."""
    if not first or not second:
        return first or second
    sums = dict(first)
    for key, slope in second.items():
        sums[key] = sums[key] + slope if key in sums else slope
    return sums


def _add(a: Any, b: Any, operation: Callable[[Any, Any], Any] = operator.add) -> Carried:
    (v, p), (w, q) = _parts(a), _parts(b)
    return _carried(operation(v, w), _slope_sums(p, q), _trace(a, b))


def _subtract(a: Any, b: Any, operation: Callable[[Any, Any], Any] = operator.sub) -> Carried:
    (v, p), (w, q) = _parts(a), _parts(b)
    return _carried(operation(v, w), _slope_sums(p, _scaled(-1.0, q)), _trace(a, b))


def _multiply(a: Any, b: Any, operation: Callable[[Any, Any], Any] = operator.mul) -> Carried:
    (v, p), (w, q) = _parts(a), _parts(b)
    trace = _not_linear(a, b) if p and q else _trace(a, b)
    return _carried(operation(v, w), _slope_sums(_scaled(w, p), _scaled(v, q)), trace)


def _divide(a: Any, b: Any, operation: Callable[[Any, Any], Any] = operator.truediv) -> Carried:
    (v, p), (w, q) = _parts(a), _parts(b)
    value = operation(v, w)
    trace = _not_linear(a, b) if q else _trace(a, b)
    return _carried(value, _slope_sums(_scaled(1.0 / w, p) if p else p, _scaled(-value / w, q) if q else q), trace)


def _power(a: Any, b: Any, operation: Callable[[Any, Any], Any] = operator.pow) -> Carried:
    """∂v^w = w v^(w−1) ∂v + v^w log v ∂w; where v = 0 the second part is 0."""
    (v, p), (w, q) = _parts(a), _parts(b)
    value = operation(v, w)
    first = _scaled(_power_slope(v, w), p) if p else p
    return _carried(value, _slope_sums(first, _scaled(value * np.log(np.where(v > 0, v, 1.0)), q) if q else q), _not_linear(a, b))


def _power_slope(v: Any, w: Any) -> Any:
    """w v^(w−1), 0 where w = 0 and v = 0."""
    if type(w) in (int, float):
        return (0.0, 1.0, 2.0 * v)[int(w)] if w in (0, 1, 2) else w * v ** (w - 1)
    return w * v ** np.where(w == 0, 1, w - 1)


def _larger(a: Any, b: Any, operation: Any = np.maximum) -> Carried:
    (v, p), (w, q) = _parts(a), _parts(b)
    return _carried(operation(v, w), _chosen(v >= w, p, q), _not_linear(a, b))


def _smaller(a: Any, b: Any, operation: Any = np.minimum) -> Carried:
    (v, p), (w, q) = _parts(a), _parts(b)
    return _carried(operation(v, w), _chosen(v <= w, p, q), _not_linear(a, b))


def _where(mask: Any, a: Any, b: Any) -> Carried:
    (v, p), (w, q) = _parts(a), _parts(b)
    trace, mask = _not_linear(mask) or _trace(a, b), _value(mask)
    return _carried(np.where(mask, v, w), _chosen(mask, p, q), trace)


def _chosen(mask: Any, first: Slopes, second: Slopes) -> Slopes:
    return {key: np.where(mask, first.get(key, 0.0), second.get(key, 0.0)) for key in {**first, **second}}


# g′ of value v and g(v)
UNARY: dict[np.ufunc, Callable[[Array, Array], Any]] = {
    np.positive: lambda v, f: 1.0, np.negative: lambda v, f: -1.0,
    np.sin: lambda v, f: np.cos(v), np.cos: lambda v, f: -np.sin(v), np.tan: lambda v, f: 1 + f * f,
    np.exp: lambda v, f: f, np.expm1: lambda v, f: np.exp(v), np.log: lambda v, f: 1 / v, np.log1p: lambda v, f: 1 / (1 + v),
    np.tanh: lambda v, f: 1 - f * f, np.sinh: lambda v, f: np.cosh(v), np.cosh: lambda v, f: np.sinh(v),
    np.arctan: lambda v, f: 1 / (1 + v * v), np.sqrt: lambda v, f: 0.5 / f, np.square: lambda v, f: 2 * v,
    np.reciprocal: lambda v, f: -f * f, np.absolute: lambda v, f: np.sign(v), np.fabs: lambda v, f: np.sign(v)}
BINARY: dict[np.ufunc, Callable[..., Carried]] = {
    np.add: _add, np.subtract: _subtract, np.multiply: _multiply, np.divide: _divide, np.power: _power, np.maximum: _larger,
    np.minimum: _smaller}
LINEAR = {np.positive, np.negative}
# whose derivative is 0 wherever there is one
FLAT = {np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal, np.sign, np.isfinite, np.isnan}
ALIKE = {np.zeros_like, np.ones_like, np.shape, np.ndim, np.size}
MIXING = {"np.sum", "np.mean", "np.cumsum", "np.diff", "np.dot", "np.max", "np.min", "np.prod", "np.average", "np.gradient"}
RULES = "+, -, *, /, **, comparisons, np.where, " + ", ".join(f"np.{rule.__name__}" for rule in (*UNARY, *BINARY))
