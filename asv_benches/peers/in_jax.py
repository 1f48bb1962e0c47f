"""JAX, jitted; by hand where that is faster than automatic differentiation. Results stay the pytrees that they are."""

import jax
import jax.numpy as jnp
import numpy as np

from .cases import TIMES, Work, flat_numbers, tree_numbers
from .jax_jets import Jets
from .jax_training import Training

jax.config.update("jax_enable_x64", True)


def jitted(function, *arguments, numbers=flat_numbers):
    """The work of calling `function` compiled, and waiting for what it gives."""
    compiled = jax.jit(function)
    return Work(lambda: jax.block_until_ready(compiled(*arguments)), numbers)


class Peer(Training, Jets):
    """A method for each piece of work; a dict where there are several ways to do it."""

    def __init__(self, case):
        self.case = case
        self.theta, self.other, self.v = (self._tree(values) for values in (case.theta, case.other, case.v))
        self.X, self.y, self.u = jnp.asarray(case.X), jnp.asarray(case.y), jnp.asarray(case.u)

    def _tree(self, values):
        return tuple([jnp.asarray(part) for part in parts] for parts in self.case.layers(values))

    def _forward(self, theta, x):
        for W, b in zip(theta[0][:-1], theta[1]):
            x = jnp.tanh(x @ W.T + b)
        return x @ theta[0][-1].T + theta[1][-1]

    def _cost(self, theta, x, y):
        return 0.5 * ((self._forward(theta, x) - y) ** 2).sum(1).mean()

    def _factors(self, theta, X):
        """a^0 … a^(L-1) and B^1 … B^(L-1), eq. 7; B^L is the identity."""
        a = [X]
        for W, b in zip(theta[0][:-1], theta[1]):
            a.append(jnp.tanh(a[-1] @ W.T + b))
        B = [theta[0][-1] * (1 - a[-1] ** 2)[:, None, :]]
        for l in range(len(a) - 2, 0, -1):
            B.insert(0, (B[0] @ theta[0][l]) * (1 - a[l] ** 2)[:, None, :])
        return a, B

    def _jacobian(self, theta, X):
        """∂A/∂W^l [m, n, n_l, n_(l-1)] and ∂A/∂b^l [m, n, n_l], eq. 8."""
        a, B = self._factors(theta, X)
        m, n = X.shape[0], self.case.outputs
        B.append(jnp.broadcast_to(jnp.eye(n, dtype=X.dtype), (m, n, n)))
        return [b[:, :, :, None] * x[:, None, None, :] for b, x in zip(B, a)], B

    def _matrix(self, theta, X):
        return jnp.concatenate([part.reshape(self.case.y.size, -1) for pair in zip(*self._jacobian(theta, X)) for part in pair], 1)

    def _tree_rows(self, tree):
        rows = np.array(self.case.some_rows())
        parts = [np.asarray(part[rows]).reshape(len(rows) * self.case.outputs, -1) for pair in zip(*tree) for part in pair]
        return flat_numbers(np.concatenate(parts, 1))

    def _matrix_rows(self, J):
        n = self.case.outputs
        return flat_numbers(np.concatenate([J[s * n:(s + 1) * n] for s in self.case.some_rows()]))

    def jacobian(self):
        def into(kept, theta, X):
            return self._jacobian(theta, X)

        compiled = jax.jit(into, donate_argnums=0, keep_unused=True)
        kept = [jax.jit(self._jacobian)(self.theta, self.X)]

        def again():
            kept[0] = jax.block_until_ready(compiled(kept[0], self.theta, self.X))
            return kept[0]

        return {"a matrix": jitted(self._matrix, self.theta, self.X, numbers=self._matrix_rows),
                "a pytree": jitted(self._jacobian, self.theta, self.X, numbers=self._tree_rows),
                "a pytree, donated": Work(again, self._tree_rows)}

    def chains(self):
        return jitted(lambda theta, X: self._factors(theta, X)[1], self.theta, self.X,
                      numbers=lambda B: np.concatenate([flat_numbers(b) for b in B]))

    def forward(self):
        return jitted(self._forward, self.theta, self.X)

    def gradient(self):
        return jitted(jax.value_and_grad(self._cost), self.theta, self.X, self.y, numbers=lambda found: tree_numbers(found[1]))

    def gaussian_nll(self):
        def cost(theta, X, y):
            mean, log_variance = jnp.split(self._forward(theta, X), 2, axis=1)
            return 0.5 * (log_variance + (y - mean) ** 2 * jnp.exp(-log_variance)).sum() / X.shape[0]
        y = self.y[:, :self.case.outputs // 2]
        return jitted(jax.value_and_grad(cost), self.theta, self.X, y, numbers=lambda found: tree_numbers(found[1]))

    def jv(self):
        return jitted(lambda theta, v, X: jax.jvp(lambda p: self._forward(p, X), (theta,), (v,))[1], self.theta, self.v, self.X)

    def jv_kept(self):
        _, product = jax.linearize(lambda theta: self._forward(theta, self.X), self.theta)
        return jitted(lambda product, v: product(v), product, self.v)

    def jtu(self):
        return jitted(lambda theta, u, X: jax.vjp(lambda p: self._forward(p, X), theta)[1](u)[0], self.theta, self.u, self.X,
                      numbers=tree_numbers)

    def jtu_kept(self):
        _, product = jax.vjp(lambda theta: self._forward(theta, self.X), self.theta)
        return jitted(lambda product, u: product(u)[0], product, self.u, numbers=tree_numbers)

    def gram(self):
        def from_factors(theta, X):
            return self._kernel(self._factors(theta, X), self._factors(theta, X))

        def from_rows(theta, X):
            J = jax.vmap(lambda x: jax.jacrev(lambda p: self._forward(p, x))(theta))(X)
            parts = [part.reshape(self.case.y.size, -1) for parts in J for part in parts]
            return sum(part @ part.T for part in parts)

        return {"jacrev": jitted(from_rows, self.theta, self.X), "by hand, from factors": jitted(from_factors, self.theta, self.X)}

    def gram_other(self):
        def from_factors(theta, other, X):
            return self._kernel(self._factors(theta, X), self._factors(other, X))
        return {"by hand, from factors": jitted(from_factors, self.theta, self.other, self.X)}

    def _kernel(self, ours, others):
        """sum over l of (B^l B'^l^T) times (a^(l-1) · a'^(l-1) + 1)."""
        (a, B), (c, D) = ours, others
        m, others, n = len(a[0]), len(c[0]), self.case.outputs
        total = jnp.zeros((m, n, others, n), a[0].dtype)
        for l in range(len(B)):
            chain = B[l].reshape(m * n, -1) @ D[l].reshape(others * n, -1).T
            total = total + chain.reshape(total.shape) * (a[l] @ c[l].T + 1)[:, None, :, None]
        last = jnp.eye(n, dtype=total.dtype)[None, :, None, :] * (a[-1] @ c[-1].T + 1)[:, None, :, None]
        return (total + last).reshape(m * n, others * n)

    def ntk_time(self):
        def predict(theta, X, y, test, times):
            ours, others = self._factors(theta, X), self._factors(theta, test)
            values, vectors = jnp.linalg.eigh(self._kernel(ours, ours))
            along, residual = self._kernel(others, ours) @ vectors, vectors.T @ (y - self._forward(theta, X)).ravel()
            z = times[:, None] * values
            share = -jnp.expm1(-z) / values
            mean = self._forward(theta, test).ravel() + (share * residual) @ along.T
            return mean, self._row_squares(*others).ravel() - (share * (1 + jnp.exp(-z))) @ (along**2).T
        arguments = self.theta, self.X, self.y, jnp.asarray(self.case.test_inputs()), jnp.asarray(TIMES, self.X.dtype)
        made = jitted(predict, *arguments, numbers=lambda found: np.concatenate([flat_numbers(part) for part in found]))
        return {"by hand": made}

    def gradient_gram(self):
        def from_factors(theta, X, y):
            a, _ = self._factors(theta, X)
            delta = a[-1] @ theta[0][-1].T + theta[1][-1] - y
            total = 0
            for l in range(self.case.depth - 1, -1, -1):
                total = total + (delta @ delta.T) * (a[l] @ a[l].T + 1)
                delta = (delta @ theta[0][l]) * (1 - a[l] ** 2)
            return total

        def from_rows(theta, X, y):
            each = jax.vmap(jax.grad(lambda p, x, t: self._cost(p, x[None], t[None])), (None, 0, 0))(theta, X, y)
            parts = [part.reshape(len(X), -1) for parts in each for part in parts]
            return sum(part @ part.T for part in parts)

        return {"vmap, grad": jitted(from_rows, self.theta, self.X, self.y),
                "by hand": jitted(from_factors, self.theta, self.X, self.y)}

    def _row_squares(self, a, B):
        squares = sum((b**2).sum(2) * ((x**2).sum(1) + 1)[:, None] for b, x in zip(B, a))
        return squares + ((a[-1] ** 2).sum(1) + 1)[:, None]

    def row_norms(self):
        def norms(theta, X):
            return jnp.sqrt(self._row_squares(*self._factors(theta, X)))
        return {"by hand": jitted(norms, self.theta, self.X)}

    def gradient_norms(self):
        def norms(theta, X, y):
            a, _ = self._factors(theta, X)
            delta = a[-1] @ theta[0][-1].T + theta[1][-1] - y
            squares = 0
            for l in range(self.case.depth - 1, -1, -1):
                squares = squares + (delta**2).sum(1) * ((a[l] ** 2).sum(1) + 1)
                delta = (delta @ theta[0][l]) * (1 - a[l] ** 2)
            return jnp.sqrt(squares)
        return {"by hand": jitted(norms, self.theta, self.X, self.y)}

    def gradient_moments(self):
        def moments(theta, X, y):
            a, _ = self._factors(theta, X)
            delta, m = a[-1] @ theta[0][-1].T + theta[1][-1] - y, X.shape[0]
            means, variances = ([], []), ([], [])
            for l in range(self.case.depth - 1, -1, -1):
                for k, x in ((0, a[l]), (1, jnp.ones((m, 1), X.dtype))):
                    mean = (delta.T @ x / m).reshape(theta[k][l].shape)
                    means[k].insert(0, mean)
                    variances[k].insert(0, ((delta**2).T @ x**2 / m).reshape(mean.shape) - mean**2)
                delta = (delta @ theta[0][l]) * (1 - a[l] ** 2)
            return means, variances
        return {"by hand": jitted(moments, self.theta, self.X, self.y,
                                  numbers=lambda found: np.concatenate([tree_numbers(part) for part in found]))}

    def ggn_diagonals(self):
        def diagonals(theta, X):
            a, B = self._factors(theta, X)
            squares = [(b**2).sum(1) for b in B] + [jnp.ones((X.shape[0], self.case.outputs), X.dtype)]
            return [s[:, :, None] * (x**2)[:, None, :] for s, x in zip(squares, a)], squares

        def numbers(found):
            return np.concatenate([tree_numbers([[part[k] for part in parts] for parts in found]) for k in self.case.some_rows()])
        return {"by hand": jitted(diagonals, self.theta, self.X, numbers=numbers)}

    def ggn_v(self):
        def product(theta, v, X):
            def outputs(p):
                return self._forward(p, X)
            _, Jv = jax.jvp(outputs, (theta,), (v,))
            return jax.vjp(outputs, theta)[1](Jv / X.shape[0])[0]
        return jitted(product, self.theta, self.v, self.X, numbers=tree_numbers)

    def hessian_v(self):
        def product(theta, v, X, y):
            return jax.jvp(lambda p: jax.grad(self._cost)(p, X, y), (theta,), (v,))[1]
        return jitted(product, self.theta, self.v, self.X, self.y, numbers=tree_numbers)

    def ggn_diagonal(self):
        def diagonal(theta, X):
            a, B = self._factors(theta, X)
            m = X.shape[0]
            squares = [(b**2).sum(1) for b in B] + [jnp.ones((m, self.case.outputs), X.dtype)]
            return [s.T @ (x**2) / m for s, x in zip(squares, a)], [s.sum(0) / m for s in squares]
        return {"by hand": jitted(diagonal, self.theta, self.X, numbers=tree_numbers)}
