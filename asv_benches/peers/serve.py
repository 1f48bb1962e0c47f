"""One peer in a process of its own: reads a line of JSON for each thing to do, answers with one."""

import importlib
import json
import os
import sys
import time

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)

import numpy as np  # noqa: E402

from .cases import Case  # noqa: E402


def main(peer):
    """Serve until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr
    module = importlib.import_module(f"asv_benches.peers.{peer}")
    work = None
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "prepare":
            work = module.prepare(asked["work"], Case(asked["network"], asked["dtype"]))
            answer = {"able": work is not None}
            if work is not None:
                result = work()
                if asked["check"] and result is not None and not isinstance(result, (list, tuple)):
                    flat = np.asarray(result, np.float64).ravel()
                    answer |= {"size": flat.size, "norm": float(np.linalg.norm(flat)),
                               "some": flat[::max(1, flat.size // 7)].tolist()}
                work()
        else:
            times = []
            stop = time.perf_counter() + asked["seconds"]
            while not times or time.perf_counter() < stop:
                started = time.perf_counter()
                work()
                times.append((time.perf_counter() - started) / getattr(work, "count", 1))
            answer = {"ms": 1e3 * float(np.median(times))}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
