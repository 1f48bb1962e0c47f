"""neural-tangents: empirical kernels of one network, jitted, and its ensemble in time. It asks for TensorFlow:
an environment of its own is best."""

from collections import namedtuple

import jax
import jax.numpy as jnp
import neural_tangents as nt
import numpy as np

from .cases import TIMES, Work, flat_numbers

jax.config.update("jax_enable_x64", True)
Kernels = namedtuple("Kernels", "nngp ntk")
WAYS = nt.NtkImplementation  # the fastest needs a name that JAX 0.4.38 no longer has
IMPLEMENTATION = WAYS.STRUCTURED_DERIVATIVES if hasattr(jax.interpreters.ad, "source_info_util") else WAYS.JACOBIAN_CONTRACTION


class Peer:
    """A method for each piece of work. Its time is divided by the numbers in y: that factor is put back."""

    def __init__(self, case):
        self.case = case
        self.params = [(jnp.asarray(W), jnp.asarray(b)) for W, b in zip(*case.layers())]

    def _forward(self, params, x):
        for W, b in params[:-1]:
            x = jnp.tanh(x @ W.T + b)
        return x @ params[-1][0].T + params[-1][1]

    def _kernel(self):
        return jax.jit(nt.empirical_ntk_fn(self._forward, trace_axes=(), vmap_axes=0, implementation=IMPLEMENTATION))

    def gram(self):
        kernel, X = self._kernel(), jnp.asarray(self.case.X)

        def rows(K):
            return flat_numbers(np.asarray(K).transpose(0, 2, 1, 3))
        return Work(lambda: jax.block_until_ready(kernel(X, None, self.params)), rows)

    def ntk_time(self):
        case, empirical = self.case, self._kernel()
        X, y, test = (jnp.asarray(values) for values in (case.X, case.y, case.test_inputs()))
        times = jnp.asarray(TIMES, X.dtype) * y.size

        def kernel(x1, x2, get, **_):
            K = empirical(x1, x2, self.params)
            return K if isinstance(get, str) else Kernels(K, K)

        def run():
            predict = nt.predict.gradient_descent_mse_ensemble(kernel, X, y - self._forward(self.params, X), trace_axes=())
            found = predict(times, test, get=("ntk",), compute_cov=True)
            found = found["ntk"] if isinstance(found, dict) else found.ntk
            return jax.block_until_ready((self._forward(self.params, test) + found.mean, found.covariance))

        def numbers(found):
            mean, covariance = found
            return np.concatenate([flat_numbers(mean), flat_numbers(np.einsum("tkkii->tki", np.asarray(covariance)))])
        return Work(run, numbers)
