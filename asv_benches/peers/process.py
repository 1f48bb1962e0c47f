"""The other side of serve.py: a peer in its own process, and what it is asked."""

import json
import os
import subprocess
import sys


class Process:
    """A peer's process; it answers one thing at a time, so that no two peers are ever at work."""

    def __init__(self, name):
        self.name = name
        errors = None if os.environ.get("PEERS_ERRORS") else subprocess.DEVNULL
        module = name if name == "limits" else f"in_{name}"
        self.process = subprocess.Popen([sys.executable, "-m", "asv_benches.peers.serve", module], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=errors, text=True)

    def ask(self, **what):
        """One answer; an empty one where the peer ended."""
        try:
            self.process.stdin.write(json.dumps(what) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline() or "{}")
        except (BrokenPipeError, ValueError):
            return {}

    def prepare(self, work, network, dtype, threads):
        """{how: some of the numbers} of the ways in which the peer does a piece of work, compiled and called twice."""
        return self.ask(do="prepare", work=work, network=network, dtype=dtype, threads=threads)

    def seconds(self, how, long):
        """The median time of a call."""
        return self.ask(do="time", how=how, seconds=long) or float("nan")

    def forget(self):
        """Give the work's memory back."""
        self.ask(do="forget")

    def end(self):
        """Let the process go; whether it was still there."""
        alive = self.process.poll() is None
        self.process.communicate()
        return alive
