"""JAX, jitted, written by hand where that is faster than autodiff."""

import jax
import jax.numpy as jnp
import numpy as np

from .cases import BATCH, RATE

jax.config.update("jax_enable_x64", True)


def prepare(work, case):
    """A function of nothing that does the work, waits for it, and gives what it computed."""
    weights, biases = case.layers()
    theta = ([jnp.asarray(W) for W in weights], [jnp.asarray(b) for b in biases])
    X, y, u = jnp.asarray(case.X), jnp.asarray(case.y), jnp.asarray(case.u)
    depth = len(weights)

    def forward(theta, x):
        for i, (W, b) in enumerate(zip(*theta)):
            x = x @ W.T + b
            x = jnp.tanh(x) if i < depth - 1 else x
        return x

    def cost(theta, x, t):
        return 0.5 * ((forward(theta, x) - t) ** 2).sum(1).mean()

    def flat(tree):
        return jnp.concatenate([part.ravel() for pair in zip(*tree) for part in pair])

    def unflatten(v):
        parts, at = ([], []), 0
        for W, b in zip(weights, biases):
            parts[0].append(jnp.asarray(v[at:at + W.size].reshape(W.shape)))
            parts[1].append(jnp.asarray(v[at + W.size:at + W.size + b.size]))
            at += W.size + b.size
        return parts

    def chains(theta, X):
        a, gamma = [X], []
        for i, (W, b) in enumerate(zip(*theta)):
            z = a[-1] @ W.T + b
            a.append(jnp.tanh(z) if i < depth - 1 else z)
            gamma.append(1 - a[-1] ** 2 if i < depth - 1 else jnp.ones_like(z))
        B = [None] * depth
        B[-1] = gamma[-1][:, :, None] * jnp.eye(gamma[-1].shape[1], dtype=X.dtype)
        for l in range(depth - 2, -1, -1):
            B[l] = (B[l + 1] @ theta[0][l + 1]) * gamma[l][:, None, :]
        return a, B

    def waiting(function, *arguments):
        compiled = jax.jit(function)
        return lambda: jax.block_until_ready(compiled(*arguments))

    if work == "forward":
        return waiting(forward, theta, X)
    if work == "gradient":
        return waiting(lambda theta, X, y: (lambda c, g: (c, flat(g)))(*jax.value_and_grad(cost)(theta, X, y))[1], theta, X, y)
    if work == "jv":
        v = unflatten(case.v)
        return waiting(lambda theta, v, X: jax.jvp(lambda p: forward(p, X), (theta,), (tuple(v),))[1], theta, v, X)
    if work == "jtu":
        return waiting(lambda theta, u, X: flat(jax.vjp(lambda p: forward(p, X), theta)[1](u)[0]), theta, u, X)
    if work == "chains":
        return waiting(lambda theta, X: chains(theta, X)[1], theta, X)
    if work == "dense":
        def dense(theta, X):
            a, B = chains(theta, X)
            rows = B[0].shape[0] * B[0].shape[1]
            parts = []
            for l in range(depth):
                parts += [(B[l][:, :, :, None] * a[l][:, None, None, :]).reshape(rows, -1), B[l].reshape(rows, -1)]
            return jnp.concatenate(parts, 1)
        return waiting(dense, theta, X)
    if work == "gram":
        def gram(theta, X):
            J = jax.vmap(lambda x: flat_rows(jax.jacrev(lambda p: forward(p, x))(theta)))(X)
            J = J.reshape(-1, J.shape[-1])
            return J @ J.T

        def flat_rows(tree):
            return jnp.concatenate([part.reshape(part.shape[0], -1) for pair in zip(*tree) for part in pair], 1)
        return waiting(gram, theta, X)
    if work == "adam_step":
        @jax.jit
        def steps(theta):
            def step(carry, t):
                theta, m, v = carry
                g = jax.grad(cost)(theta, X, y)
                m = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
                v = jax.tree.map(lambda a, b: 0.999 * a + 0.001 * b * b, v, g)
                c1, c2 = 1 - 0.9 ** (t + 1), 1 - 0.999 ** (t + 1)
                theta = jax.tree.map(lambda p, a, b: (p - 1e-3 * (a / c1) / (jnp.sqrt(b / c2) + 1e-8)).astype(p.dtype), theta, m, v)
                return (theta, m, v), 0.0
            zeros = jax.tree.map(jnp.zeros_like, theta)
            return flat(jax.lax.scan(step, (theta, zeros, zeros), jnp.arange(20, dtype=X.dtype))[0][0])

        def run():
            return jax.block_until_ready(steps(theta))
        run.count = 20
        return run
    if work == "epoch":
        c = jnp.asarray(case.classes)
        n = len(case.X) // BATCH * BATCH

        def entropy(theta, x, t):
            return -jnp.take_along_axis(jax.nn.log_softmax(forward(theta, x)), t[:, None], 1).mean()

        @jax.jit
        def epoch(theta, key):
            def step(p, i):
                return jax.tree.map(lambda a, d: a - jnp.asarray(RATE, a.dtype) * d, p, jax.grad(entropy)(p, X[i], c[i])), 0.0
            order = jax.random.permutation(key, len(case.X))[:n].reshape(-1, BATCH)
            return jax.lax.scan(step, theta, order)[0]

        def epochs():
            p = theta
            for e in range(20):
                p = epoch(p, jax.random.PRNGKey(e))
            jax.block_until_ready(p)
        epochs.count = 20
        return epochs
    return None


def fingerprint(result):
    """A result as a NumPy array."""
    return np.asarray(result)
