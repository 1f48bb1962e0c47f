"""Checks of what users hand to operators."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from .. import checks, object_checks
from ..typing import Array, DType, Mask

if TYPE_CHECKING:
    from .jacobian import Jacobian

ROUNDING = 1e-5  # of the largest number of a covariance that was computed in float32


def available_bytes() -> int | None:
    """Memory that can be had without swapping, in bytes, or None where the system does not say."""
    try:
        with open("/proc/meminfo") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def fits_in_memory(shape: tuple[int, ...], dtype: DType) -> None:
    """Refuse a dense array that does not fit, before it is allocated."""
    wanted, available = shape[0] * shape[1] * dtype.itemsize, available_bytes()
    if available is not None and wanted > available:
        raise MemoryError(f"a dense array of shape {list(shape)} takes {wanted} bytes, but {available} are available; "
                          "use products, diagonals and norms, which never form it, or a Jacobian's slabs(max_bytes) or "
                          "dense(out=numpy.memmap)")


def samples_in(max_bytes: Any, bytes_each: int) -> int:
    """Number of samples whose rows fit in `max_bytes`."""
    max_bytes = checks.whole_number(max_bytes, "max_bytes", 1)
    if max_bytes < bytes_each:
        raise MemoryError(f"max_bytes is {max_bytes}, but the rows of one sample take {bytes_each} bytes; allow at least that")
    return max_bytes // bytes_each


def same_widths(jacobian: Jacobian, other: Any) -> Any:
    """`other`, a Jacobian that can be multiplied with `jacobian`."""
    if not isinstance(other, type(jacobian)):
        made = "network.jacobian(X) gives one" if type(jacobian).__name__ == "Jacobian" else "build one as the first"
        raise TypeError(f"other must be a {type(jacobian).__name__}, but is {type(other).__name__}; {made}")
    mine, theirs = (jacobian.network.widths, jacobian.dtype), (other.network.widths, other.dtype)
    if mine != theirs:
        raise ValueError(f"other must have widths {mine[0]} and dtype {mine[1]}, but has {theirs[0]} and {theirs[1]}")
    return other


def operand(x: Any, name: str, size: int) -> Any:
    """The right operand of an operator: a real array [size] or [size, r], or a number or another operator unchanged."""
    if isinstance(x, LinearOperator) or np.isscalar(x):
        return x
    array = checks.real_array(x, name)
    if array.ndim not in (1, 2) or len(array) != size:
        raise ValueError(f"{name} must have shape [{size}] or [{size}, r], but has shape {list(array.shape)}")
    return x if isinstance(x, np.matrix) else array


def vector_operand(x: Any, name: str, size: int) -> Any:
    """A real vector, [size] or [size, 1]."""
    array = checks.real_array(x, name)
    if array.shape not in ((size,), (size, 1)):
        raise ValueError(f"{name} must have shape [{size}] or [{size}, 1], but has shape {list(array.shape)}")
    return x if isinstance(x, np.matrix) else array


def matrix_operand(x: Any, name: str, size: int) -> Any:
    """A real matrix [size, r]."""
    array = checks.real_array(x, name)
    if array.ndim != 2 or len(array) != size:
        raise ValueError(f"{name} must have shape [{size}, r], but has shape {list(array.shape)}")
    return x if isinstance(x, np.matrix) else array


def left_operand(x: Any, name: str, size: int) -> Any:
    """The left operand of an operator: a real array [size] or [r, size], or a number or another operator unchanged."""
    if isinstance(x, LinearOperator) or np.isscalar(x):
        return x
    array = checks.real_array(x, name)
    if array.ndim not in (1, 2) or array.shape[-1] != size:
        raise ValueError(f"{name} must have shape [{size}] or [r, {size}], but has shape {list(array.shape)}")
    return x if isinstance(x, np.matrix) else array


def output_array(out: Any, shape: tuple[int, ...], dtype: DType, *inputs: Any) -> tuple[Array, Array]:
    """`out`, a new array that fits in memory where None, and the view of it that kernels fill: C-contiguous, of the right shape and
    dtype, apart from the memory of `inputs`."""
    if out is None:
        fits_in_memory(shape, dtype)
        out = np.empty(shape, dtype)
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"out must be a NumPy array or memmap, but is {type(out).__name__}; pass a new np.empty(shape, dtype)")
    if out.shape != shape or out.dtype != dtype:
        raise ValueError(f"out must have shape {list(shape)} and dtype {dtype}, but has {list(out.shape)} and {out.dtype}")
    if not (out.flags.c_contiguous and out.flags.writeable and out.flags.aligned):
        raise ValueError("out must be C-contiguous, aligned and writable; pass a new np.empty(shape, dtype)")
    if any(isinstance(values, np.ndarray) and np.may_share_memory(out, values) for values in inputs):
        raise ValueError("out must not share memory with X or the network, which are read while it is filled; pass a new "
                         "np.empty(shape, dtype)")
    return out, out.view(np.ndarray)


def clip_norm(value: Any) -> float:
    """c > 0, infinity allowed."""
    return np.inf if value == np.inf else checks.positive(value, "clip_norm")


def damping(value: Any) -> float:
    """λ ≥ 0."""
    return checks.number_where(value, "damping", "a finite number of at least 0", lambda number: number >= 0)


def noise(value: Any) -> float:
    """σ² ≥ 0."""
    return checks.number_where(value, "noise", "a finite variance of at least 0", lambda number: number >= 0)


def noise_held(noise: float, least: float) -> None:
    """Refuse a σ² that rounding of the kernel would hide."""
    if 0 < noise < least:
        raise ValueError(f"noise is {noise:g}, but beside this kernel rounding hides what is below {least:.1e}; take at least "
                         "that, or 0 for the limit")


def times(value: Any) -> Array:
    """Times of at least 0, infinity among them: one [], or several [T]."""
    array = checks.real_array(value, "time")
    if array.ndim > 1 or array.size == 0:
        raise ValueError(f"time must be one number or several [T], but has shape {list(array.shape)}")
    if not (array >= 0).all():  # nan is not
        raise ValueError("time must be at least 0; it may be infinite, which is the end of training, but not nan")
    return array.astype(np.float64)


def members(start: Any, network: Any, kind: type) -> list[Any] | None:
    """The networks of an ensemble, of the inputs and outputs of `network`; None where `start` is to be a covariance."""
    if isinstance(start, kind):
        raise TypeError("start must be a covariance or several networks, but is one Network; put it in a list, [network]")
    if not isinstance(start, (list, tuple)) or not any(isinstance(one, kind) for one in start):
        return None
    wanted = network.widths[0], network.widths[-1]
    for k, one in enumerate(start):
        object_checks.network(one, kind, f"start[{k}]")
        found = one.widths
        if (found[0], found[-1]) != wanted:
            raise ValueError(f"start[{k}] must have {wanted[0]} inputs and {wanted[1]} outputs, as the network has, but has widths "
                             f"{found}")
    return list(start)


def start_covariance(values: Any, rows: int) -> Array:
    """A finite symmetric covariance [(m + m′) n, (m + m′) n]."""
    array = checks.real_array(values, "start")
    if array.shape != (rows, rows):
        raise ValueError(f"start must be a covariance of all outputs, X's first and then X_test's, of shape [{rows}, {rows}], or a "
                         f"list of networks, but has shape {list(array.shape)}")
    array = checks.cast(array, np.dtype(np.float64), "start")
    if array.size and np.abs(array - array.T).max() > ROUNDING * np.abs(array).max():
        raise ValueError("start must be a symmetric covariance, but is not; order its rows and columns sample by sample")
    return array


def least_eigenvalue(values: Array) -> float:
    """What counts as 0 among the eigenvalues of a covariance; refuse those that are below 0 by more than rounding in float32."""
    if values[0] < -ROUNDING * values[-1]:
        raise ValueError(f"start must be a covariance, whose eigenvalues are at least 0, but one is {values[0]:.3g} where the "
                         f"largest is {values[-1]:.3g}")
    return float(len(values) * np.finfo(np.float64).eps * max(values[-1], 0))


def parameter_scale(values: Any, size: int, dtype: DType) -> Array | None:
    """S [P], each at least 0, or None."""
    if values is None:
        return None
    scale = checks.vector(values, size, dtype, "scale", "one number for each parameter")
    if not (scale >= 0).all():
        raise ValueError("scale must be at least 0 for every parameter; ntk_scale gives that of the NTK parametrisation")
    return scale


def each_layer(values: Any, name: str, depth: int) -> Array:
    """A finite number of at least 0 for each of L layers [L], from one or L of them."""
    array = checks.real_array(values, name).astype(np.float64)
    if array.shape not in ((), (depth,)) or not (np.isfinite(array) & (array >= 0)).all():
        raise ValueError(f"{name} must be one finite number of at least 0, or one for each of the {depth} layers, but is "
                         f"{object_checks.shown(values)}")
    return np.broadcast_to(array, (depth,))


def kernel_slab(max_bytes: Any, least: int, samples: int) -> int:
    """`max_bytes`, enough for two slabs of the fewest samples."""
    max_bytes = checks.whole_number(max_bytes, "max_bytes", 1)
    if max_bytes < least:
        raise MemoryError(f"max_bytes is {max_bytes}, but slabs of {samples} samples and their block, the smallest, take {least} "
                          "bytes beside the kernel; allow at least that")
    return max_bytes


def tolerance(value: Any) -> float:
    """A relative tolerance of at least 0."""
    return checks.number_where(value, "tolerance", "a finite number of at least 0", lambda number: number >= 0)


def linear_operator(value: Any, name: str = "operator") -> Any:
    """Anything that multiplies vectors: a LinearOperator, a dense or a sparse matrix."""
    if isinstance(value, LinearOperator):
        return value
    if not (hasattr(value, "dtype") and hasattr(value, "__matmul__") and len(getattr(value, "shape", ())) == 2):
        raise TypeError(f"{name} must be a LinearOperator or a matrix, but is {object_checks.shown(value)}; engine.operators has "
                        "those of a network, and scipy.sparse.linalg.aslinearoperator makes one of a matrix")
    return value


def square(operator: Any, name: str = "operator") -> int:
    """P of an operator [P, P]."""
    rows, columns = linear_operator(operator, name).shape
    if rows != columns:
        raise ValueError(f"{name} must be square, but has shape {list(operator.shape)}; leading_singular_values takes any")
    return rows


def numbers_of(curvature: Any, trainable: Mask, size: int) -> Mask:
    """Which of P = `size` numbers of θ a curvature has rows of: those of a mask that is not empty, else its own `trainable`."""
    own = getattr(curvature, "trainable", None)
    mask = trainable if trainable.size else np.ones(size, np.bool_) if own is None else own
    if square(curvature, "curvature") != mask.sum() or own is not None and not np.array_equal(own, mask):
        raise ValueError(f"curvature must have a row for each of {mask.sum()} trainable numbers of θ, and be made with the same "
                         f"mask, but has shape {list(curvature.shape)}; give trainable= the mask that the curvature was made with")
    return mask


def finite_products(products: NDArray[Any]) -> NDArray[Any]:
    """`products` of an operator, all finite."""
    products = np.asarray(products)
    if not np.isfinite(products).all():
        raise ValueError("operator must give finite products, but gave NaN or infinity; look at the network's parameters and "
                         "the losses of its samples")
    return products


def square_kernel(one: bool) -> None:
    """Refuse the diagonal of a kernel between two sets of samples."""
    if not one:
        raise ValueError("diagonal, sample_blocks and trace need a kernel of one X, but this one is between X and X2; take "
                         "ntk(network, X)")


def solved(steps: int, found: Any, damping: float) -> None:
    """Refuse what conjugate gradients left unfinished."""
    if steps != 0 or not np.isfinite(found).all():
        raise np.linalg.LinAlgError(f"conjugate gradients did not solve (K + damping I) x = v at damping {damping}: K is too badly "
                                    "conditioned or has negative eigenvalues; take a larger damping, or ggn in place of hessian")
