"""Every cast and check of users' input, once, at the public edge: what the kernels then trust."""

import operator

import numpy as np

from .kernels.checks import first_not_finite


class _Alias:
    """The same memory as an array that does not own it, whatever its flags: kernels compile once for one kind of array."""

    def __init__(self, array):
        self.array = array
        self.__array_interface__ = {**array.__array_interface__, "data": (array.__array_interface__["data"][0], False)}


def contiguous(array, dtype):
    """`array` as an aligned C-contiguous array of `dtype` (itself where it is one), never to be written to."""
    array = np.require(array, dtype, "CA")
    if array.flags.writeable and type(array) is np.ndarray:
        return array
    return np.asarray(_Alias(array)) if array.size else np.empty(array.shape, dtype)


def real_array(values, name):
    """`values` as an array of real numbers."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} must be a rectangular array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, but has dtype {array.dtype}; convert it first")
    return array


def finite(array, name):
    """Refuse NaN and infinities in a C-contiguous float array; return it."""
    at = first_not_finite(array.reshape(-1))
    if at >= 0:
        place = tuple(int(i) for i in np.unravel_index(at, array.shape))
        raise ValueError(f"{name} must be finite, but {name}[{', '.join(map(str, place))}] is {array[place]}; "
                         "drop or impute such entries first")
    return array


def samples(X, width, dtype, name="X"):
    """`X` as a finite C-contiguous [m, width] array of `dtype`."""
    array = real_array(X, name)
    if array.ndim != 2 or array.shape[1] != width:
        hint = f"; a single sample is {name}[None, :]" if array.ndim == 1 and array.shape[0] == width else ""
        raise ValueError(f"{name} must have shape [m, {width}], one row a sample, but has shape {list(array.shape)}{hint}")
    return finite(contiguous(array, dtype), name)


def vector(values, size, dtype, name, meaning):
    """`values` as a finite contiguous [size] array of `dtype`."""
    array = real_array(values, name)
    if array.shape != (size,):
        raise ValueError(f"{name} must have shape [{size}], {meaning}, but has shape {list(array.shape)}")
    return finite(contiguous(array, dtype), name)


def whole_number(value, name, least):
    """`value` as an int of at least `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, but is {value!r}") from None
    if isinstance(value, bool) or number < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, but is {value!r}")
    return number


def widths(values):
    """(n_0, …, n_L) as a tuple of ints."""
    try:
        values = tuple(values)
    except TypeError:
        raise TypeError(f"widths must be a sequence (n_0, …, n_L), but is {values!r}") from None
    if len(values) < 2:
        raise ValueError(f"widths must name the inputs and at least one layer, (n_0, …, n_L), but is {values!r}")
    return tuple(whole_number(width, f"widths[{l}]", 1) for l, width in enumerate(values))


def layer_activations(values, depth):
    """One activation a layer, as a tuple of `depth`, not yet looked up."""
    if not isinstance(values, (tuple, list)):
        raise TypeError(f"activations must be a tuple with one name or Activation for each of the {depth} layers, "
                        f"but is {values!r}")
    if len(values) != depth:
        raise ValueError(f"activations must name one for each of the {depth} layers 1 … {depth}, but names {len(values)}")
    return tuple(values)


def activation_name(name, known):
    """Refuse what names no activation."""
    if not isinstance(name, str):
        raise TypeError(f"an activation must be a name or an engine.Activation, but is {name!r}")
    if name not in known:
        raise ValueError(f"no activation is named {name!r}; there are {', '.join(known)}, or build an engine.Activation")
    return name


def one_of(value, name, known):
    """`value`, one of the names `known`."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, but is {value!r}")
    return value


def float_dtype(dtype):
    """float32 or float64."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be float32 or float64, but is {dtype!r}") from None
    if found not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"dtype must be float32 or float64, but is {found}")
    return found


def parameters(values, size, widths):
    """θ as a new finite [P] array of its own dtype."""
    array = real_array(values, "parameters")
    if array.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        if array.dtype.kind == "f":
            raise TypeError(f"parameters must be float32 or float64, but is {array.dtype}; cast it first")
        array = array.astype(np.float64)
    if array.shape != (size,):
        raise ValueError(f"parameters must have shape [{size}] for widths {widths}, but has shape {list(array.shape)}")
    return finite(np.array(array, order="C"), "parameters")


def layer_index(l, first, depth):
    """A layer's number, first … depth."""
    number = whole_number(l, "l", first)
    if number > depth:
        raise ValueError(f"l must be a layer from {first} to {depth}, but is {number}")
    return number


def user_array(values, shape, dtype, name):
    """What a user's own function gave, as a contiguous array of the shape it must have."""
    array = np.asarray(values)
    if array.shape != shape:
        raise ValueError(f"{name} must return shape {list(shape)}, but returned {list(array.shape)}")
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must return real numbers, but returned dtype {array.dtype}")
    return np.array(array, dtype, order="C")


def direction(values, size, dtype, name="v"):
    """A vector that SciPy hands to a product, as a contiguous [size] array of `dtype`; NaN passes through."""
    return contiguous(np.asarray(values).reshape(size), dtype)


def generator(seed):
    """A seed, or a Generator as it is."""
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(whole_number(seed, "seed", 0))


def savable_activations(activations):
    """The names of activations that a file can hold."""
    for l, activation in enumerate(activations, 1):
        if activation.code < 0:
            raise ValueError(f"layer {l}'s activation {activation.name!r} is a user's own, and a file cannot hold a function; "
                             "save network.parameters and build the Network again in code")
    return [activation.name for activation in activations]


def saved_network(path):
    """Widths, activation names and θ of a saved network."""
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = {"format", "widths", "activations", "parameters"} - set(file.files)
            if not missing and str(file["format"]) == "gammachain 1":
                return (tuple(int(width) for width in file["widths"]), tuple(str(name) for name in file["activations"]),
                        file["parameters"])
    except (ValueError, EOFError, AttributeError) as error:
        raise ValueError(f"path must name a network that Network.save wrote, but {path} is not one: {error}") from None
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"path must name a network that Network.save wrote, but {path} is not one: {error}") from None
    raise ValueError(f"path must name a network that Network.save wrote (format 'gammachain 1'), but {path} lacks "
                     f"{', '.join(sorted(missing)) or 'that format'}")


def residual_weights(cost, m, dtype):
    """∂φ/∂L_k [m] of a cost that is a sum of squares with weights that do not depend on the losses."""
    if cost.loss.name != "squared_error":
        raise ValueError(f"residual needs the loss squared_error, but the cost's is {cost.loss.name}; use .fun and .jac")
    if cost.reduction.name not in ("sum", "mean", "weighted"):
        raise ValueError(f"residual needs the reduction sum, mean or weighted, but the cost's is {cost.reduction.name}; "
                         "use .fun and .jac")
    weights = cost.reduce(np.zeros(m, dtype))[1]
    if (weights < 0).any():
        raise ValueError(f"residual needs weights of at least 0, but one is {weights.min()}")
    return weights


def float_array(values, name):
    """`values` as float32 where they are that already, else float64."""
    array = real_array(values, name)
    return array if array.dtype in (np.dtype(np.float32), np.dtype(np.float64)) else array.astype(np.float64)


def user_functions(owner, **functions):
    """Refuse what cannot be called."""
    for name, function in functions.items():
        if not callable(function):
            raise TypeError(f"{owner}'s {name} must be a callable over arrays, but is {function!r}")


def number_where(value, name, expected, holds):
    """`value` as a float for which `holds` does."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be {expected}, but is {value!r}") from None
    if not (np.isfinite(number) and holds(number)):
        raise ValueError(f"{name} must be {expected}, but is {value!r}")
    return number


def finite_number(value, name):
    """A finite float."""
    return number_where(value, name, "a finite number", lambda number: True)


def positive(value, name):
    """A finite float above 0."""
    return number_where(value, name, "a finite number above 0", lambda number: number > 0)


def not_zero(value, name):
    """A finite float other than 0."""
    return number_where(value, name, "a finite number other than 0", lambda number: number != 0)


def share(value, name):
    """A float in (0, 1]."""
    return number_where(value, name, "a number in (0, 1]", lambda number: 0 < number <= 1)


def below_half(value, name):
    """A float in [0, 0.5)."""
    return number_where(value, name, "a number in [0, 0.5)", lambda number: 0 <= number < 0.5)


def between(value, name, low, high):
    """A float in [low, high]."""
    return number_where(value, name, f"a number in [{low}, {high}]", lambda number: low <= number <= high)


def loss_name(name, known):
    """The name of a loss."""
    if name not in known if isinstance(name, str) else True:
        raise ValueError(f"no loss is named {name!r}; there are {', '.join(known)}, or build an engine.Loss")
    return name


def reduction_name(name, known):
    """The name of a reduction."""
    if name not in known if isinstance(name, str) else True:
        raise ValueError(f"no reduction is named {name!r}; there are {', '.join(known)} by name, those of engine.reductions that "
                         "take a number, such as engine.reductions.cvar(0.1), or build an engine.Reduction")
    return name


def sample_count(y):
    """m, the length of y."""
    try:
        return len(y)
    except TypeError:
        raise TypeError(f"y must be an array with one entry a sample, but is {y!r}") from None


def outputs(A, m):
    """A as a finite contiguous [m, n] array of its own dtype, m ≥ 1."""
    array = float_array(A, "A")
    if m == 0 or array.size == 0:
        raise ValueError("a cost needs at least one sample, but A and y hold none")
    if array.ndim == 1 and array.size % m == 0:
        array = array.reshape(m, -1)
    if array.ndim != 2 or len(array) != m:
        raise ValueError(f"A must have shape [{m}, n] or [{m} n] to go with y's {m} samples, but has shape {list(array.shape)}")
    return finite(contiguous(array, array.dtype), "A")


def targets(y, shape, dtype, kind):
    """y as the kernels take it: [m, n] of `dtype`, or [m, 1] with class numbers."""
    m, n = shape
    array = real_array(y, "y")
    if m == 0:
        raise ValueError("a cost needs at least one sample, but X holds none")
    if len(array.shape) == 0 or len(array) != m:
        raise ValueError(f"y must have one entry for each of the {m} samples, but has shape {list(array.shape)}")
    if kind == "classes" and array.ndim == 1:
        return _classes(array, n, dtype)
    if array.ndim == 1 and n == 1:
        array = array[:, None]
    if array.shape != shape:
        other = " of probabilities, or [m] of class numbers" if kind == "classes" else ""
        raise ValueError(f"y must have shape [{m}, {n}]{other}, but has shape {list(array.shape)}")
    array = finite(contiguous(array, dtype), "y")
    if kind == "classes":
        _refuse(array, (array >= 0) & (array <= 1), "a probability in [0, 1]; give class numbers as an integer array [m]")
        rows = np.abs(array.sum(1) - 1) > 1e-3
        if rows.any():
            k = int(np.argmax(rows))
            raise ValueError(f"y's rows must sum to 1 as probabilities do, but row {k} sums to {array[k].sum()}; divide by it")
    elif kind == "unit":
        _refuse(array, (array >= 0) & (array <= 1), "in [0, 1] for binary_cross_entropy; use 0 and 1 for the two classes")
    elif kind == "counts":
        _refuse(array, array >= 0, "at least 0 for poisson, a count")
    elif kind == "signs":
        _refuse(array, np.abs(array) == 1, "-1 or 1 for hinge; 2 * y - 1 makes them from 0 and 1")
    return array


def _refuse(array, allowed, expected):
    if not allowed.all():
        place = np.unravel_index(np.argmin(allowed), array.shape)
        raise ValueError(f"y must be {expected}, but y[{', '.join(map(str, map(int, place)))}] is {array[place]}")


def _classes(array, n, dtype):
    if array.dtype.kind not in "biu":
        raise TypeError(f"y must hold integer class numbers 0 … {n - 1}, but has dtype {array.dtype}; y.astype(int) makes them, "
                        f"or give probabilities [{len(array)}, {n}]")
    wrong = (array < 0) | (array >= n)
    if wrong.any():
        k = int(np.argmax(wrong))
        raise ValueError(f"y must hold class numbers 0 … {n - 1} for {n} outputs, but y[{k}] is {array[k]}; "
                         "number the classes from 0, or widen the last layer")
    if n == 1:
        return np.ones((len(array), 1), dtype)
    return contiguous(array[:, None], dtype)


def losses(values, name, expected):
    """losses [m] as a finite array, m ≥ 1, that goes with a reduction's per-sample data."""
    array = float_array(values, "losses")
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"losses must have shape [m] with m at least 1, but has shape {list(array.shape)}")
    if expected and expected != len(array):
        raise ValueError(_other_samples(name, expected, len(array)))
    return not_negative_for(name, finite(contiguous(array, array.dtype), "losses"))


def per_sample_data(reduction, m):
    """Refuse a reduction whose weights or groups are of other samples than m."""
    if reduction.data.size not in (0, m):
        raise ValueError(_other_samples(reduction.name, reduction.data.size, m))


def _other_samples(name, expected, m):
    return f"the reduction {name} has data for {expected} samples, but there are {m}; give one number for each sample"


def not_negative_for(name, values):
    """Losses that the reduction `name` can take."""
    if name == "power_mean" and (values < 0).any():
        k = int(np.argmax(values < 0))
        raise ValueError(f"power_mean needs losses of at least 0, but loss {k} is {values[k]}; use log_sum_exp or another loss")
    return values


def sample_weights(w):
    """w [m], finite."""
    array = real_array(w, "w")
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"w must have shape [m], one weight a sample, but has shape {list(array.shape)}")
    return finite(np.array(array, np.float64), "w")


def group_numbers(groups):
    """groups [m] as numbers 0, 1, … in the order of the labels."""
    array = np.asarray(groups)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"groups must have shape [m], one label a sample, but has shape {list(array.shape)}")
    return np.unique(array, return_inverse=True)[1].astype(np.float64)


def sample_number(k, m, n):
    """k in 0 … m − 1, m and n at least 1."""
    m, n, k = whole_number(m, "m", 1), whole_number(n, "n", 1), whole_number(k, "k", 0)
    if k >= m:
        raise ValueError(f"k must be a sample from 0 to {m - 1}, but is {k}")
    return k, m, n


def whole(max_bytes):
    """Samples are held in memory whole."""
    if max_bytes is not None:
        raise ValueError(f"max_bytes must be None, for samples are held in memory whole, but is {max_bytes!r}")
