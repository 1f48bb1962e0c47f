"""Networks from other libraries and for them, one partner a file: torch, jax, onnx, safetensors and sklearn.

Each is imported when it is first used, and imports its partner when that is first needed: ``import engine`` imports none of them.
What is missing is named with how to install it: ``python -m pip install "gammachain[interop]"``.
"""

import importlib
from types import ModuleType

PARTNERS = ("jax", "onnx", "safetensors", "sklearn", "torch")
__all__ = ["jax", "onnx", "safetensors", "sklearn", "torch"]  # noqa: F822, made by __getattr__


def __getattr__(name: str) -> ModuleType:
    if name in PARTNERS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; there are {', '.join(PARTNERS)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *PARTNERS})
