"""Seeded cases of everything whose bits are promised, as a table of hashes: `python -m tests.engine.bits_table` writes bits.json.

A change of bits.json is a deliberate act, and the changelog records it.
"""

import argparse
import hashlib
import json
import os
import pathlib

import numpy as np

TABLE = pathlib.Path(__file__).with_name("bits.json")
DTYPES = ("float64", "float32")
SAMPLES, WIDTHS, NAMES = 150, (5, 19, 7, 3), ("tanh", "gelu", "identity")
WORK = 600, (12, 40, 24, 4)  # enough of it that ranges go to threads
POINTS, OF_POINTS = 100, (2, 21, 9, 1)  # points inside, and on the edge half as many


def dyadic(generator, shape, dtype):
    """Numbers in [-2, 2) that any generator of whole numbers gives alike, on any machine."""
    return (generator.integers(-2**12, 2**12, shape) / 2**11).astype(dtype)


def arranged(X, layout):
    """X in another order, as a view into something larger, or where no element is aligned with a cache line."""
    if layout == "fortran":
        return np.asfortranarray(X)
    if layout == "view":
        wide = np.zeros((2 * len(X), X.shape[1] + 3), X.dtype)
        wide[::2, 1:-2] = X
        return wide[::2, 1:-2]
    if layout == "unaligned":
        raw = np.zeros(X.nbytes + 1, np.uint8)
        moved = raw[1:].view(X.dtype).reshape(X.shape)
        moved[...] = X
        return moved
    if layout == "read-only":
        X = X.copy()
        X.flags.writeable = False
    return X


def cut(layout):
    """The samples at once, one by one, or in batches of several sizes."""
    bounds = {"alone": range(SAMPLES + 1), "batches": (0, 1, 3, 20, 37, 128, SAMPLES)}.get(layout, (0, SAMPLES))
    return [slice(first, stop) for first, stop in zip(bounds, bounds[1:])]


def a_network(generator, widths, names, dtype):
    """A network of seeded weights, exact on any machine."""
    from engine import Network

    theta = [dyadic(generator, w * (v + 1), "float64") / 2 ** np.ceil(np.log2(v) / 2) for v, w in zip(widths, widths[1:])]
    return Network(widths, names, np.concatenate(theta).astype(dtype))


def results(dtype, layout, updates):
    """(name, array) of every case."""
    from engine import (
        Adam,
        Cost,
        Private,
        fit,
        gradient_moments,
        losses,
        per_sample_ggn_diagonals,
        per_sample_gradients,
        reductions,
        value_and_gradient,
    )
    from schedulers import BatchSchedule, orders
    from tests.cases import UPDATES

    generator = np.random.default_rng(7)
    network = a_network(generator, WIDTHS, NAMES, dtype)
    X, y = dyadic(generator, (SAMPLES, WIDTHS[0]), dtype), dyadic(generator, (SAMPLES, WIDTHS[-1]), dtype)
    X, y, c = arranged(X, layout), arranged(y, layout), generator.integers(0, 3, SAMPLES)
    cost, squares = Cost("softmax_cross_entropy", reductions.log_sum_exp(2.0)), Cost("squared_error")
    J = network.jacobian(X)
    parts = [network.jacobian(X[rows]) for rows in cut(layout)]
    yield "outputs", np.concatenate([network(X[rows]) for rows in cut(layout)])
    yield "chain", np.concatenate([part.chain(1) for part in parts])
    yield "jacobian", np.concatenate([part.dense() for part in parts])
    for name, slab in zip(("slab 0", "slab 1", "slab 2"), J.slabs(7 * 3 * network.size * J.dtype.itemsize)):
        yield name, slab[1]
    yield "gram", J.gram()
    yield "row norms", np.concatenate([part.row_norms() for part in parts])
    yield "J v", J @ arranged(dyadic(generator, (network.size, 1), dtype), layout)[:, 0]
    yield "u J", J.T @ arranged(dyadic(generator, (len(y) * 3, 1), dtype), layout)[:, 0]
    yield "gradient, any reduction", value_and_gradient(network, X, c, cost)[1]
    yield "gradient, mean", value_and_gradient(network, X, y, squares)[1]
    yield "per-sample gradients", per_sample_gradients(network, X, c, cost)
    diagonals = [per_sample_ggn_diagonals(network, X[rows], c[rows], cost) for rows in cut(layout)]
    yield "per-sample GGN diagonals", np.concatenate(diagonals)
    moments = gradient_moments(network, X, c, cost)
    yield "moments of gradients", np.concatenate([moments.mean, moments.variance])
    for name in updates or UPDATES:
        result = fit(network, X, c, Cost("softmax_cross_entropy"), UPDATES[name][0], BatchSchedule(32, seed=3), epochs=10,
                     progress=False)
        yield f"ten epochs, {name}", result.network.parameters
    samples, widths = WORK
    network = a_network(generator, widths, ("sigmoid", "tanh", "identity"), dtype)
    X, y = dyadic(generator, (samples, widths[0]), dtype), dyadic(generator, (samples, widths[-1]), dtype)
    X, y = arranged(X, layout), arranged(y, layout)
    J = network.jacobian(X)
    yield "outputs, more work", network(X)
    yield "jacobian, more work", J.dense()
    yield "gram, more work", J.gram()
    yield "row norms, more work", J.row_norms()
    yield "gradient, more work", value_and_gradient(network, X, y, cost=Cost("squared_error", reductions.cvar(0.3)))[1]
    yield "gradient, mean, more work", value_and_gradient(network, X, y, squares)[1]
    yield "per-sample GGN diagonals, more work", per_sample_ggn_diagonals(network, X, y, squares)
    moments = gradient_moments(network, X, y, squares)
    yield "moments of gradients, more work", np.concatenate([moments.mean, moments.variance])
    private = Private(Adam(0.01), clip_norm=0.5, noise_multiplier=0.5, seed=0)
    for name, trainable in {"all": None, "some": np.arange(network.size) % 3 > 0}.items():
        yield f"five epochs, private, {name} of theta", fit(
            network, X, y, squares, private, BatchSchedule(300, order=orders.poisson_sampling(0.5)), epochs=5, trainable=trainable,
            progress=False).network.parameters
    encoded = {"gaussian_nll": ("gaussian_nll", y[:, :2]), "quantiles": (losses.quantile_loss([0.125, 0.25, 0.5, 0.875]), y),
               "pos_weight": (losses.binary_cross_entropy([0.5, 2.0, 3.0, 5.0]), (y > 0) * 1.0),
               "smoothed and weighted classes": (losses.softmax_cross_entropy(0.125, [1.0, 0.5, 2.0, 3.0]), (y[:, 0] > 0) * 3)}
    for name, (loss, targets) in encoded.items():
        yield f"gradient, {name}", value_and_gradient(network, X, targets, Cost(loss))[1]
    yield "ten epochs, batch of more work", fit(network, X, y, squares, UPDATES["adam"][0], BatchSchedule(samples), epochs=10,
                                                progress=False).network.parameters
    yield from of_residuals(np.random.default_rng(8), dtype, layout)


