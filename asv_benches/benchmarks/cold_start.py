"""A fresh process: import, and import to the first Jacobian."""


class ColdStart:
    """The kernels' cache is warm after the first run."""

    timeout = 300
    number = 1

    def timeraw_import(self):
        return "import engine"

    def timeraw_first_jacobian(self):
        return """
        import numpy as np
        from engine import Network
        network = Network.initialize((64, 64, 32, 10), "tanh", dtype=np.float32)
        network.jacobian(np.ones((100, 64), np.float32)).dense()
        """
