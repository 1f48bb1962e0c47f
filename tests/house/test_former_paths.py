"""Import paths that moved still lead to the same modules."""

import importlib

import pytest


@pytest.mark.parametrize("former, name", [("engine.edges.distributed", "engine.distributed"), ("engine.edges.plot", "engine.plot"),
                                          ("engine.edges.data", "engine.command.tables.data")])
def test_a_former_path_is_the_module_itself(former, name):
    package, _, attribute = former.rpartition(".")
    assert importlib.import_module(former) is importlib.import_module(name)
    assert getattr(importlib.import_module(package), attribute) is importlib.import_module(name)
