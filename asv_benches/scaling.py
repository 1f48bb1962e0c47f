"""Holds the model of docs/scaling.md against 1 and 2 local workers:  python -m asv_benches.scaling [--write]

Every number is a median of turns, in which one thread, two threads, one worker and two workers take the same step. With --write the
tables of docs/scaling.md are written anew.
"""

import argparse
import functools
import pathlib
import re
from math import ceil, log2
from time import perf_counter

import numpy as np

import engine
from engine import Cost, Network, distributed, reductions, value_and_gradient
from engine.evaluation import evaluate
from schedulers import BatchStep

from .benchmarks.distributed import drawn

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "scaling.md"
TURNS, SHARDS = 3, 4
COSTS = {"mean": Cost("squared_error"), "cvar(0.1)": Cost("squared_error", reductions.cvar(0.1))}
NETWORKS = {(2, 20, 20, 1): 1 << 21, (2, 50, 50, 1): 1 << 21, (64, 64, 32, 10): 1 << 19, (256, 512, 10): 1 << 16}
MIB = 1 << 20


def timed(*steps, turns=TURNS):
    """The median seconds of each step, called in turn after one call to warm up."""
    found = []
    for _ in range(turns + 1):
        times = []
        for step in steps:
            started = perf_counter()
            step()
            times.append(perf_counter() - started)
        found.append(times)
    return np.median(found[1:], axis=0)


def here(threads, *arguments):
    """A step of this process."""
    engine.set_num_threads(threads)
    value_and_gradient(*arguments)


def machine(client):
    """λ, seconds of one round of tasks, and β, bytes a second from the workers to the client."""
    ones = client.submit(np.ones, 4 * MIB, pure=False)
    round_, bulk = timed(lambda: client.submit(abs, 1, pure=False).result(), ones.result, turns=15)
    return round_, 32 * MIB / bulk


def parts(network, X, y, cost):
    """Seconds of one thread for a leaf's pass forward and back, and for its losses alone; and for φ, all m of it."""
    engine.set_num_threads(1)
    m = len(X)
    step, weighted = BatchStep(0, 0, np.arange(m)), Cost(cost.loss, reductions.weighted(np.full(m, 1 / m)))
    losses = cost.losses_and_gradients(network(X), y)[0]
    return timed(lambda: evaluate(network, X, y, weighted, step), lambda: cost.losses_and_gradients(network(X), y),
                 lambda: cost.reduce(losses), turns=3)


def model(workers, m, parameters, both, losses, phi, known, round_, bandwidth):
    """The seconds of a step, as docs/scaling.md has them."""
    rounds, levels = (1, 0) if known else (2, 0)
    if 8 * parameters * (workers - 1) > MIB:
        levels = ceil(log2(workers)) + (1 if known else 0)
    compute = (both + (0 if known else losses)) / workers + phi
    moved = 8 * (m * (1 if known else 2) + parameters * (workers + 1 + levels))
    return compute + moved / bandwidth + (rounds + levels) * round_


def rows(clients):
    """A line of the table for every network and φ."""
    round_, bandwidth = machine(clients[1])
    yield f"λ = {1e3 * round_:.0f} ms, β = {bandwidth / 1e6:.0f} MB/s, float64, {SHARDS} shards; seconds a step.\n"
    yield "| network | m | φ | 1 thread | 2 threads | 1 worker | model | 2 workers | model | 2 threads / 2 workers |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for widths, m in NETWORKS.items():
        loaders = [functools.partial(drawn, seed, m // SHARDS, widths[0], widths[-1]) for seed in range(SHARDS)]
        X, y = (np.concatenate(column) for column in zip(*(load() for load in loaders)))
        network = Network.initialize(widths, "tanh", seed=1)
        spread = [distributed.load(client, loaders) for client in clients]
        for name, cost in COSTS.items():
            one, two, *workers = timed(*(functools.partial(here, threads, network, X, y, cost) for threads in (1, 2)), *(
                functools.partial(distributed.value_and_gradient, network, shards, cost) for shards in spread))
            costs = *parts(network, X, y, cost), name == "mean", round_, bandwidth
            guessed = [model(count, m, network.size, *costs) for count in (1, 2)]
            yield (f"| {'-'.join(map(str, widths))} | 2^{int(log2(m))} | {name} | {one:.2f} | {two:.2f} | {workers[0]:.2f} | "
                   f"{guessed[0]:.2f} | {workers[1]:.2f} | {guessed[1]:.2f} | {two / workers[1]:.2f} |")


def main():
    from distributed import Client, LocalCluster

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    settings = dict(threads_per_worker=1, dashboard_address=":0", silence_logs=50)
    with LocalCluster(n_workers=1, **settings) as first, LocalCluster(n_workers=2, **settings) as second:
        with Client(first) as one, Client(second) as two:
            lines = []
            for line in rows([one, two]):
                print(line, flush=True)
                lines.append(line)
    if write:
        begin, end = "<!-- scaling:begin -->", "<!-- scaling:end -->"
        table = f"{begin}\n" + "\n".join(lines) + f"\n{end}"
        PAGE.write_text(re.sub(f"{begin}.*{end}", lambda _: table, PAGE.read_text(), flags=re.S))


if __name__ == "__main__":
    main()
