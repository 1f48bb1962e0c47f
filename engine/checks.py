"""Every cast and check of users' input, once, at the public edge: what the kernels then trust."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.sparse import issparse

from .kernels.checks import first_not_finite
from .typing import Array, DType


class _Alias:
    """The same memory as an array that does not own it, whatever its flags: kernels compile once for one kind of array."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array
        self.__array_interface__ = {**array.__array_interface__, "data": (array.__array_interface__["data"][0], False)}


def contiguous(array: NDArray[Any], dtype: DType) -> Array:
    """`array` as an aligned C-contiguous array of `dtype` (itself where it is one), never to be written to.

    What comes of it may share memory with the user's array: numbers that are only read. What a kernel indexes by is copied first
    and checked afterwards, in the copy (`indexing`), since another thread may write to the user's array at any time.
    """
    if type(array) is np.ndarray and array.dtype == dtype and array.flags.carray:
        return array
    with np.errstate(over="ignore"):  # an infinity is refused by its place
        array = np.require(array, dtype, ["C", "A"])
    if array.flags.writeable and type(array) is np.ndarray:
        return array
    return np.asarray(_Alias(array)) if array.size else np.empty(array.shape, dtype)


def indexing(array: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """A copy of `array` in `dtype` that nobody else can write to: what a kernel indexes by, to be checked next."""
    return np.array(array, dtype, order="C", subok=False)


def unmasked(values: Any, name: str) -> None:
    """Refuse masked entries: an array of what lies under the mask would take them for numbers."""
    if isinstance(values, np.ma.MaskedArray):
        masked = np.ma.getmaskarray(values)
        if masked.any():
            place = np.unravel_index(int(np.argmax(masked)), masked.shape)
            where = f"{name}[{entry(place)}]" if place else name
            raise ValueError(f"{name} must hold no masked entries, but {where} is masked; fill them ({name}.filled(value)) or drop "
                             "their samples")
    elif isinstance(values, (list, tuple)):
        for part in values:
            if isinstance(part, (np.ma.MaskedArray, list, tuple)):
                unmasked(part, name)


def real_array(values: Any, name: str) -> NDArray[Any]:
    """`values` as an array of real numbers in this machine's byte order; they are asked for it once."""
    if type(values) is not np.ndarray:
        if issparse(values):
            raise TypeError(f"{name} must be a dense array, but is a sparse {type(values).__name__}; {name}.toarray() makes it one")
        unmasked(values, name)
        values = as_array(values, name)
    if values.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, but has dtype {values.dtype}{_remedy(values)}")
    return values


def as_array(values: Any, name: str) -> NDArray[Any]:
    """`values` as an array, asked for it once."""
    try:
        return np.asarray(values)
    except MemoryError:
        raise
    except Exception as error:  # whatever the object's own conversion raises
        raise ValueError(f"{name} must be a rectangular array of numbers: {error}") from None


def _remedy(array: NDArray[Any]) -> str:
    """What to do about an array that holds no real numbers."""
    kind = array.dtype.kind
    if kind == "c":
        return "; pass the real and the imaginary part apart"
    if kind in "mM":
        return "; turn times into numbers first, such as seconds since the first"
    if kind in "SU":
        return "; turn text into numbers first"
    if kind == "O" and array.size:
        first = array.reshape(-1)[0]
        shown = repr(first) if isinstance(first, (int, float, str, type(None))) and len(repr(first)) < 60 else type(first).__name__
        return f", the first of them {shown}; convert it first, and fill or drop what is missing"
    return "; convert it first"


def entry(place: Any, rows: Any = None) -> str:
    """A place in an array as text; where the array holds some `rows` of a data set, as the place there."""
    first, *rest = (int(i) for i in place)
    return ", ".join(map(str, (first if rows is None else int(rows[first]), *rest)))


def finite(array: Array, name: str, rows: Any = None, given: NDArray[Any] | None = None) -> Array:
    """Refuse NaN and infinities in a C-contiguous float array; return it. `given` is what it was cast from."""
    at = first_not_finite(array.reshape(-1))
    if at >= 0:
        place = np.unravel_index(at, array.shape)
        value = array[place]
        if given is not None and np.isfinite(before := given[place]):
            raise ValueError(f"{name} must be finite in {array.dtype}, but {name}[{entry(place, rows)}] is {before}, beyond its "
                             "range; scale it, or take a float64 network")
        raise ValueError(f"{name} must be finite, but {name}[{entry(place, rows)}] is {value}; drop or impute such entries first")
    return array


def cast(array: NDArray[Any], dtype: DType, name: str, rows: Any = None) -> Array:
    """Real numbers as a finite C-contiguous array of `dtype`."""
    return finite(contiguous(array, dtype), name, rows, array)


def samples(X: Any, width: int, dtype: DType, name: str = "X", rows: Any = None) -> Array:
    """`X` as a finite C-contiguous [m, width] array of `dtype`; `rows` says which of a data set they are, for messages."""
    array = real_array(X, name)
    if array.ndim != 2 or array.shape[1] != width:
        hint = f"; a single sample is {name}[None, :]" if array.ndim == 1 and array.shape[0] == width else ""
        raise ValueError(f"{name} must have shape [m, {width}], one row a sample, but has shape {list(array.shape)}{hint}")
    return cast(array, dtype, name, rows)


def lies_in_memory(values: object) -> bool:
    """Whether `values` are an array or what NumPy makes one of: sequences, whatever exports its memory, tables. Else, as with HDF5
    and Zarr, they are rows to be read by slices and index arrays."""
    if isinstance(values, (np.ndarray, Sequence, Mapping)):
        return True
    if any(hasattr(values, mark) for mark in ("__array_interface__", "__dlpack__", "to_numpy")):
        return True
    return not (hasattr(values, "__len__") and hasattr(values, "__getitem__"))


def as_it_lies(array: NDArray[Any], dtype: DType) -> bool:
    """Whether kernels can read `array` where it lies, without a copy."""
    return array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned


def rows_given(values: Any, wanted: int, name: str) -> NDArray[Any]:
    """What an object gave for so many indices, an array with a row for each."""
    array = real_array(values, name)
    if array.ndim == 0 or len(array) != wanted:
        raise ValueError(f"{name} must give a row for each index, but gave shape {list(array.shape)} for {wanted} indices")
    return array


def vector(values: Any, size: int, dtype: DType, name: str, meaning: str) -> Array:
    """`values` as a finite contiguous [size] array of `dtype`."""
    array = real_array(values, name)
    if array.shape != (size,):
        raise ValueError(f"{name} must have shape [{size}], {meaning}, but has shape {list(array.shape)}")
    return cast(array, dtype, name)


def whole_number(value: Any, name: str, least: int) -> int:
    """`value` as an int of at least `least`."""
    try:
        number = operator.index(value)
    except Exception:  # whatever the object's own conversion raises
        raise TypeError(f"{name} must be a whole number, but is {value!r}") from None
    if isinstance(value, bool) or number < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, but is {value!r}")
    return number


def widths(values: Any) -> tuple[int, ...]:
    """(n_0, …, n_L) as a tuple of ints."""
    try:
        values = tuple(values)
    except Exception:  # whatever the object's own iteration raises
        raise TypeError(f"widths must be a sequence (n_0, …, n_L), but is {values!r}") from None
    if len(values) < 2:
        raise ValueError(f"widths must name the inputs and at least one layer, (n_0, …, n_L), but is {values!r}")
    widths = tuple(whole_number(width, f"widths[{l}]", 1) for l, width in enumerate(values))
    if parameter_count(widths) >= 1 << 60:
        raise ValueError(f"widths must make a network that memory can hold, but {widths} has {parameter_count(widths)} parameters")
    return widths


def parameter_count(widths: Sequence[int]) -> int:
    """P of (n_0, …, n_L)."""
    return sum(width * (before + 1) for before, width in zip(widths, widths[1:]))


def layer_activations(values: Any, depth: int) -> tuple[Any, ...]:
    """One activation a layer, as a tuple of `depth`, not yet looked up."""
    if not isinstance(values, (tuple, list)):
        raise TypeError(f"activations must be a tuple with one name or Activation for each of the {depth} layers, "
                        f"but is {values!r}")
    if len(values) != depth:
        raise ValueError(f"activations must name one for each of the {depth} layers 1 … {depth}, but names {len(values)}")
    return tuple(values)


def workspace_found(failed: int) -> None:
    """Refuse what kernels could not finish: all that can fail in one is to find memory for its work."""
    if failed:
        raise MemoryError("no memory could be found for the work of a thread; use fewer threads, samples or max_bytes")


def one_of(value: Any, name: str, known: Collection[str]) -> str:
    """`value`, one of the names `known`."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, but is {value!r}")
    return value


def float_dtype(dtype: Any) -> DType:
    """float32 or float64."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be float32 or float64, but is {dtype!r}") from None
    if found not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"dtype must be float32 or float64, but is {found}")
    return found


