"""One update of θ by code, over flat vectors (eq. 21): alike for a fused epoch and step by step."""

import numpy as np

from .linked import kernel
from .simd import fma

GRADIENT_DESCENT, ADAM, ADAMW, RMSPROP = range(4)


@kernel
def power(base, exponent):
    """base ** exponent for a whole exponent, by repeated squaring: the same float64 everywhere."""
    result = 1.0
    while exponent > 0:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


@kernel
def update_parameters(code, settings, theta, gradient, state, trainable, rate, time):
    """θ <- θ - rate · direction, in place; `gradient` [P] may be overwritten.

    settings, float64: momentum, nesterov, weight decay for gradient descent; beta_1, beta_2, epsilon, weight decay for Adam
    and AdamW; decay, epsilon, momentum, weight decay for RMSprop. state [rows, P]; trainable [P] or empty; `time` counts
    from 0. A frozen number and its state keep their bits.
    """
    dtype = theta.dtype
    one = dtype.type(1)
    eta = dtype.type(rate)
    if trainable.size > 0:
        for i in range(theta.size):
            if not trainable[i]:
                gradient[i] = 0
    decay = dtype.type(settings[2] if code == GRADIENT_DESCENT else settings[3])
    if decay != 0 and code != ADAMW:
        for i in range(theta.size):
            if trainable.size == 0 or trainable[i]:
                gradient[i] = fma(decay, theta[i], gradient[i])
    if code == GRADIENT_DESCENT:
        momentum = dtype.type(settings[0])
        if settings[0] != 0.0:
            velocity = state[0]
            if settings[1] != 0.0:
                for i in range(theta.size):
                    velocity[i] = fma(momentum, velocity[i], gradient[i])
                    gradient[i] = fma(momentum, velocity[i], gradient[i])
            else:
                for i in range(theta.size):
                    velocity[i] = fma(momentum, velocity[i], gradient[i])
                    gradient[i] = velocity[i]
        for i in range(theta.size):
            theta[i] = fma(-eta, gradient[i], theta[i])  # eq. 21
        return
    if code == RMSPROP:
        keep, epsilon, momentum = dtype.type(settings[0]), dtype.type(settings[1]), dtype.type(settings[2])
        square, velocity = state[0], state[1]
        for i in range(theta.size):
            g = gradient[i]
            square[i] = fma(keep, square[i], (one - keep) * (g * g))
            velocity[i] = fma(momentum, velocity[i], g / (np.sqrt(square[i]) + epsilon))
            theta[i] = fma(-eta, velocity[i], theta[i])  # eq. 21
        return
    beta_1, beta_2, epsilon = dtype.type(settings[0]), dtype.type(settings[1]), dtype.type(settings[2])
    first = dtype.type(rate / (1.0 - power(settings[0], time + 1)))
    second = dtype.type(1.0 / np.sqrt(1.0 - power(settings[1], time + 1)))
    mean, square = state[0], state[1]
    if code == ADAMW and decay != 0:
        for i in range(theta.size):
            if trainable.size == 0 or trainable[i]:
                theta[i] = fma(-eta * decay, theta[i], theta[i])
    for i in range(theta.size):
        g = gradient[i]
        mean[i] = fma(beta_1, mean[i], (one - beta_1) * g)
        square[i] = fma(beta_2, square[i], (one - beta_2) * (g * g))
        theta[i] = fma(-first, mean[i] / fma(np.sqrt(square[i]), second, epsilon), theta[i])  # eq. 21
