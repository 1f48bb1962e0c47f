"""One update of θ by code, over flat vectors (eq. 21): alike for a fused epoch and step by step.

A member ``…_update`` changes θ [P] and `state` [rows, P] in place: θ <- θ - rate · direction; `gradient` [P] may be overwritten.
`settings` are numbers of the update's own, trainable [P] or empty; `time` counts from 0. A frozen number and its state keep their
bits.
"""

from enum import IntEnum

import numpy as np

from .linked import family, kernel, shared
from .signatures import Doubles, Line, Mask, Table
from .simd import fma


class UpdateCode(IntEnum):
    """What kernels know an update by."""

    GRADIENT_DESCENT = 0
    ADAM = 1
    ADAMW = 2
    RMSPROP = 3


GRADIENT_DESCENT, ADAM, ADAMW, RMSPROP = (code.value for code in UpdateCode)
FORMS = {GRADIENT_DESCENT: (3, 1), ADAM: (4, 2), ADAMW: (4, 2), RMSPROP: (4, 2)}  # numbers in settings, rows of state


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
def freeze(gradient, trainable):
    """Zeros into the gradient [P] where θ is frozen."""
    for i in range(trainable.size):
        if not trainable[i]:
            gradient[i] = 0


@kernel
def decay_gradient(theta, gradient, trainable, decay):
    """gradient <- gradient + decay θ where θ is trainable."""
    if decay != 0:
        for i in range(theta.size):
            if trainable.size == 0 or trainable[i]:
                gradient[i] = fma(decay, theta[i], gradient[i])


@shared
def gradient_descent_update(theta: Line, gradient: Line, settings: Doubles, state: Table, trainable: Mask, rate: float, time: int):
    """settings: momentum, nesterov, weight decay; state: the velocity where momentum is not 0."""
    eta, momentum = theta.dtype.type(rate), theta.dtype.type(settings[0])
    freeze(gradient, trainable)
    decay_gradient(theta, gradient, trainable, theta.dtype.type(settings[2]))
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


@kernel
def adam_step(theta, gradient, settings, state, rate, time):
    """θ <- θ - rate m̂ / (√v̂ + ε) with the running means m, v of the gradient and its square."""
    dtype = theta.dtype
    one, beta_1, beta_2, epsilon = dtype.type(1), dtype.type(settings[0]), dtype.type(settings[1]), dtype.type(settings[2])
    first = dtype.type(rate / (1.0 - power(settings[0], time + 1)))
    second = dtype.type(1.0 / np.sqrt(1.0 - power(settings[1], time + 1)))
    mean, square = state[0], state[1]
    for i in range(theta.size):
        g = gradient[i]
        mean[i] = fma(beta_1, mean[i], (one - beta_1) * g)
        square[i] = fma(beta_2, square[i], (one - beta_2) * (g * g))
        theta[i] = fma(-first, mean[i] / fma(np.sqrt(square[i]), second, epsilon), theta[i])  # eq. 21


@shared
def adam_update(theta: Line, gradient: Line, settings: Doubles, state: Table, trainable: Mask, rate: float, time: int):
    """settings: beta_1, beta_2, epsilon, weight decay; state: the running means."""
    freeze(gradient, trainable)
    decay_gradient(theta, gradient, trainable, theta.dtype.type(settings[3]))
    adam_step(theta, gradient, settings, state, rate, time)


@shared
def adamw_update(theta: Line, gradient: Line, settings: Doubles, state: Table, trainable: Mask, rate: float, time: int):
    """As Adam, but θ decays apart from the running means."""
    eta, decay = theta.dtype.type(rate), theta.dtype.type(settings[3])
    freeze(gradient, trainable)
    if decay != 0:
        for i in range(theta.size):
            if trainable.size == 0 or trainable[i]:
                theta[i] = fma(-eta * decay, theta[i], theta[i])
    adam_step(theta, gradient, settings, state, rate, time)


@shared
def rmsprop_update(theta: Line, gradient: Line, settings: Doubles, state: Table, trainable: Mask, rate: float, time: int):
    """settings: decay, epsilon, momentum, weight decay; state: the running mean of squares, the velocity."""
    dtype = theta.dtype
    eta, one = dtype.type(rate), dtype.type(1)
    freeze(gradient, trainable)
    decay_gradient(theta, gradient, trainable, dtype.type(settings[3]))
    keep, epsilon, momentum = dtype.type(settings[0]), dtype.type(settings[1]), dtype.type(settings[2])
    square, velocity = state[0], state[1]
    for i in range(theta.size):
        g = gradient[i]
        square[i] = fma(keep, square[i], (one - keep) * (g * g))
        velocity[i] = fma(momentum, velocity[i], g / (np.sqrt(square[i]) + epsilon))
        theta[i] = fma(-eta, velocity[i], theta[i])  # eq. 21


update_parameters, prepare_updates = family("update_parameters", {
    UpdateCode.GRADIENT_DESCENT: gradient_descent_update,
    UpdateCode.ADAM: adam_update,
    UpdateCode.ADAMW: adamw_update,
    UpdateCode.RMSPROP: rmsprop_update,
})
