"""Examples in docstrings that need an optional library are left out where it is not installed."""

import importlib.util
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent
NEEDED = {"engine/plot": "matplotlib", "engine/interop/torch": "torch", "engine/interop/jax": "jax", "engine/interop/onnx": "onnx",
          "engine/interop/safetensors": "safetensors", "engine/interop/sklearn": "sklearn"}
collect_ignore = [] if importlib.util.find_spec("torch") else ["engine/interop/elementwise.py"]  # whose import needs it


def pytest_collection_modifyitems(items):
    for item in items:
        path = item.path.relative_to(ROOT).as_posix() if isinstance(item, pytest.DoctestItem) else ""
        for place, library in NEEDED.items():
            if path.startswith(place) and importlib.util.find_spec(library) is None:
                item.add_marker(pytest.mark.skip(reason=f"needs {library}"))
