"""How far does a network train like its linearisation? The tangent kernel at the start predicts, the trained network answers.

    python examples/tangent_kernel.py

For widths from 8 to 512: gradient descent on the network, against the same descent on its linearisation, which the kernel K = J Jᵀ
solves in closed form: after t steps f = f_0 + K(x, X) K⁻¹ (I − (I − η K)ᵗ) (y − f_0). The two draw together as the network
widens (Jacot et al. 2018).
"""

import numpy as np

from engine import Cost, GradientDescent, Network, fit
from schedulers import BatchSchedule


def compare(width, epochs=200):
    """Largest eigenvalue of the kernel over the width, and the root mean square between both predictions."""
    X, X_new = np.linspace(-1, 1, 12)[:, None], np.linspace(-0.9, 0.9, 40)[:, None]
    y = np.sin(3 * X)
    network = Network.initialize((1, width, width, 1), "tanh", seed=3, scheme="lecun")
    J = network.jacobian(X)
    eigenvalues, vectors = np.linalg.eigh(J.gram())
    rate = 1 / eigenvalues[-1]
    share = -np.expm1(epochs * np.log1p(-np.clip(rate * eigenvalues, 0, 1 - 1e-12))) / np.maximum(eigenvalues, 1e-9)
    residual = vectors @ (share * (vectors.T @ (y - network(X)).ravel()))
    linearised = network(X_new).ravel() + network.jacobian(X_new).gram(J) @ residual
    trained = fit(network, X, y, Cost("squared_error", "sum"), GradientDescent(rate), BatchSchedule(12, order="sequential"),
                  epochs=epochs, progress=False).network
    return eigenvalues[-1] / width, float(np.sqrt(np.mean((trained(X_new).ravel() - linearised) ** 2)))


def main(widths=(8, 32, 128, 512), epochs=200):
    """Print a row for each width; the rows."""
    print("width   largest eigenvalue / width   difference of predictions")
    rows = []
    for width in widths:
        rows.append((width, *compare(width, epochs)))
        print(f"{width:5} {rows[-1][1]:28.3g} {rows[-1][2]:27.3g}")
    return rows


if __name__ == "__main__":
    main()