def of_residuals(generator, dtype, layout):
    """(name, array) of every case of a cost of residuals: −Δu = x_0 x_1 inside, u = 0 on the edge, whose points are mixed."""
    from engine import Cost, GaussNewton, LevenbergMarquardt, Residual, fit, reductions, value_and_gradient
    from engine.jets import ResidualLoss
    from engine.operators import ResidualJacobian
    from schedulers import BatchSchedule

    poisson, edge = Residual(lambda x, u: u.laplacian() + x[:, 0] * x[:, 1]), Residual(lambda x, u: u.value)
    network = a_network(generator, OF_POINTS, ("tanh", "gelu", "identity"), dtype)
    X = arranged(dyadic(generator, (SAMPLES, 2), dtype), layout)
    y = generator.permutation(np.repeat([0, 1], [POINTS, SAMPLES - POINTS]))
    loss = ResidualLoss([poisson, edge])
    cost, J = Cost(loss, reductions.weighted(np.where(y == 0, 1 / 128, 1 / 16))), ResidualJacobian(network, X, y, Cost(loss))
    v, u = (arranged(dyadic(generator, (size, 1), dtype), layout)[:, 0] for size in J.shape[::-1])
    parts = [ResidualJacobian(network, X[rows], y[rows], Cost(loss)) for rows in cut(layout)]
    yield "residuals", np.concatenate([part.residuals for part in parts])
    yield "residuals, J", np.concatenate([part.dense() for part in parts])
    yield "residuals, J v", np.concatenate([part @ v for part in parts])
    yield "residuals, u J", J.T @ u
    yield "residuals, gram", J.gram()
    yield "residuals, gradient", value_and_gradient(network, X, y, cost)[1]
    for name, update in (("cholesky", LevenbergMarquardt(solver="cholesky")), ("kernel", GaussNewton(solver="kernel"))):
        run = fit(network, X, y, cost, update, BatchSchedule(SAMPLES), epochs=1, progress=False)
        yield f"residuals, step by {name}", run.network.parameters


def table(dtypes=DTYPES, threads=None, layout="c", updates=None):
    """{case: the first 16 digits of its SHA-256}."""
    import engine

    if threads:
        engine.set_num_threads(threads)
    return {f"{name}, {dtype}": hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]
            for dtype in dtypes for name, array in results(dtype, layout, updates)}


def main():
    """Write the table, or print one."""
    options = argparse.ArgumentParser(prog="python -m tests.engine.bits_table", description=__doc__)
    options.add_argument("--print", nargs="+", metavar="THREADS:LAYOUT", help="print a table for each rather than write one")
    options.add_argument("--dtypes", nargs="*", default=DTYPES)
    given = options.parse_args()
    if given.print:
        pairs = [pair.split(":") for pair in given.print]
        print(json.dumps([table(given.dtypes, int(threads), layout) for threads, layout in pairs]))
        return
    old = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    new = table()
    TABLE.write_text(json.dumps(new, indent=1) + os.linesep)
    changed = [case for case in new if old.get(case) != new[case]]
    print(f"{TABLE}: {len(new)} cases, {len(changed)} of them changed")


if __name__ == "__main__":
    main()
