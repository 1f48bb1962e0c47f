"""Refusals of torch modules: each names the layer by torch's path, as in ``2.1: Softmax``, and what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..extras import imported
from ..typing import DType
from . import checks

if TYPE_CHECKING:
    from .torch_layers import Layer

LOGITS = "leave it out, for the loss takes logits: Cost('softmax_cross_entropy')"
WHOLE = "build it again as an nn.Sequential of its layers, in the order in which forward calls them"
REMEDIES = {
    "Softmax": f"it is no function of one number; {LOGITS}", "LogSoftmax": f"it is no function of one number; {LOGITS}",
    "Softmin": "it is no function of one number", "Softmax2d": f"it is no function of one number; {LOGITS}",
    "PReLU": "its slope is a parameter; where it may stay what it is, put nn.LeakyReLU(slope) in its place",
    "RReLU": "in eval it is nn.LeakyReLU((lower + upper) / 2); put that in its place",
    "LayerNorm": "it takes the mean over a sample's neurons, which no layer of a Network does",
    "BatchNorm2d": "a Network has no channels", "Bilinear": "a Network's layers have one input",
    "LazyLinear": "it has no weights yet; call the module once", "OptimizedModule": "give what torch.compile was given",
    "DataParallel": "give its .module", "DistributedDataParallel": "give its .module",
    "RecursiveScriptModule": WHOLE, "ModuleList": "an nn.Sequential says in what order layers are called; nn.Sequential(*layers)",
    "Unflatten": "a sample of a Network is a vector"}
HOOKS = ("_forward_hooks", "_forward_pre_hooks")
READ = "nn.Linear and the activations, nn.Dropout, nn.Identity, nn.BatchNorm1d and a leading nn.Flatten are read"


def refuse(path: str, part: Any, problem: str, error: type[Exception] = ValueError) -> NoReturn:
    """Raise `error` for a `problem` of the layer `part` that stands at `path`."""
    place = f"{path}: " if path else ""
    raise error(f"module cannot become a Network: {place}{type(part).__name__}: {problem}") from None


def plain_module(path: str, part: Any, nn: Any, above: tuple[int, ...]) -> None:
    """Refuse what is no module, and a module whose call does more than its class says."""
    if not isinstance(part, nn.Module):
        if path:
            refuse(path, part, "it is no nn.Module")
        checks.no_mapping("module", "a torch.nn.Linear, or an nn.Sequential of them and of activations", part)
    if type(part).__name__ in REMEDIES:
        unknown(path, part)
    if id(part) in above:
        refuse(path, part, "it stands within itself")
    if any(vars(part).get(name) for name in HOOKS):
        refuse(path, part, "it has a forward hook, which a Network would not call; remove the hook first (where a function of "
               "torch.nn.utils made it, by its counterpart: prune.remove, remove_weight_norm)")
    if "forward" in vars(part) and type(part).__module__.startswith("torch.nn.modules"):
        refuse(path, part, f"its forward was replaced; {WHOLE}")


def unknown(path: str, part: Any) -> NoReturn:
    """Refuse a layer of a class that is not read."""
    name = type(part).__name__
    if name in REMEDIES:
        refuse(path, part, REMEDIES[name])
    if name.startswith("Parametrized"):
        refuse(path, part, "its parameters are computed by a parametrization; make them plain first: "
               "torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight')")
    if type(part).__module__.startswith("torch.nn.modules"):
        refuse(path, part, f"it is not among what a Network has; {READ}")
    refuse(path, part, f"it is of a class whose forward may be any code; {WHOLE}")


def some_layers(layers: list[Layer]) -> None:
    """Refuse a module without a Linear."""
    if not layers:
        raise ValueError("module must hold at least one nn.Linear, but holds none")


def one_activation(path: str, part: Any, layer: Layer | None) -> None:
    """Refuse an activation that follows no Linear."""
    if layer is None:
        refuse(path, part, "no Linear stands before it; a Network's layers are Linear, then an activation. Apply it to X instead")
    if layer.activation is not None:
        refuse(path, part, f"it follows the activation {layer.activation_path}, with no Linear between them; an engine.Activation "
               "of your own can be both (Network.from_layers)")


def softplus_threshold(path: str, part: Any) -> None:
    """Refuse a Softplus that leaves log(1 + e^z) visibly."""
    if not part.threshold >= 20:
        refuse(path, part, f"above threshold={part.threshold} it is z, not log(1 + exp(z)); give it torch's own "
               "threshold=20, or more")


def flatten(path: str, part: Any, leading: bool) -> None:
    """Refuse a Flatten but of a whole sample, before the first Linear."""
    if part.start_dim != 1 or part.end_dim != -1:
        refuse(path, part, f"start_dim={part.start_dim} and end_dim={part.end_dim} leave more than a vector of a sample; flatten X "
               "itself")
    if not leading:
        refuse(path, part, "a Linear stands before it; a Network takes samples [m, n_0] that are flat from the start: flatten "
               "first")


def batch_norm(path: str, part: Any, layer: Layer | None) -> None:
    """Refuse a BatchNorm1d that cannot be folded into the Linear before it."""
    if part.running_mean is None or part.running_var is None:
        refuse(path, part, "it has no running statistics (track_running_stats=False), so that a sample's outputs depend on its "
               "batch; train it with track_running_stats=True")
    if layer is None or layer.activation is not None:
        refuse(path, part, "it is folded into the Linear before it, but "
               + ("there is none" if layer is None else f"the activation {layer.activation_path} stands between")
               + "; put it after a Linear, or scale X and the next Linear's weights by hand")


def batch_norm_fits(path: str, part: Any, layer: Layer, mean: NDArray[Any], variance: NDArray[Any], eps: float) -> None:
    """Refuse running statistics of another width than the Linear's, or without a square root."""
    width = len(layer.weight)
    if mean.shape != (width,) or variance.shape != (width,):
        refuse(path, part, f"it has {mean.size} features, but the Linear {layer.path} gives {width}")
    if not (variance + eps > 0).all():
        refuse(path, part, f"running_var + eps must be above 0, but is {np.min(variance + eps)} somewhere")


