"""Checks of residuals: of how they are made, what they read of u, what they compute with it, and what they give."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..checks import as_array, finite_number, unmasked, whole_number
from ..object_checks import shown

OWN = "or give Residual(function, derivative=…) its derivatives in u yourself"
PARTS = "split a complex equation into its real and its imaginary part, two residuals"
ENTRIES = "u.value, u.d(…) and what is made of them"
WORDS = ("value", "laplacian")


def no_rule(name: str, rules: str) -> NoReturn:
    """Refuse a function that carries no derivative."""
    raise TypeError(f"{name} has no rule by which a residual's derivatives in u are carried on; these have one: {rules}. Write the "
                    f"residual with them, {OWN}")


def no_sum(name: str) -> NoReturn:
    """Refuse a function that joins points."""
    raise TypeError(f"{name} joins points, but a residual at a point must depend on u at this point alone; a residual gives one "
                    "number for each point, and the cost sums them")


def no_place() -> NoReturn:
    """Refuse a result that is to be written into an array."""
    raise TypeError(f"{ENTRIES} cannot be written into an array, by out= or r += …; write r = r + … instead")


def no_array() -> NoReturn:
    """Refuse to lose derivatives."""
    raise TypeError(f"{ENTRIES} carry derivatives, which an array would lose; use them as they are, return several residuals as a "
                    f"tuple (r_1, r_2), {OWN}")


def no_part() -> NoReturn:
    """Refuse an index of points."""
    raise TypeError(f"{ENTRIES} have one number for each point and take no index; u[k] is an output, engine.collocation takes "
                    "points of another kind as a set of their own, and numpy.where chooses point by point")


def no_one_number() -> NoReturn:
    """Refuse a truth value or a Python float."""
    raise TypeError(f"{ENTRIES} have one number for each point, and are no single number and neither true nor false; use "
                    "numpy.where instead of if, and NumPy's functions instead of those of math")


def constant(value: Any) -> Any:
    """A number or an array of real numbers that depends on no network."""
    kind = type(value)
    if kind is float or kind is int:
        return value
    if kind is not np.ndarray and not isinstance(value, np.generic):
        if isinstance(value, bool):
            return float(value)
        unmasked(value, "a constant of a residual")
        value = as_array(value, "a constant of a residual")
    if value.dtype.kind not in "fiub":
        raise TypeError(f"a residual must be made of real numbers, but holds a constant of dtype {value.dtype}; {PARTS}")
    return value


def one_number_a_point(shape: tuple[int, ...]) -> NoReturn:
    """Refuse what broadcast to more than one number a point."""
    raise ValueError(f"{ENTRIES} must have shape [m], one number for each point, but came to shape {list(shape)}; take columns of "
                     "x as x[:, 0], not x[:, 0:1]")


def axis(value: Any, n_0: int, name: str) -> int:
    """An input's number."""
    number = whole_number(value, name, 0)
    if number >= n_0:
        raise ValueError(f"{name} must be an input from 0 to {n_0 - 1}, but is {number}; x has {n_0} "
                         f"{'column' if n_0 == 1 else 'columns'}, and the first is 0")
    return number


def axes(values: Any, n_0: int, name: str) -> tuple[int, ...]:
    """Numbers of different inputs; all of them where None."""
    if values is None:
        return tuple(range(n_0))
    try:
        values = (values,) if np.ndim(values) == 0 else tuple(values)
    except Exception:  # whatever the object's own iteration raises
        raise TypeError(f"{name} must be a sequence of inputs, but is {shown(values)}") from None
    found = tuple(axis(value, n_0, f"{name}[{k}]") for k, value in enumerate(values))
    if not found or len(set(found)) < len(found):
        raise ValueError(f"{name} must name one input or more, none of them twice, but is {values!r}")
    return found


def order(count: int) -> None:
    """Refuse derivatives of another order than one and two."""
    if count not in (1, 2):
        raise TypeError(f"u.d takes one input, u.d(i), or two, u.d(i, j), but was given {count}; write an equation of higher order "
                        "as a system of first and second order, with an output for each derivative that it needs")


