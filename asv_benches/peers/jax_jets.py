"""Derivatives in the inputs in JAX: the Jacobian of −Δu in θ, and a step of Levenberg–Marquardt made of it."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_factor, cho_solve

from .cases import DAMPED_STEPS, DAMPING, Work, poisson_points, poisson_source


class Jets:
    """The works on derivatives in the inputs, tanh networks of one output; a Peer has θ as a pytree, X and the case besides."""

    def _laplacian(self, theta, x):
        return jnp.trace(jax.hessian(lambda x: self._forward(theta, x)[0])(x))

    def _nested_rows(self, theta, X):
        """The gradient in θ of −Δu at each point, as a pytree, by automatic differentiation."""
        return jax.vmap(jax.grad(lambda theta, x: -self._laplacian(theta, x)), (None, 0))(theta, X)

    def _hand_rows(self, theta, X):
        """The same from a [m, n_l], its derivatives p [m, n_0, n_l] and its Laplacian s [m, n_l], forward and back."""
        a, p, s, layers = X, None, None, []
        for W, b in zip(theta[0][:-1], theta[1]):
            z, y, w = a @ W.T + b, W.T[None] if p is None else p @ W.T, 0 if s is None else s @ W.T
            g, q = jnp.tanh(z), (y**2).sum(1)
            first = 1 - g**2
            second, third = -2 * g * first, -2 * first * (1 - 3 * g**2)
            layers.append((W, a, p, s, y, w, q, first, second, third))
            a, p, s = g, first[:, None] * y, second * q + first * w
        weights, biases = [-s[:, None, :]], [jnp.zeros_like(s[:, :1])]
        A, P, S = 0, 0, jnp.broadcast_to(-theta[0][-1], s.shape)
        for W, a, p, s, y, w, q, first, second, third in reversed(layers):
            A = first * A + second * ((y * P).sum(1) + w * S) + third * q * S
            P = first[:, None] * P + 2 * (second * S)[:, None] * y
            S = first * S
            rows = A[:, :, None] * a[:, None, :]
            rows += jnp.swapaxes(P, 1, 2) if p is None else jnp.einsum("kdi,kdj->kij", P, p) + S[:, :, None] * s[:, None, :]
            weights.insert(0, rows)
            biases.insert(0, A)
            A, P, S = A @ W, P @ W, S @ W
        return weights, biases

    def _rows_matrix(self, rows):
        """A pytree of rows as a matrix [m, P]."""
        return jnp.concatenate([part.reshape(len(part), -1) for pair in zip(*rows) for part in pair], 1)

    def jet_dense(self):
        def made(rows):
            compiled = jax.jit(rows)
            return Work(lambda: jax.block_until_ready(compiled(self.theta, self.X)), self._tree_rows)
        return {"nested": made(self._nested_rows), "by hand": made(self._hand_rows)}

    def residual_step(self):
        """One attempt a step with (JᵀJ + λ I) d = Jᵀr, by Cholesky; its path is its own, so no numbers are compared."""
        inside, edge = map(jnp.asarray, poisson_points(self.case))
        scales = np.sqrt(1 / len(inside)), np.sqrt(4 / len(edge))

        def residuals(theta):
            inner = jax.vmap(self._laplacian, (None, 0))(theta, inside) + poisson_source(inside, jnp.sin)
            return jnp.concatenate([scales[0] * inner, scales[1] * self._forward(theta, edge)[:, 0]])

        def step(rows, theta, damping):
            tree = self.case.layers(theta)
            r = residuals(tree)
            J = jnp.concatenate([-scales[0] * self._rows_matrix(rows(tree, inside)),
                                 scales[1] * self._rows_matrix(self._value_rows(tree, edge))])
            d = cho_solve(cho_factor(J.T @ J + damping * jnp.eye(theta.size, dtype=theta.dtype)), J.T @ r)
            tried = theta - d
            better = (residuals(self.case.layers(tried)) ** 2).sum() < (r**2).sum()
            return jnp.where(better, tried, theta), jnp.where(better, damping / 3, damping * 2)

        def made(rows):
            compiled = jax.jit(lambda theta, damping: step(rows, theta, damping))

            def run():
                theta, damping = jnp.asarray(self.case.theta), jnp.asarray(DAMPING, self.X.dtype)
                for _ in range(DAMPED_STEPS):
                    theta, damping = compiled(theta, damping)
                return jax.block_until_ready(theta)
            return Work(run, lambda _: None, DAMPED_STEPS)
        return {"nested": made(self._nested_rows), "by hand": made(self._hand_rows)}

    def _value_rows(self, theta, X):
        return jax.vmap(jax.grad(lambda theta, x: self._forward(theta, x)[0]), (None, 0))(theta, X)
