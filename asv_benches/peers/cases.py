"""The work that peers are compared on: networks, data, and what each piece of work is."""

import numpy as np

# widths, samples
NETWORKS = {
    "A": ((64, 64, 32, 10), 1797), "B": ((784, 128, 64, 10), 256), "C": ((2, 20, 20, 1), 10000), "D": ((256, 512, 512, 10), 64),
    "E": ((784, 1024, 1024, 10), 256), "F": ((2, 50, 50, 1), 10000), "A600": ((64, 64, 32, 10), 600),
    "digits": ((64, 64, 32, 10), 1797), "small": ((4, 32, 16, 4), 10000), "tiny": ((2, 2, 1), 4),
}

# work, networks
WORK = {
    "dense": "ABCD", "chains": "ABCDF", "forward": "ABCDEF", "gradient": "ABCDEF", "jv": "ABCDEF", "jtu": "ABCDEF",
    "gram": ["A600"], "gradient_norms": "ABCD", "epoch": ["digits"], "adam_step": ["small"],
}
BATCH, RATE = 32, 0.05


class Case:
    """One piece of work: widths, θ in the engine's order, X, y, v, u; tanh hidden layers, identity output, squared error, mean."""

    def __init__(self, network, dtype):
        self.widths, m = NETWORKS[network]
        self.dtype = np.dtype(dtype)
        generator = np.random.default_rng(0)
        parts = []
        for before, width in zip(self.widths, self.widths[1:]):
            parts += [generator.standard_normal(width * before) / np.sqrt(before), 0.1 * generator.standard_normal(width)]
        self.theta = np.concatenate(parts).astype(dtype)
        self.X = generator.standard_normal((m, self.widths[0])).astype(dtype)
        self.y = generator.standard_normal((m, self.widths[-1])).astype(dtype)
        self.classes = generator.integers(0, self.widths[-1], m)
        self.v = generator.standard_normal(self.theta.size).astype(dtype)
        self.u = generator.standard_normal(self.y.shape).astype(dtype)

    def layers(self):
        """[W^1 …], [b^1 …]."""
        weights, biases, at = [], [], 0
        for before, width in zip(self.widths, self.widths[1:]):
            weights.append(self.theta[at:at + width * before].reshape(width, before))
            at += width * before
            biases.append(self.theta[at:at + width])
            at += width
        return weights, biases
