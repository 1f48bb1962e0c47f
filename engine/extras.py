"""Optional packages: imported on demand, with an error that says how to install a missing one."""

import importlib

EXTRAS = {"sklearn": ("scikit-learn", "demo"), "matplotlib": ("matplotlib", "demo"), "pandas": ("pandas", "demo"),
          "distributed": ("distributed", "distributed"), "dask.config": ("distributed", "distributed")}


def imported(module, purpose):
    """An optional package's module, or an ImportError that says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        package, extra = EXTRAS[module]
        raise ImportError(f'{purpose} needs {package}: python -m pip install "gammachain[{extra}]"') from None