def output(value: Any, n: int) -> int:
    """An output's number."""
    number = whole_number(value, "k of u[k]", 0)
    if number >= n:
        raise ValueError(f"k of u[k] must be an output from 0 to {n - 1}, but is {number}; give the network's last layer "
                         f"{number + 1} neurons, or read another")
    return number


def one_output(name: str, n: int) -> NoReturn:
    """Refuse to read of all outputs what each of them has."""
    raise ValueError(f"{name} is of one output, but the network has {n}; say which, u[0].{name.removeprefix('u.')} for instance")


def divergence(outputs: int, count: int, given: bool) -> None:
    """Refuse a divergence of another number of outputs than inputs."""
    if given and count > outputs:
        raise ValueError(f"u.divergence's axes must name one input for each of the {outputs} outputs at most, but name {count}")
    if not given and count != outputs:
        raise ValueError(f"u.divergence() needs as many outputs as inputs, but there are {outputs} and {count}; name the inputs "
                         "that go with the first outputs, u.divergence((0, 1)) for instance")


def not_read_before(entry: str) -> NoReturn:
    """Refuse an entry that a first pass has not read."""
    raise ValueError(f"the residual reads {entry}, which it did not read in its first call; it must read the same entries of u in "
                     "every call: read them before any if, and let numpy.where choose")


def unknowns(values: Any) -> tuple[tuple[str, float], ...]:
    """(name, first value) of each unknown."""
    if values is None:
        return ()
    pairs = values.items() if isinstance(values, Mapping) else values
    try:
        found = tuple((name, value) for name, value in pairs)
    except Exception:  # whatever the object's own iteration raises
        raise TypeError(f"unknowns must map names to first values, {{'kappa': 1.0}} for instance, but is {shown(values)}") from None
    for name, _ in found:
        if not isinstance(name, str) or not name.isidentifier() or name in WORDS:
            raise ValueError("unknowns must have names of letters, digits and underscores, other than 'value' and 'laplacian', but "
                             f"one is {name!r}")
    return tuple((name, finite_number(value, f"unknowns[{name!r}]")) for name, value in found)


def no_unknown(name: object, names: Collection[str]) -> NoReturn:
    """Refuse an unknown that a residual does not have."""
    raise ValueError(f"the residual has no unknown {name!r}, but {', '.join(map(repr, names))}; "
                     "Residual(function, unknowns={name: first value}) names them")


def optional_function(value: Any, name: str) -> None:
    """Refuse what is neither None nor to be called."""
    if value is not None and not callable(value):
        raise TypeError(f"Residual's {name} must be a function of x and u, or left out, but is {shown(value)}")


def jets(found: Any, m: int, count: int) -> None:
    """Refuse jets of other points or components."""
    if found.ndim != 3 or found.shape[:2] != (m, count):
        raise ValueError(f"jets must have shape [{m}, {count}, n], but have shape {list(found.shape)}")


def reads_something(found: Collection[Any], name: str) -> None:
    """Refuse a residual of no network."""
    if not found:
        raise ValueError(f"the residual {name} must read something of u, but reads nothing, so that no network changes it; use "
                         "u.value, u.d(i), u.d(i, j), u.laplacian(), u.divergence() or u[k] in it")


def depends(found: bool, name: str) -> None:
    """Refuse a residual whose result carries no derivative."""
    if not found:
        raise ValueError(f"the residual {name} must have a derivative in u, but gives what has none, though it reads u; return "
                         "what is made of u.value, u.d(…) and so on")


