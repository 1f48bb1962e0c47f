"""A fresh process: import, and import to the first Jacobian."""

FIRST = """
import numpy as np
from engine import Network
network = Network.initialize((64, 64, 32, 10), "tanh", dtype=np.float32)
network.jacobian(np.ones((100, 64), np.float32)).dense()
"""
EMPTY = """
import os, tempfile
folder = tempfile.TemporaryDirectory()
os.environ["NUMBA_CACHE_DIR"] = folder.name
"""


class ColdStart:
    """From a warm cache (after the first run) and from an empty one."""

    timeout = 300
    number = 1

    def timeraw_import(self):
        return "import engine"

    def timeraw_first_jacobian(self):
        return FIRST

    def timeraw_first_jacobian_from_an_empty_cache(self):
        return EMPTY + FIRST
