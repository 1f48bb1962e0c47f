"""Derivatives from values alone, in NumPy's longest floats. Imports nothing of ours.

First derivatives by complex steps, which lose no digits (Squire & Trapp, *Using complex variables to estimate derivatives*,
1998), second ones by central differences of them of sixth order. A function must be written in operations that take complex
numbers.
"""

import numpy as np

STEP = 1e-4  # of differences: truncation is far below rounding, and kinks must be no nearer than three steps
WEIGHTS = {1: 45 / 60, 2: -9 / 60, 3: 1 / 60}


def gradient(function, x):
    """∂function/∂x [n] at x [n], for a function to one number."""
    x, tiny = np.asarray(x, np.longdouble), 1e-200
    found = np.empty(len(x), np.longdouble)
    for i in range(len(x)):
        moved = x.astype(np.clongdouble)
        moved[i] += 1j * np.longdouble(tiny)
        found[i] = np.imag(function(moved)) / np.longdouble(tiny)
    return found


def jacobian(function, x, step=STEP):
    """∂function/∂x [k, n] at x [n], for a function to [k] real numbers, by differences of sixth order."""
    x, columns = np.asarray(x, np.longdouble), []
    for i in range(len(x)):
        column = 0
        for steps, weight in WEIGHTS.items():
            up, down = x.copy(), x.copy()
            up[i] += steps * np.longdouble(step)
            down[i] -= steps * np.longdouble(step)
            column = column + np.longdouble(weight) * (function(up) - function(down)) / np.longdouble(step)
        columns.append(column)
    return np.stack(columns, axis=-1)


def hessian(function, x):
    """∂²function/∂x² [n, n] at x [n]: differences of `gradient`."""
    return jacobian(lambda moved: gradient(function, moved), x)
