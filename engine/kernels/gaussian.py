"""The negative log-likelihood of normal targets whose means and log variances are the outputs, its gradient and its Hessian."""

from .elementary import exp
from .layout import line
from .linked import shared
from .signatures import Cube, Line, Table
from .simd import lanes_of


@shared
def gaussian_nll_panel(parameter: float, u: Line, y: Line, loss: Line, gradient: Line, scratch: Line, n: int):
    """(v_q + z_q^2) / 2 with z_q = (y_q - u_q) e^(-v_q / 2), u_q the means and v_q the log variances: the first and the second half
    of n outputs. y has as many lines, of which the first half is read."""
    lanes, half, one, zero = lanes_of(u), u.dtype.type(0.5), u.dtype.type(1), u.dtype.type(0)
    count = n // 2
    for q in range(count):
        mean, spread = line(0, q, lanes), line(0, count + q, lanes)
        a, v, t = u[mean:mean + lanes], u[spread:spread + lanes], y[mean:mean + lanes]
        g, h = gradient[mean:mean + lanes], gradient[spread:spread + lanes]
        for s in range(lanes):
            inverse = exp(-half * v[s])
            z = (t[s] - a[s]) * inverse
            loss[s] += half * (v[s] + z * z)
            g[s] = zero - z * inverse
            h[s] = half * (one - z) * (one + z)


@shared
def gaussian_nll_hessian(parameter: float, A: Table, y: Table, out: Cube):
    """e^-v_q for two means, z_q^2 / 2 for two log variances, z_q e^(-v_q / 2) for one of each; and where `parameter` is 1 what is
    expected of them for targets drawn from the model: e^-v_q, 1/2 and 0."""
    half, one, zero = A.dtype.type(0.5), A.dtype.type(1), A.dtype.type(0)
    numbers = out.reshape(-1)
    numbers[:] = 0
    count = A.shape[1] // 2
    for k in range(A.shape[0]):
        for q in range(count):
            inverse = exp(-half * A[k, count + q])
            z = (y[k, q] - A[k, q]) * inverse
            mixed, square = z * inverse, z * z
            if parameter == 1.0:
                mixed, square = zero, one
            out[k, q, q] = inverse * inverse
            out[k, q, count + q] = mixed
            out[k, count + q, q] = mixed
            out[k, count + q, count + q] = half * square
