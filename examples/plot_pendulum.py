"""
A pendulum over several swings
==============================

θ″ + sin θ = 0 from an angle of 2 at rest, until t = 8: an initial value problem, nonlinear, with no data but its first angle and
speed. The network's second derivative and its sine make the residual; both conditions at t = 0 are two residuals of one point.

**What is to be seen**: the network follows the swings to seven digits. Its error, against a Runge–Kutta integration of high order,
stays below the width of any line, and energy is kept as well as the angle is.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import solve_ivp

from engine import LevenbergMarquardt, Network, Residual, collocation, fit
from schedulers import BatchSchedule

ANGLE, END = 2.0, 8.0
STEPS = 250

# %%
# The equation and where it begins
# --------------------------------
# Inputs are scaled to [−1, 1]: with t = END (x + 1) / 2 a derivative in t is 2 / END times one in x.

rate = 2 / END
swing = Residual(lambda x, u: rate**2 * u.d(0, 0) + np.sin(u.value))
begin = Residual(lambda x, u: (u.value - ANGLE, rate * u.d(0)), outputs=2)
points = np.cos(np.pi * (np.arange(200) + 0.5) / 200)[:, None]  # Chebyshev's, closer together at both ends
X, y, cost = collocation((points, swing, 1.0), (np.array([[-1.0]]), begin, 10.0))

# %%
# One run
# -------

start = Network.initialize((1, 20, 20, 1), "tanh", seed=0)
run = fit(start, X, y, cost, LevenbergMarquardt(), BatchSchedule(len(X), order="sequential"), epochs=STEPS, progress=False)

t = np.linspace(0, END, 400)
reference = solve_ivp(lambda t, s: (s[1], -np.sin(s[0])), (0, END), (ANGLE, 0.0), method="DOP853", t_eval=t, rtol=1e-12, atol=1e-12)
jet = run.network.jet((t / END * 2 - 1)[:, None])
angle, speed = jet.value[:, 0], rate * jet.gradient[:, 0, 0]
errors = np.abs(angle - reference.y[0])
error = np.linalg.norm(errors) / np.linalg.norm(reference.y[0])
print(f"relative error {error:.1e} after {len(run.history)} steps")

# %%
# The picture
# -----------

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
left.plot(t, reference.y[0], lw=4, alpha=0.3, label="Runge–Kutta")
left.plot(t, angle, "k", lw=1, label="network")
left.set(xlabel="t", ylabel="θ")
left.legend()
right.semilogy(t, errors + 1e-16, label="angle")
right.semilogy(t, np.abs(speed**2 / 2 - np.cos(angle) + np.cos(ANGLE)) + 1e-16, label="energy")
right.set(xlabel="t", ylabel="error")
right.grid(alpha=0.3)
right.legend()
plt.show()
