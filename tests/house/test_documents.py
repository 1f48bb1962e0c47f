"""The examples of the README and of docs/ and the example scripts run, and say what they promise."""

import ast
import importlib.util
import pathlib
import re
import types

import pytest

import engine
import engine.distributed
import engine.plot
import schedulers

ROOT = pathlib.Path(__file__).parents[2]


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = sorted(path for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")] if "```python\n" in path.read_text())
PARTNERS = {"engine.interop.torch": "torch", "engine.interop.jax": "jax", "engine.interop.onnx": "onnx",
            "engine.interop.safetensors": "safetensors", "engine.interop.sklearn": "sklearn", "engine.distributed": "distributed"}


def needed(code):
    """The packages that a page's examples import, those of its partners among them."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module]
            modules += [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            yield from (PARTNERS.get(module, module.split(".")[0]) for module in modules)


@pytest.mark.compiled
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_pages_examples_run(page, tmp_path, monkeypatch):
    """One after another, as a reader would run them, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.S)
    for package in dict.fromkeys(package for block in blocks for package in needed(block)):
        pytest.importorskip(package)
    space = {"__name__": "__main__"}
    for block in blocks:
        exec(compile(block, page.name, "exec"), space)


def test_a_page_names_its_packages():
    code = "from engine.interop import onnx\nimport torch.nn as nn\nfrom engine import fit"
    assert set(needed(code)) == {"engine", "onnx", "torch"}


def test_the_readme_is_short_and_its_figures_are_the_tables():
    text, table = (ROOT / "README.md").read_text(), (ROOT / "docs" / "performance.md").read_text().replace("*", "")
    assert len(text.splitlines()) <= 150
    rows = re.findall(r"^\| .* \| ([\d.]+|–) \| ([\d.]+|–) \|$", text, re.M)
    assert len(rows) == 5
    for pair in rows:
        assert "–" in pair or " / ".join(pair) in table, pair


def test_links_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", re.sub(r"```.*?```", "", page.read_text(), flags=re.S)):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_has_both_commands():
    text = (ROOT / "README.md").read_text()
    for command in ('python -m pip install -e ".[demo]" && python -m engine train digits',
                    'python -m pip install -e ".[test]" && python -m pytest -n 2'):
        assert command in text and command.split(" && ")[0] in (ROOT / ".ci" / "run").read_text()


@pytest.mark.compiled
def test_levenberg_marquardt_is_ahead_of_adam(tmp_path):
    last, rows = script("levenberg_marquardt").main(m=200, steps=(60, 300), picture=tmp_path / "both.png", names=("SIN",))
    assert last["Levenberg–Marquardt"] < 1e-3 * last["Adam"] and (tmp_path / "both.png").stat().st_size > 0
    assert rows[0][2] >= 29 and rows[0][3] < rows[1][3]


@pytest.mark.compiled
def test_a_sweep_finds_settings_for_digits(tmp_path):
    sweep, few = script("sweep"), {"width": [8, 16], "rate": [0.001, 0.1], "seed": [0]}
    results = [sweep.main(tmp_path / "digits.sqlite", 3, few, tmp_path / "both.png", "threads", False) for _ in range(2)]
    assert results[0].rows == results[1].rows and results[0].best("accuracy", largest=True)["accuracy"] > 0.9
    assert results[0].best("accuracy")["rate"] == 0.001 and (tmp_path / "both.png").stat().st_size > 0


@pytest.mark.compiled
def test_optuna_prunes_through_a_callback():
    pytest.importorskip("optuna")
    study = script("optuna_pruning").main(trials=12, epochs=6)
    assert study.best_value < 0.5 and sum(len(trial.intermediate_values) for trial in study.trials) < 12 * 6


def test_every_equation_has_its_place_in_the_mathematics():
    text = (ROOT / "docs" / "mathematics.md").read_text()
    assert re.findall(r"^\*\*(\d+)\.\*\*", text, re.M) == [str(i) for i in range(1, 26)]


def test_the_reference_lists_every_public_name():
    listed = set()
    for page in (ROOT / "docs" / "reference").glob("*.rst"):
        module = ""
        for line in page.read_text().splitlines():
            module = line.split("::")[1].strip() if line.startswith(".. currentmodule::") else module
            if re.fullmatch(r"   [A-Za-z_.]+", line):
                listed.add(f"{module}.{line.strip()}")
    for package in (engine, engine.operators, schedulers, engine.distributed, engine.plot):
        for name in package.__all__:
            thing = getattr(package, name)
            if not isinstance(thing, types.ModuleType):
                known = {f"{package.__name__}.{name}", f"engine.{name}"} & listed
                assert known, f"{package.__name__}.{name} is on no page of docs/reference/"
