"""One word for each thing: names that the glossary retired do not come back."""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
FOLDERS = ("engine", "schedulers", "asv_benches/benchmarks", "asv_benches/peers")  # asv_benches/env holds other people's code
FILES = sorted([path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")] + list((ROOT / "asv_benches").glob("*.py")))
RETIRED = {"room": "workspace", "rooms": "workspaces", "road_back": "backward_weights", "back": "backward_weights",
           "turn_over": "transpose_weights", "turned": "a name that says what was done", "any_turned": "any_transposed",
           "step_back": "weights_back", "truths": "targets", "d_stride": "stride", "d_place": "offset", "d_at": "offset",
           "some": "count", "held": "count, kept or filled", "gone": "written", "bent": "a name that says what it holds",
           "_removed": "_rank_one", "_joined": "_user_hessian", "_added": "_diagonal"}
SIZES = re.compile(r"\w+_numbers$")  # of functions: how many numbers a workspace takes is its size


def names(tree):
    """Every name that a file gives or uses, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name, node.lineno


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_retired_name_comes_back(path):
    for name, line in names(ast.parse(path.read_text())):
        assert name not in RETIRED, f"{path.name}:{line}: say {RETIRED[name]}, not {name} (docs/glossary.md)"


def test_a_workspace_has_a_size():
    for path in (ROOT / "engine" / "kernels").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            assert not (isinstance(node, ast.FunctionDef) and SIZES.match(node.name)), f"{path.name}: {node.name}"


def test_the_glossary_names_what_is_retired():
    text = (ROOT / "docs" / "glossary.md").read_text()
    for name in ("room", "road_back", "turn_over", "step_back", "truths", "d_stride", "some", "held"):
        assert re.search(rf"\b{name}\b", text), name
    for name in re.findall(r"^\| ((?:`\w+`(?:, )?)+)", text, re.M):
        for word in re.findall(r"`(\w+)`", name):
            assert word not in RETIRED, word


def test_a_retired_name_is_found():
    assert dict(names(ast.parse("def f(room):\n    x.back = some"))).keys() >= {"room", "back", "some", "f"}