@contextlib.contextmanager
def at(path: str, part: Any) -> Iterator[None]:
    """Say of a ValueError, such as of a parameter out of range, at which layer it arose."""
    try:
        yield
    except (ValueError, TypeError) as error:
        refuse(path, part, str(error), type(error))


class Parameters:
    """The parameters of a module's layers as arrays.

    Parameters
    ----------
    dtype : dtype or None
        What the network will have; None where it keeps that of the parameters.
    """

    def __init__(self, dtype: DType | None) -> None:
        self.dtype = dtype
        self._places: dict[int, str] = {}

    def array(self, path: str, part: Any, name: str) -> NDArray[Any] | None:
        """A parameter or buffer as an array [...] of float32 or float64; None where the layer has none.

        One that two layers share is refused: θ has a place for each.
        """
        torch = imported("torch", "engine.interop.torch")
        stored = {**vars(part)["_parameters"], **vars(part)["_buffers"]}
        found = stored.get(name)
        if found is None:
            return None
        called = f"{path}.{name}" if path else name
        if type(found) not in (torch.nn.Parameter, torch.Tensor, torch.nn.Buffer):
            refuse(path, part, f"its {name} is of class {type(found).__name__}, not a plain tensor", TypeError)
        if id(found) in self._places:
            refuse(path, part, f"its {name} is {self._places[id(found)]} too, but θ has a place of its own for each layer; copy "
                   "one of them first (copy.deepcopy)")
        self._places[id(found)] = called
        if found.device.type == "meta" or found.layout != torch.strided:
            refuse(path, part, f"its {name} holds no numbers, for it is on the device {found.device} with layout {found.layout}")
        if not found.dtype.is_floating_point:
            refuse(path, part, f"its {name} has dtype {found.dtype}; cast the module first: module.double()", TypeError)
        if found.dtype in (torch.float32, torch.float64):
            return np.array(found.detach().cpu().numpy())
        if self.dtype is None:
            refuse(path, part, f"its {name} has dtype {found.dtype}; say in which a Network shall compute: dtype=np.float32",
                   TypeError)
        return np.array(found.detach().cpu().to(torch.float64).numpy())
