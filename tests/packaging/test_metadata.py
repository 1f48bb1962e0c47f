"""What pyproject.toml says of the distribution agrees with the code and with the files that are there."""

import importlib
import pathlib
import re
import tomllib

import pytest

import engine

ROOT = pathlib.Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = SETTINGS["project"]


def test_the_version_is_the_engines():
    assert PROJECT["version"] == engine.__version__
    assert f"## {engine.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_licence_is_spdx():
    assert PROJECT["license"] == "BSD-3-Clause" and "BSD 3-Clause" in (ROOT / "LICENSE").read_text()
    assert all((ROOT / name).is_file() for name in PROJECT["license-files"])
    assert not any(one.startswith("License ::") for one in PROJECT["classifiers"])  # forbidden beside an SPDX expression


def test_the_pythons_are_those_that_are_required():
    named = sorted(int(one.rpartition(".")[2]) for one in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", one))
    assert named == list(range(named[0], named[-1] + 1)) and PROJECT["requires-python"] == f">=3.{named[0]}"
    numba, = [one for one in PROJECT["dependencies"] if one.startswith("numba")]
    assert "," in numba and "<" in numba  # a Numba that was never tried is not installed


def test_the_commands_are_there():
    for target in PROJECT["scripts"].values():
        module, _, name = target.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize("target", ["wheel", "sdist"])
def test_what_is_packed_is_there(target):
    packed = SETTINGS["tool"]["hatch"]["build"]["targets"][target]["include"]
    assert {"/engine", "/schedulers", "/gammachain.py"} <= set(packed)
    for name in ("engine", "schedulers"):
        assert (ROOT / name / "py.typed").is_file()


def test_links_lead_to_one_place():
    assert len({"/".join(link.split("/")[:5]) for link in PROJECT["urls"].values()}) == 1
