"""Training in JAX: one jitted scan over all batches of all epochs, the orders drawn inside; a sweep is its vmap."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from .cases import ADAM_RATE, BATCH, EPOCHS, FITS, RATE, SMALL_BATCH, STEPS, SWEPT, Work, flat_numbers, tree_numbers


def shuffled(key, epochs, samples, batch):
    """A permutation for each epoch, drawn all at once, cut into batches [steps, batch]."""
    keys = jax.random.split(key, epochs)
    return jax.vmap(lambda one: jax.random.permutation(one, samples))(keys).reshape(-1, batch)


def sequential(epochs, samples, batch):
    """The samples as they are, cut into batches [steps, batch]."""
    return jnp.tile(jnp.arange(samples), epochs).reshape(-1, batch)


class Training:
    """The works that train; a Peer has θ as a pytree, X, y, the case and its forward pass and cost besides."""

    def _entropy(self, theta, x, c):
        return -jnp.take_along_axis(jax.nn.log_softmax(self._forward(theta, x)), c[:, None], 1).mean()

    def _sgd(self, theta, rate):
        """A step on a batch, where it begins, and θ of where it ends."""
        def step(theta, batch):
            gradient = jax.grad(self._entropy)(theta, *batch)
            return jax.tree.map(lambda a, d: a - jnp.asarray(rate, a.dtype) * d, theta, gradient), None
        return step, theta, lambda theta: theta

    def _adam(self, theta, rate):
        """The same for Adam. θ is one vector: as a pytree its steps take a tenth longer."""
        flat, unravel = ravel_pytree(theta)

        def step(carry, batch):
            flat, m, v, t = carry
            g = jax.grad(lambda f: self._cost(unravel(f), *batch))(flat)
            m, v, t = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g, t + 1
            return (flat - rate * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), m, v, t), None

        zeros = jnp.zeros_like(flat)
        return step, (flat, zeros, zeros, jnp.zeros((), flat.dtype)), lambda carry: unravel(carry[0])

    def _trained(self, update, theta, rate, y, orders):
        """θ after a step for each row of `orders`."""
        step, begun, end = update(theta, rate)
        return end(jax.lax.scan(lambda carry, i: step(carry, (self.X[i], y[i])), begun, orders)[0])

    def epoch(self):
        X, classes = self.X, jnp.asarray(self.case.classes)

        def train(theta, order):
            batches = X[order].reshape(-1, BATCH, X.shape[1]), classes[order].reshape(-1, BATCH)
            return jax.lax.scan(self._sgd(theta, RATE)[0], theta, batches)[0]

        def train_by_index(theta, key):
            return self._trained(self._sgd, theta, RATE, classes, shuffled(key, 1, len(X), BATCH))

        def epochs(function, orders):
            def run():
                theta = self.theta
                for order in orders():
                    theta = function(theta, order)
                return jax.block_until_ready(theta)
            return Work(run, tree_numbers, STEPS, lambda: compiled(self.theta, np.arange(len(X))))

        compiled, generator = jax.jit(train), np.random.default_rng(0)
        return {"scan, indices and keys": epochs(jax.jit(train_by_index), lambda: map(jax.random.PRNGKey, range(STEPS))),
                "scan, NumPy's order": epochs(compiled, lambda: (generator.permutation(len(X)) for _ in range(STEPS)))}

    def fit(self):
        samples = self.case.samples

        def train(theta, key):
            return self._trained(self._adam, theta, ADAM_RATE, self.y, shuffled(key, EPOCHS, samples, SMALL_BATCH))

        def check(theta):
            return self._trained(self._adam, theta, ADAM_RATE, self.y, sequential(1, samples, SMALL_BATCH))

        compiled, key = jax.jit(train), jax.random.PRNGKey(0)
        return {"scan": Work(lambda: jax.block_until_ready(compiled(self.theta, key)), tree_numbers, EPOCHS,
                             lambda: jax.jit(check)(self.theta))}

    def _full_batches(self, steps):
        def train(theta):
            step, begun, end = self._adam(theta, ADAM_RATE)
            return end(jax.lax.scan(lambda carry, _: step(carry, (self.X, self.y)), begun, length=steps)[0])

        compiled = jax.jit(train)
        return Work(lambda: jax.block_until_ready(compiled(self.theta)), tree_numbers, steps)

    def fit_full(self):
        return {"scan": self._full_batches(EPOCHS)}

    def adam_step(self):
        return self._full_batches(STEPS)

    def sweep(self):
        """In one call of a vmap over the rates; and over keys too, so that each fit has orders of its own."""
        digits, samples = self.case.name == "64-64-32-10", self.case.samples
        update, batch, y = ((self._sgd, BATCH, jnp.asarray(self.case.classes)) if digits else (self._adam, SMALL_BATCH, self.y))
        epochs, rates = SWEPT[self.case.name]
        rates, key = jnp.asarray(rates, self.X.dtype), jax.random.PRNGKey(0)

        def train(theta, rate, key):
            return self._trained(update, theta, rate, y, shuffled(key, epochs, samples, batch))

        def check(theta, rate):
            return self._trained(update, theta, rate, y, sequential(1, samples, batch))

        def numbers(found):
            return flat_numbers(np.concatenate([np.reshape(part, (FITS, -1)) for pair in zip(*found) for part in pair], 1))

        def swept(keys, axis):
            compiled = jax.jit(jax.vmap(train, (None, 0, axis)))
            return Work(lambda: jax.block_until_ready(compiled(self.theta, rates, keys)), numbers, FITS,
                        lambda: jax.jit(jax.vmap(check, (None, 0)))(self.theta, rates))
        return {"vmap, one order": swept(key, None), "vmap, orders of their own": swept(jax.random.split(key, FITS), 0)}