def pieces(result: Any, m: int, outputs: int, name: str, carried: type) -> list[Any]:
    """What a residual gave as `outputs` pieces [m], each an array of real numbers or `carried`."""
    found: list[Any]
    if isinstance(result, (tuple, list)):
        found = list(result)
    elif isinstance(result, carried):
        found = [result]
    else:
        array = _real(result, f"the residual {name}")
        found = list(array.T) if array.ndim == 2 and array.shape == (m, outputs) else [array]
    wanted = f"shape [{m}]" if outputs == 1 else f"{outputs} pieces of shape [{m}], or an array [{m}, {outputs}]"
    if len(found) != outputs:
        raise ValueError(f"the residual {name} must give {wanted}, but gave {_came(found)}; say so by Residual(function, "
                         f"outputs={len(found)}), or return {outputs}")
    for a, piece in enumerate(found):
        if not isinstance(piece, carried):
            array = _real(piece, f"the residual {name}")
            found[a] = array[:, 0] if array.shape == (m, 1) else array
        if found[a].shape != (m,):
            raise ValueError(f"the residual {name} must give {wanted}, but gave {_came(found)}; return one number for each point, "
                             "or several by Residual(function, outputs=…)")
    return found


def _came(found: list[Any]) -> str:
    shapes = [str(list(np.shape(piece))) for piece in found]
    if len(shapes) == 1:
        return f"shape {shapes[0]}"
    return f"{len(shapes)} pieces of shape {' and '.join(dict.fromkeys(shapes))}"


def _real(result: Any, name: str) -> NDArray[Any]:
    unmasked(result, name)
    array = as_array(result, name)
    if array.dtype.kind not in "fiub":
        hint = f"; {PARTS}" if array.dtype.kind == "c" else ""
        raise TypeError(f"{name} must give real numbers, but gave {'nothing' if result is None else f'dtype {array.dtype}'}{hint}")
    return array


def own_derivative(values: Any, name: str) -> Mapping[Any, Any]:
    """What a user's `derivative` gave: a dict by entries of u."""
    if not isinstance(values, Mapping):
        raise TypeError(f"the derivative of the residual {name} must give a dict by what the residual reads, "
                        f"{{'value': …, (0,): …, (0, 1): …, 'laplacian': …}}, but gave {shown(values)}")
    return values


def entry_key(key: Any, name: str, n: int, read: Collection[str]) -> NoReturn:
    """Refuse a key of such a dict that is no key, or of an entry which is not read."""
    known = "'value', (i,), (i, j), 'laplacian', ('laplacian', axes)"
    known = f"keys {known}" if n == 1 else f"keys (k, key), k an output and key one of {known}"
    raise ValueError(f"the derivative of the residual {name} must have {known}, and names of unknowns, of what the residual reads, "
                     f"{', '.join(sorted(read))}, but has {key!r}")


def same_entries(missing: Collection[str], name: str) -> None:
    """Refuse a dict that leaves out an entry which is read."""
    if missing:
        raise ValueError(f"the derivative of the residual {name} must have a key for everything that the residual reads, but has "
                         f"none for {', '.join(sorted(missing))}; give 0.0 where a derivative is 0")


def slope(values: Any, shape: tuple[int, int], entry: str, name: str) -> NDArray[Any]:
    """∂r/∂(entry) of a user's own, [m, q] or one number."""
    m, q = shape
    name = f"the derivative of the residual {name} in {entry}"
    if isinstance(values, (tuple, list)) and len(values) == q > 1:
        values = np.stack([_each_point(_real(value, name), m, name) for value in values], 1)
    array = _real(values, name)
    array = array[:, None] if array.shape == (m,) and q == 1 else array
    if array.ndim > 0 and array.shape != shape:
        raise ValueError(f"{name} must have shape {[m] if q == 1 else [m, q]}, or be one number, but has shape {list(array.shape)}")
    return array


def _each_point(array: NDArray[Any], m: int, name: str) -> NDArray[Any]:
    if array.shape not in ((), (m,)):
        raise ValueError(f"{name} must have pieces of shape [{m}], or of one number, but one has shape {list(array.shape)}")
    return np.broadcast_to(array, (m,))


def a_residual(value: Any, kind: type, name: str) -> Any:
    """A Residual."""
    if not isinstance(value, kind):
        function = getattr(value, "__name__", "function") if callable(value) else "function"
        raise TypeError(f"{name} must be an engine.Residual, but is {shown(value)}; engine.Residual({function}) makes one of a "
                        "function of x and u")
    return value