def parameters(values: Any, size: int, widths: Sequence[int]) -> Array:
    """θ as a new finite [P] array of its own dtype."""
    array = real_array(values, "parameters")
    dtype = array.dtype.newbyteorder("=")
    if dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        if dtype.kind == "f":
            raise TypeError(f"parameters must be float32 or float64, but is {dtype}; cast it first")
        dtype = np.dtype(np.float64)
    if array.shape != (size,):
        raise ValueError(f"parameters must have shape [{size}] for widths {widths}, but has shape {list(array.shape)}")
    return finite(indexing(array, dtype), "parameters")


def layer_index(l: Any, first: int, depth: int, name: str = "l") -> int:
    """A layer's number, first … depth."""
    number = whole_number(l, name, first)
    if number > depth:
        raise ValueError(f"{name} must be a layer from {first} to {depth}, but is {number}")
    return number


def user_array(values: Any, shape: tuple[int, ...], dtype: DType, name: str) -> Array:
    """What a user's own function gave, as a contiguous array of the shape it must have."""
    unmasked(values, name)
    array = as_array(values, name)
    if array.shape != shape:
        raise ValueError(f"{name} must return shape {list(shape)}, but returned {list(array.shape)}")
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must return real numbers, but returned dtype {array.dtype}")
    return np.array(array, dtype, order="C")


