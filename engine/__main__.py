"""python -m engine: train on a data set, write a network's Jacobian, compile ahead of time, show what the engine runs on."""

import argparse
import pathlib
import sys
import time

import numpy as np

from . import Adam, AdamW, Cost, GradientDescent, Network, RMSprop, fit, load, reductions, show_config
from .activations import NAMED as ACTIVATIONS
from .edges import checks
from .edges.data import BUNDLED, read_data
from .edges.runs import new_run_folder, save_run, scaled
from .losses import NAMED as LOSSES

UPDATES = {"gradient_descent": GradientDescent, "adam": Adam, "adamw": AdamW, "rmsprop": RMSprop}
RATES = {"gradient_descent": 0.05, "adam": 1e-3, "adamw": 1e-3, "rmsprop": 1e-3}
REDUCTIONS = {"mean": False, "sum": False, "max": False, "log_sum_exp": True, "cvar": True, "quantile": True, "trimmed_mean": True,
              "power_mean": True, "mean_variance": True}
REDUCTION_FORMS = [name + (":NUMBER" if takes else "") for name, takes in REDUCTIONS.items()]


def parser():
    """The command's options."""
    main = argparse.ArgumentParser(prog="python -m engine", description="Per-sample derivatives of dense neural networks.")
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
    train = commands.add_parser("train", help="train a network on a data set and save the run",
                                formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    train.add_argument("data", metavar="DATA", help=f"{', '.join(BUNDLED)} (bundled with scikit-learn), or a .csv or .npz file")
    train.add_argument("--target", help="the target's column in a .csv file, or array in an .npz file")
    train.add_argument("--widths", type=int, nargs="*", default=[64, 32], metavar="N", help="widths of the hidden layers")
    train.add_argument("--activation", default="tanh", choices=sorted(ACTIVATIONS), metavar="NAME",
                       help=f"of the hidden layers: {', '.join(sorted(ACTIVATIONS))}")
    train.add_argument("--loss", choices=sorted(LOSSES), metavar="NAME",
                       help="softmax_cross_entropy for classes, squared_error for numbers, or " + ", ".join(sorted(LOSSES)))
    train.add_argument("--reduction", default="mean", metavar="NAME[:NUMBER]", help=", ".join(REDUCTION_FORMS))
    train.add_argument("--update", default="adam", choices=sorted(UPDATES), help="how a batch step changes the parameters")
    train.add_argument("--rate", type=float, help="learning rate; the default goes with the update")
    train.add_argument("--batch-size", type=int, default=32, metavar="M", help="sample steps in a batch step")
    train.add_argument("--order", default="shuffled", choices=("sequential", "shuffled", "with_replacement"),
                       help="in which samples are visited")
    train.add_argument("--epochs", type=int, default=60, metavar="N", help="passes over the training samples")
    train.add_argument("--test-fraction", type=float, default=0.2, metavar="SHARE", help="of the samples, held out")
    train.add_argument("--seed", type=int, default=0, help="of the split, the first parameters and the order")
    train.add_argument("--dtype", default="float64", choices=("float32", "float64"), help="of every computation")
    train.add_argument("--run-folder", metavar="FOLDER", help="where to save; a new folder under runs/ by default")
    train.add_argument("--quiet", action="store_true", help="no progress bar")
    jacobian = commands.add_parser("jacobian", help="write the Jacobian of a saved network at a data set's samples")
    jacobian.add_argument("network", metavar="NETWORK", help="a network.npz that a run saved")
    jacobian.add_argument("data", metavar="DATA", help="as for train; scaled as the run was where scaling.npz lies beside NETWORK")
    jacobian.add_argument("--raw", action="store_true", help="take the features as they are")
    jacobian.add_argument("--target", help="the target's column or array, to leave it out of the features")
    jacobian.add_argument("--out", required=True, metavar="J.npy", help="a NumPy file [m n, P], written slab by slab")
    jacobian.add_argument("--max-bytes", type=int, default=1 << 26, metavar="BYTES", help="of one slab (default %(default)s)")
    ahead = commands.add_parser("compile", help="compile all kernels into the cache, ahead of time")
    ahead.add_argument("--dtype", nargs="+", default=["float64", "float32"], choices=("float64", "float32"),
                       help="what they compute in (default: both)")
    commands.add_parser("info", help="versions, processor, threads and the kernels' cache")
    return main


def train(options):
    """Train, save the run, print a summary."""
    data = read_data(options.data, options.target)
    held = checks.split_sizes(len(data.X), checks.test_fraction(options.test_fraction))
    loss = checks.loss_for(data.task, options.loss)
    name, number = checks.reduction_spec(options.reduction, REDUCTIONS, REDUCTION_FORMS)
    reduction = name if number is None else getattr(reductions, name)(number)
    order = np.random.default_rng(options.seed).permutation(len(data.X))
    test, rest = order[:held], order[held:]
    center, spread = data.X[rest].mean(0), data.X[rest].std(0)
    X = (data.X - center) / np.where(spread > 0, spread, 1.0)
    y, scale = data.y, (0.0, 1.0)
    if data.task == "numbers" and loss != "poisson":
        scale = (float(y[rest].mean()), float(y[rest].std()) or 1.0)
        y = (y - scale[0]) / scale[1]
    network = Network.initialize((X.shape[1], *options.widths, data.outputs), options.activation, seed=options.seed,
                                 dtype=options.dtype)
    rate = RATES[options.update] if options.rate is None else options.rate
    from schedulers import BatchSchedule

    schedule = BatchSchedule(options.batch_size, order=options.order, seed=options.seed)
    update = UPDATES[options.update](rate)
    folder = new_run_folder(options.run_folder, pathlib.Path(options.data).stem)
    started = time.perf_counter()
    result = fit(network, X[rest], y[rest], Cost(loss, reduction), update, schedule, epochs=options.epochs,
                 validation=(X[test], y[test]), progress=not options.quiet)
    seconds = time.perf_counter() - started
    saved = save_run(folder, result, center, np.where(spread > 0, spread, 1.0), scale)
    batch_steps = sum(row["batch_steps"] for row in result.history)
    measure = "accuracy" if data.task == "classes" else "R^2"
    rows = [("network", "-".join(map(str, network.widths)) + f", {options.activation}, {options.dtype}"),
            ("cost", f"{result.history[-1]['cost']:.4g}" if len(result.history) else "none: no epoch was run"),
            (f"train {measure}", f"{score(result.network, X[rest], y[rest], data.task):.4f}"),
            (f"test {measure}", f"{score(result.network, X[test], y[test], data.task):.4f}"),
            ("batch steps", str(batch_steps)), ("sample steps", str(sample_steps(schedule, len(rest), len(result.history)))),
            ("seconds", f"{seconds:.1f}"), ("saved", f"{folder} ({', '.join(saved)})")]
    width = max(len(name) for name, _ in rows)
    print()
    for name, value in rows:
        print(f"  {name:{width}}  {value}")


def sample_steps(schedule, samples, epochs):
    """Sample steps of a run."""
    return sum(len(step) for e in range(epochs) for step in schedule.epoch(samples, e))


def score(network, X, y, task):
    """The share of classes that are right, or R²."""
    A = network(X)
    if task == "classes":
        return float((A.argmax(1) == y).mean())
    total = float(((y - y.mean()) ** 2).sum())
    return 1.0 - float(((A - y) ** 2).sum()) / total if total > 0 else float("nan")


def jacobian(options):
    """Write J slab by slab."""
    network = load(options.network)
    data = read_data(options.data, options.target)
    X = checks.network_inputs(network, data.X, options.network)
    J = network.jacobian(X if options.raw else scaled(options.network, X))
    slabs = J.slabs(options.max_bytes)
    out = np.lib.format.open_memmap(options.out, mode="w+", dtype=J.dtype, shape=J.shape)
    for rows, slab in slabs:
        out[rows] = slab
    out.flush()
    print(f"J of shape {list(J.shape)}, {J.dtype}, written to {options.out}: {len(data.X)} samples × {network.widths[-1]} outputs, "
          f"{network.size} parameters")


def compile_kernels(options):
    """Fill the kernels' cache."""
    from .edges.ahead import compile_ahead

    started = time.perf_counter()
    compiled = compile_ahead(dict.fromkeys(options.dtype))
    print(f"{compiled} functions compiled in {time.perf_counter() - started:.1f} s; what was in the cache is not compiled again")
    show_config()


def main(arguments=None):
    """Run the command; its exit status."""
    options = parser().parse_args(arguments)
    try:
        if options.command == "info":
            show_config()
        else:
            {"train": train, "jacobian": jacobian, "compile": compile_kernels}[options.command](options)
    except (ValueError, TypeError, OSError, MemoryError, ImportError, ArithmeticError) as error:
        print(f"python -m engine {options.command}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"python -m engine {options.command}: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
