"""The network: widths, activations and one flat vector of parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from schedulers.notebook import html_table

from . import activations as named_activations
from . import checks, network_checks, saved_network
from .activations import Activation
from .initialization import SCHEMES, initial_parameters
from .kernels.activations import prepare_activations
from .kernels.forward import predict
from .kernels.layout import GROUP, LINE
from .layered_parameters import LayeredParameters
from .layout import Layout
from .network_kernels import NetworkKernels
from .pool import over
from .typing import Array, Path
from .workspace import thread_workspaces

if TYPE_CHECKING:
    from .forward import ForwardPass
    from .jets.network_jet import NetworkJet
    from .operators.jacobian import Jacobian

NO_INDICES = np.empty(0, np.int64)


class Network(LayeredParameters):
    """A dense network a^l = g^l(W^l a^{l−1} + b^l), l = 1 … L (paper §2, eq. 1–3). Immutable.

    Parameters
    ----------
    widths : sequence of int
        (n_0, …, n_L).
    activations : sequence of str or Activation
        g^1 … g^L.
    parameters : array_like [P]
        θ = (W¹, b¹, …, Wᴸ, bᴸ), each W row-major (eq. 3); float32 or float64, which becomes the network's dtype. Copied.

    Attributes
    ----------
    kernels : NetworkKernels
        What compiled functions take of the network, for the engine itself.

    Raises
    ------
    ValueError, TypeError
        Where an argument's shape, name or number is not as stated.

    See Also
    --------
    load : Read a network that was saved.
    ForwardPass : What a forward pass computes.
    Jacobian : The derivatives of all outputs in all parameters.
    fit : Train a network.

    Examples
    --------
    >>> import numpy as np
    >>> from engine import Network
    >>> network = Network((2, 1), ("identity",), np.array([1.0, 2.0, 0.5]))
    >>> network(np.array([[1.0, 1.0]]))
    array([[3.5]])
    """

    def __init__(self, widths: Sequence[int], activations: str | Activation | Sequence[str | Activation],
                 parameters: ArrayLike) -> None:
        self._widths = checks.widths(widths)
        given = checks.layer_activations(activations, len(self._widths) - 1)
        self._activations = tuple(named_activations.named(activation) for activation in given)
        codes = tuple(activation.code for activation in self._activations)
        layout = Layout(self._widths, codes, [activation.parameters for activation in self._activations])
        theta = checks.parameters(parameters, layout.size, self._widths)
        self._own(NetworkKernels(theta, layout, all(code >= 0 for code in codes)))

    def _own(self, kernels: NetworkKernels) -> None:
        prepare_activations([activation.code for activation in self._activations], kernels.theta.dtype)
        self.kernels = kernels
        self._parameters = kernels.theta.view()
        self._parameters.flags.writeable = False

    @classmethod
    def initialize(cls, widths: Sequence[int], activations: str | Activation | Sequence[str | Activation], *,
                   output: str | Activation = "identity", seed: int = 0, dtype: DTypeLike = np.float64,
                   scheme: str = "auto") -> Network:
        """A network with random weights and biases at 0.

        Parameters
        ----------
        widths : sequence of int
            (n_0, …, n_L).
        activations : sequence of str or Activation, or one for all hidden layers
            One name stands for layers 1 … L − 1; layer L then has `output`.
        output : str or Activation
            g^L where `activations` is a single one.
        seed : int or numpy.random.Generator
            The same seed gives the same θ.
        dtype : float32 or float64
            Of θ and of every computation with it.
        scheme : {"auto", "glorot", "he", "lecun"}
            Weights of variance 2 / (n_{l−1} + n_l), uniform (Glorot & Bengio 2010); 2 / n_{l−1}, normal (He et al. 2015);
            1 / n_{l−1}, normal (LeCun et al. 1998). "auto" takes he for relu and its kin, lecun for selu, else glorot.

        Returns
        -------
        Network

        Examples
        --------
        >>> from engine import Network
        >>> Network.initialize((4, 8, 3), "tanh", seed=1).size
        67
        """
        widths = checks.widths(widths)
        given: Any = activations
        if not isinstance(given, (tuple, list)):
            given = (given,) * (len(widths) - 2) + (output,)
        dtype = checks.float_dtype(dtype)
        checks.one_of(scheme, "scheme", SCHEMES)
        network = cls(widths, given, np.zeros(Layout(widths, (0,) * (len(widths) - 1)).size, dtype))
        generator = checks.generator(seed)
        theta = initial_parameters(network.kernels.layout, network.activations, scheme, generator, dtype)
        return with_parameters(network, theta)

    @classmethod
    def from_layers(cls, layers: Sequence[tuple[ArrayLike, ArrayLike | None, str | Activation]],
                    dtype: DTypeLike | None = None) -> Network:
        """The network of given weights and biases, layer by layer; they are copied.

        Parameters
        ----------
        layers : sequence of (W [n_l, n_{l−1}], b [n_l] or None, activation)
            Of the layers l = 1 … L: a^l = g^l(W^l a^{l−1} + b^l). Without b the biases are 0.
        dtype : float32 or float64, optional
            By default float32 where every array is, and float64 otherwise.

        Returns
        -------
        Network

        Raises
        ------
        ValueError, TypeError
            Where shapes do not fit each other, an entry is not finite in `dtype`, or an activation is unknown; it names the layer.

        See Also
        --------
        Network.weight, Network.bias, Network.unflatten

        Examples
        --------
        >>> import numpy as np
        >>> from engine import Network
        >>> network = Network.from_layers([(np.ones((3, 2)), None, "relu"), ([[1.0, 1.0, 1.0]], [0.5], "identity")])
        >>> network([1.0, 2.0])
        array([9.5])
        """
        widths, activations, theta = network_checks.layers(layers, dtype)
        return cls(widths, activations, theta)

    @property
    def activations(self) -> tuple[Activation, ...]:
        """(g^1, …, g^L), each an Activation."""
        return self._activations

    def replace(self, parameters: ArrayLike) -> Network:
        """The network with other parameters [P], in its own dtype.

        Raises
        ------
        ValueError
            Where the shape is not [P] or an entry is not finite.
        """
        parameters = checks.vector(parameters, self.size, self.dtype, "parameters", "one number for each of θ")
        return with_parameters(self, np.array(parameters))

    def astype(self, dtype: DTypeLike) -> Network:
        """The network with θ rounded to another dtype, in which it then computes; itself where it has that dtype.

        Parameters
        ----------
        dtype : float32 or float64

        Returns
        -------
        Network

        Raises
        ------
        TypeError
            Where the dtype is another one.
        ValueError
            Where a number of θ is too large for it.

        Examples
        --------
        >>> import numpy as np
        >>> from engine import Network
        >>> Network.initialize((2, 3, 1), "tanh").astype(np.float32)
        Network(2-3-1, (tanh, identity), float32, P = 13)
        """
        found = checks.float_dtype(dtype)
        return self if found == self.dtype else with_parameters(self, checks.cast(self.kernels.theta, found, "parameters"))

    def _at(self, theta: Array) -> Network:
        """The network with θ [P], which was checked before and is not copied: `replace` checks and copies."""
        made = object.__new__(Network)
        made._widths, made._activations = self._widths, self._activations
        made._own(self.kernels.at(theta))
        return made

    def __call__(self, X: ArrayLike) -> Array:
        """Predictions a^L (eq. 1–2).

        Parameters
        ----------
        X : array_like [m, n_0] or [n_0]
            Samples, or one; cast to the network's dtype.

        Returns
        -------
        ndarray [m, n] or [n]

        Raises
        ------
        ValueError, TypeError
            Where X has another shape, is not real, or holds NaN or an infinity.
        """
        X = checks.real_array(X, "X")
        if X.ndim == 1:
            return self(X[None])[0]
        X = checks.samples(X, self._widths[0], self.dtype)
        kernels = self.kernels
        if not kernels.built_in:
            return self.forward(X).outputs
        out = np.empty((len(X), self._widths[-1]), self.dtype)
        panels = -(-len(X) // (LINE // self.dtype.itemsize))
        lanes = LINE // self.dtype.itemsize
        workspaces = thread_workspaces(min(GROUP, max(1, panels)) * lanes * kernels.layout.stack_lines + lanes * lanes, self.dtype)
        over(panels, len(X) * kernels.layout.sample_work, predict, kernels.theta, kernels.plan, X, NO_INDICES, out, workspaces)
        return out

    def forward(self, X: ArrayLike) -> ForwardPass:
        """The forward pass of X [m, n_0], with everything it computed on the way: a ForwardPass (eq. 1–6)."""
        from .forward import ForwardPass

        return ForwardPass(self, X)

    def jacobian(self, X: ArrayLike) -> Jacobian:
        """D_θ A at X [m, n_0]: a Jacobian, a SciPy LinearOperator of shape (m n, P) (eq. 7–10, 19)."""
        from .operators.jacobian import Jacobian

        return Jacobian(self, X)

    def jet(self, X: ArrayLike, second: str | None = None) -> NetworkJet:
        """The value and its derivatives in the inputs at X [m, n_0]: a NetworkJet, `second` None, "laplacian", "diagonal" or "full"
        (eq. 22 and 23)."""
        from .jets.network_jet import NetworkJet

        return NetworkJet(self, X, second)

    def save(self, path: Path) -> None:
        """Write the network to an .npz file, never pickled, for `engine.load` to read.

        The file is written beside `path` and moved there once it is whole: after a failure of any kind `path` still holds what it
        held before. A symbolic link stays one.

        Raises
        ------
        ValueError
            Where an activation is a user's own: a file cannot hold a function.
        OSError
            Where the folder does not exist or cannot be written to, or the disk is full.
        """
        saved_network.write(path, self._widths, checks.savable_activations(self._activations), self.kernels.theta)

    def __reduce__(self) -> tuple[Any, ...]:
        given = [activation.label if activation.code >= 0 else activation for activation in self._activations]
        return Network, (self._widths, given, self.kernels.theta)

    def __repr__(self) -> str:
        names = ", ".join(activation.label for activation in self._activations)
        return f"Network({'-'.join(map(str, self._widths))}, ({names}), {self.dtype}, P = {self.size})"

    def _repr_html_(self) -> str:
        rows = [(l, width, activation.label, width * (before + 1))
                for l, (before, width, activation) in enumerate(zip(self._widths, self._widths[1:], self._activations), 1)]
        return html_table(("layer", "width", "activation", "parameters"), rows, repr(self))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Network):
            return NotImplemented
        return self._settings() == other._settings() and np.array_equal(self._parameters, other._parameters)

    def __hash__(self) -> int:
        return hash((self._settings(), *self._parameters[::max(1, self.size // 8)].tolist()))

    def _settings(self) -> tuple[Any, ...]:
        return self._widths, self._activations, self.dtype


def with_parameters(network: Network, theta: Array) -> Network:
    """The network with θ [P], which was checked before and is not copied: `Network.replace` checks and copies."""
    return network._at(theta)


def load(path: Path) -> Network:
    """Read a network that `Network.save` wrote.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        Where the file holds no such network, or is cut or damaged; it names the file and what is wrong with it. A file that
        promises more than its widths say is refused before any memory is given to it.
    FileNotFoundError, PermissionError, IsADirectoryError
        As `open` raises them.

    See Also
    --------
    Network.save : Write the file.

    Examples
    --------
    >>> import tempfile, os, engine
    >>> path = os.path.join(tempfile.mkdtemp(), "network.npz")
    >>> engine.Network.initialize((2, 3, 1), "tanh").save(path)
    >>> engine.load(path).widths
    (2, 3, 1)
    """
    return saved_network.read(path, Network)