def direction(values: Any, size: int, dtype: DType, name: str = "v") -> Array:
    """A vector that SciPy hands to a product, as a contiguous [size] array of `dtype`; NaN passes through."""
    array = real_array(values, name)
    if array.size != size:
        raise ValueError(f"{name} must have shape [{size}], but has shape {list(array.shape)}")
    return contiguous(array.reshape(size), dtype)


def generator(seed: Any) -> np.random.Generator:
    """A seed, or a Generator as it is."""
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(whole_number(seed, "seed", 0))


def savable_activations(activations: Sequence[Any]) -> list[str]:
    """The labels of activations that a file can hold."""
    for l, activation in enumerate(activations, 1):
        if activation.code < 0:
            raise ValueError(f"layer {l}'s activation {activation.name!r} is a user's own, and a file cannot hold a function; "
                             "save network.parameters and build the Network again in code")
    return [activation.label for activation in activations]


def residual_weights(cost: Any, m: int, dtype: DType) -> Array:
    """∂φ/∂L_k [m] of a cost that is a sum of squares with weights that do not depend on the losses."""
    if cost.loss.name != "squared_error" and not hasattr(cost.loss, "residuals"):
        raise ValueError(f"residual needs the loss squared_error, or one of residuals, but the cost's is {cost.loss.name}; use "
                         ".fun and .jac")
    if cost.reduction.name not in ("sum", "mean", "weighted", "weighted_mean"):
        raise ValueError(f"residual needs the reduction sum, mean, weighted or weighted_mean, but the cost's is "
                         f"{cost.reduction.name}; use .fun and .jac")
    weights = cost.reduce(np.zeros(m, dtype))[1]
    if (weights < 0).any():
        raise ValueError(f"residual needs weights of at least 0, but one is {weights.min()}")
    return weights


