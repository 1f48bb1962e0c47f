"""Print one table of ratios: how many times longer a peer takes than ours, both sides in turn, medians."""

import argparse
import importlib.util
import json
import subprocess
import sys

import numpy as np

from .cases import WORK

PEERS = {"in_jax": "jax", "in_torch": "torch", "in_backpack": "backpack", "in_sklearn": "sklearn", "in_numpy": "numpy",
         "limits": "numpy"}
ROUNDS, SECONDS = 5, 0.15
AGREE = {"float64": 1e-8, "float32": 5e-3}


class Peer:
    """A peer's process."""

    def __init__(self, name):
        self.name = name
        self.process = subprocess.Popen([sys.executable, "-m", "asv_benches.peers.serve", name], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def ask(self, **what):
        """One answer; {"able": False} where the peer ended."""
        try:
            self.process.stdin.write(json.dumps(what) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline() or '{"able": false}')
        except BrokenPipeError:
            return {"able": False}


def agree(ours, theirs, dtype):
    """Whether two results are the same numbers."""
    if "some" not in ours or "some" not in theirs:
        return None
    return bool(ours["size"] == theirs["size"] and np.allclose(ours["some"], theirs["some"], rtol=AGREE[dtype],
                                                               atol=AGREE[dtype] * max(map(abs, ours["some"]))))


def main():
    """Run what is asked for."""
    options = argparse.ArgumentParser(prog="python -m asv_benches.peers", description=__doc__)
    options.add_argument("--work", nargs="*", default=list(WORK), choices=list(WORK))
    options.add_argument("--networks", nargs="*")
    options.add_argument("--dtypes", nargs="*", default=["float64", "float32"])
    there = [name for name, package in PEERS.items() if importlib.util.find_spec(package)]
    options.add_argument("--peers", nargs="*", default=there)
    asked = options.parse_args()
    print(f"{'work':16} {'network':8} {'dtype':8} {'peer':12} {'ours ms':>9} {'peer ms':>9} {'ratio':>7}  same numbers")
    for work in asked.work:
        for network in WORK[work]:
            if asked.networks and network not in asked.networks:
                continue
            for dtype in asked.dtypes:
                compare(work, network, dtype, asked.peers)


def compare(work, network, dtype, peers):
    """A row for each peer that can do it."""
    case = dict(do="prepare", work=work, network=network, dtype=dtype, check=True)
    for name in peers:
        sides = [Peer("in_engine"), Peer(name)]
        made = [side.ask(**case) for side in sides]
        if all(answer.get("able") for answer in made):
            rounds = [[side.ask(do="time", seconds=SECONDS)["ms"] for side in sides] for _ in range(ROUNDS)]
            ours, theirs = np.median(rounds, axis=0)
            ratio = float(np.median([b / a for a, b in rounds]))
            same = {True: "yes", False: "NO", None: "not compared"}[agree(*made, dtype)]
            print(f"{work:16} {network:8} {dtype:8} {name:12} {ours:9.3f} {theirs:9.3f} {ratio:7.2f}  {same}", flush=True)
        for side in sides:
            side.process.kill()


if __name__ == "__main__":
    main()
