"""Optional packages: imported on demand, with an error that says how to install a missing one."""

from __future__ import annotations

import importlib
from typing import Any

EXTRAS = {"sklearn": ("scikit-learn", "demo"), "matplotlib": ("matplotlib", "demo"), "pandas": ("pandas", "demo"),
          "openpyxl": ("openpyxl", "tables"), "pyarrow": ("pyarrow", "tables"),
          "distributed": ("distributed", "distributed"), "dask.config": ("distributed", "distributed"),
          "torch": ("torch", "interop"), "jax": ("jax", "interop"), "onnx": ("onnx", "interop"),
          "safetensors": ("safetensors", "interop"), "safetensors.numpy": ("safetensors", "interop"),
          "dp_accounting": ("dp-accounting", "private")}


def imported(module: str, purpose: str) -> Any:
    """An optional package's module, or a ModuleNotFoundError that says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        package, extra = EXTRAS[module]
        raise ModuleNotFoundError(f'{purpose} needs {package}: python -m pip install "gammachain[{extra}]"') from None