def float_array(values: Any, name: str) -> Array:
    """`values` as float32 where they are that already, else float64."""
    array = real_array(values, name)
    if array.dtype in (np.dtype(np.float32), np.dtype(np.float64)):
        return array
    dtype = array.dtype.newbyteorder("=")
    with np.errstate(over="ignore"):
        return array.astype(dtype if dtype == np.float32 else np.float64)


def user_functions(owner: str, **functions: Any) -> None:
    """Refuse what cannot be called."""
    for name, function in functions.items():
        if not callable(function):
            raise TypeError(f"{owner}'s {name} must be a callable over arrays, but is {function!r}")


def function_name(function: Any) -> str:
    """What a user's function is called, without where it lies in memory."""
    return getattr(function, "__qualname__", type(function).__qualname__)


def number_where(value: Any, name: str, expected: str, holds: Callable[[float], bool]) -> float:
    """`value` as a float for which `holds` does."""
    try:
        number = None if isinstance(value, (str, bytes)) else float(value)
    except Exception:  # whatever the object's own conversion raises
        number = None
    if number is None:
        raise TypeError(f"{name} must be {expected}, but is {value!r}") from None
    if not (np.isfinite(number) and holds(number)):
        raise ValueError(f"{name} must be {expected}, but is {value!r}")
    return number


def finite_number(value: Any, name: str) -> float:
    """A finite float."""
    return number_where(value, name, "a finite number", lambda number: True)


def positive(value: Any, name: str) -> float:
    """A finite float above 0."""
    return number_where(value, name, "a finite number above 0", lambda number: number > 0)


def not_zero(value: Any, name: str) -> float:
    """A finite float other than 0."""
    return number_where(value, name, "a finite number other than 0", lambda number: number != 0)


def share(value: Any, name: str) -> float:
    """A float in (0, 1]."""
    return number_where(value, name, "a number in (0, 1]", lambda number: 0 < number <= 1)


def below_half(value: Any, name: str) -> float:
    """A float in [0, 0.5)."""
    return number_where(value, name, "a number in [0, 0.5)", lambda number: 0 <= number < 0.5)


def between(value: Any, name: str, low: float, high: float) -> float:
    """A float in [low, high]."""
    return number_where(value, name, f"a number in [{low}, {high}]", lambda number: low <= number <= high)


def max_bytes(value: Any) -> int | None:
    """The most bytes to hold at once, or None where samples are held whole."""
    return None if value is None else whole_number(value, "max_bytes", 1)


def block_fits(least: int, most: int, block: int) -> None:
    """Refuse bounds that do not hold what one block needs."""
    if least > most:
        raise MemoryError(f"max_bytes is {most}, but one block of {block} samples takes {least} bytes; allow at least that")


def kernel_array(array: Any, dtype: DTypeLike, shape: tuple[int, ...], name: str) -> NDArray[Any]:
    """`array`, where kernels can read it as it lies and write to it: a C-contiguous array of this dtype and shape."""
    if type(array) is np.ndarray and array.dtype == dtype and array.shape == shape and array.flags.carray:
        return array
    wanted = f"{name} must be a writable C-contiguous array of shape {list(shape)} and dtype {dtype}"
    if type(array) is not np.ndarray:
        raise TypeError(f"{wanted}, but is {type(array).__name__}")
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(f"{wanted}, but has shape {list(array.shape)} and dtype {array.dtype}")
    raise ValueError(f"{wanted}, but is not; np.array(..., order='C') makes a copy that is")


def parameters_in_place(theta: Any, dtype: DType, size: int) -> Array:
    """θ [P] that kernels only read: as it lies where they can."""
    if type(theta) is np.ndarray and theta.dtype == dtype and theta.shape == (size,):
        return theta if theta.flags.carray else contiguous(theta, dtype)
    return kernel_array(theta, dtype, (size,), "theta")
