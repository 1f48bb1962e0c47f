"""
Prior precision and noise by the evidence
=========================================

How strong should weight decay be, and how noisy are the samples? Both are numbers of the model, and the evidence, the probability
of the samples with θ integrated out, says which values fit best, without a held-out set (MacKay 1992; Immer et al. 2021).
Laplace's approximation gives it for a network.

Here a network is fitted to a few noisy samples of a sine. It is trained with a penalty, then ``optimize`` finds the prior precision
and the noise at which the evidence is largest, and both are repeated until they settle.

**What is to be seen**: the noise that is found is close to the true one, which the network was never told, and the evidence is
largest where the error on new samples is nearly smallest.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

from engine import Cost, Network, laplace, objective
from engine.penalties import ridge

NOISE, SAMPLES = 0.2, 40
ROUNDS = 8
PRECISIONS = np.geomspace(1e-4, 1e2, 13)

generator = np.random.default_rng(3)
X = np.sort(generator.uniform(-3, 3, SAMPLES))[:, None]
y = np.sin(2 * X) + NOISE * generator.standard_normal(X.shape)
X_new = np.linspace(-3, 3, 400)[:, None]
truth = np.sin(2 * X_new)
start = Network.initialize((1, 12, 1), "tanh", seed=0)


def trained(network, precision, noise):
    """The minimum of ½ Σ (f − y)² + ½ τ σ² ‖θ‖², which is σ² times the negative logarithm of the posterior."""
    aim = objective(network, X, y, Cost("squared_error", "sum", ridge(precision * noise, biases=True)))
    return network.replace(minimize(aim.fun, network.parameters, jac=aim.jac, method="BFGS", options={"maxiter": 400}).x)


# %%
# Train, optimize, repeat
# -----------------------
# The cost that ``laplace`` takes is that of the likelihood; its prior precision τ and its noise σ² come as numbers of their own.
# The first penalty is weak: a strong one would hold the network at a function that is too smooth, where all else counts as noise.

likelihood = Cost("squared_error", "sum")
network, precision, noise = start, 0.01, 0.1
for _ in range(ROUNDS):
    network = trained(network, precision, noise)
    posterior = laplace(network, X, y, likelihood, prior_precision=precision, noise=noise).optimize()
    precision, noise = posterior.prior_precision, posterior.noise
    print(f"prior precision {precision:.3f}, noise {np.sqrt(noise):.3f} (truth {NOISE}), "
          f"{posterior.effective_parameters:.1f} of {network.size} parameters, "
          f"log evidence {posterior.log_marginal_likelihood():.2f}")
mean, covariance = posterior.predict(X_new)
deviation = np.sqrt(covariance.ravel() + noise)  # of a new observation

# %%
# Every precision, and a held-out set
# -----------------------------------
# The same network trained with each of a range of precisions, at the noise that was found: its evidence, and its error against the
# truth, which the evidence does not know.

evidence, error = [], []
for value in PRECISIONS:
    one = trained(network, value, noise)
    evidence.append(laplace(one, X, y, likelihood, prior_precision=value, noise=noise).log_marginal_likelihood())
    error.append(np.sqrt(np.mean((one(X_new) - truth)**2)))

# %%
# The picture
# -----------

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
left.fill_between(X_new.ravel(), mean.ravel() - 2 * deviation, mean.ravel() + 2 * deviation, alpha=0.25, linewidth=0,
                  label="± 2 standard deviations of a new sample")
left.plot(X_new, mean, label="network")
left.plot(X_new, truth, "--", color="0.5", label="truth")
left.plot(X, y, "k.", markersize=4, label="samples")
left.set(xlabel="x", ylabel="y", ylim=(-2.6, 1.7))
left.legend(loc="lower right", fontsize="small")
right.semilogx(PRECISIONS, evidence, "o-", label="log evidence")
right.axvline(precision, color="0.7", linewidth=1)
right.set(xlabel="prior precision τ", ylabel="log evidence")
other = right.twinx()
other.loglog(PRECISIONS, error, "s-", color="C1", label="error against the truth")
other.set_ylabel("root of the mean squared error")
lines = [*right.get_lines()[:1], *other.get_lines()]
right.legend(lines, [line.get_label() for line in lines], loc="upper left", fontsize="small")
plt.show()
