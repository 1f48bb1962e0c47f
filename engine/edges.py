"""The former place of `engine.distributed` and `engine.plot`, kept so that scripts which import them from here still run."""

import sys

from . import distributed, plot
from .command.tables import data

for _name, _module in {"distributed": distributed, "plot": plot, "data": data}.items():
    sys.modules[f"{__name__}.{_name}"] = _module
