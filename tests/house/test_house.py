"""The house: who may import whom, file sizes, names, where users' input is refused, what is public."""

import ast
import pathlib
import re
import sys
import tomllib

import pytest

import engine
import schedulers

ROOT = pathlib.Path(__file__).parents[2]
FILES = sorted(path for package in ("engine", "schedulers") for path in (ROOT / package).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]

# a module may import those of a lower rank, or of its own folder where it is one
RANKS = {"kernels": 0, "typing": 0, "layout": 1, "checks": 1, "object_checks": 1, "file_checks": 1.2, "files": 1.5, "archives": 1.5,
         "saved_network": 2, "cost_checks": 2, "turns": 1, "thread_choice": 1, "forks": 1, "pool": 2, "errors": 1, "hidden": 0,
         "workspace": 2.5, "helper_processes": 2.3, "configuration": 2.5, "recycled": 2,
         "extras": 1, "plot": 10.5, "activation_checks": 1.2, "activations": 2, "network_kernels": 2.5,
         "network_checks": 2, "initialization": 2.5, "layered_parameters": 2.7, "network": 3, "forward": 4,
         "loss_checks": 1.2, "loss_encodings": 3,
         "losses": 4, "reductions": 4, "blocks": 4, "cost": 5, "rows": 5.5, "backward": 6, "two_passes": 6.5, "evaluation": 6.7,
         "clipped": 6.7, "privacy_checks": 1.2, "privacy": 7,
         "operators": 7, "objective": 7.5, "verification": 7, "differences": 1,
         "residual_verification": 6.9,
         "jets": 6.6, "drawn": 5, "draw_checks": 1.2, "row_squares": 5, "dense_rows": 5, "standard_errors": 7.5,
         "batch_problem": 7, "updates": 8, "influence": 8, "posteriors": 7.5, "laplace": 8, "per_sample": 8, "history": 9,
         "callback_checks": 1.2, "penalty_checks": 1.2, "penalties": 4, "callbacks": 9,
         "gradient_moments": 8, "ggn_diagonals": 8,
         "journal": 9.1, "run_identity": 9.1, "checkpoint": 9.5, "epochs": 9, "endings": 9.5,
         "compiled_batch": 9, "preparation": 8.9, "fit_progress": 9, "compiled_run": 9.5,
         "training": 10, "distributed": 11, "interop": 11, "__init__": 12, "command": 12.5, "edges": 13, "__main__": 13}

CONTRACT = {"Activation", "Adam", "AdamW", "BayesianRegularization", "CheckpointError", "Cost", "DivergenceError", "Drawn",
            "FitResult", "ForwardPass", "GaussNewton", "GradientDescent", "Interrupted", "Jacobian", "LevenbergMarquardt", "Loss",
            "NaturalGradient", "Network", "RMSprop", "Reduction", "Residual", "check_derivatives", "collocation", "fit",
            "gradient_moments", "influence_on_cost", "influence_on_predictions", "interop", "laplace", "load", "losses",
            "objective", "operators", "per_sample_ggn_diagonals", "per_sample_gradient_norms", "per_sample_gradients",
            "projection", "reductions", "set_num_threads", "show_config", "standard_errors", "value_and_gradient"}


def imports(path, top=True):
    """(module as written, level, names) of a file's imports; of those outside functions where `top`."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level, tuple(alias.name for alias in node.names)


def test_kernels_import_only_numba_llvmlite_numpy():
    for path in (ROOT / "engine" / "kernels").rglob("*.py"):
        for module, level, _ in imports(path, top=False):
            standard = ("math", "hashlib", "pathlib", "contextlib", "collections", "enum", "functools", "fractions", "itertools",
                        "os", "ctypes", "dis", "inspect", "pickle", "stat", "threading", "time", "typing", "uuid", "warnings",
                        "grp", "pwd")
            allowed = (level == 1 or (level == 2 and module == "numba_internals" and path.parent.name == "simd")
                       or module.split(".")[0] in ("numba", "llvmlite", "numpy", *standard))
            assert allowed, f"{path.name} imports {'.' * level}{module}"


def test_numbas_insides_stay_behind_one_door():
    """Beyond its public interface Numba changes without notice: one package imports from there, and simd/ emits LLVM."""
    doors = ROOT / "engine" / "kernels" / "numba_internals", ROOT / "engine" / "kernels" / "simd"
    tests_of_doors = ROOT / "tests" / "kernels" / "test_numba_internals.py"
    for path in sorted(path for folder in ("engine", "schedulers", "tests", "asv_benches", "examples")
                       for path in (ROOT / folder).rglob("*.py") if ROOT / "asv_benches" / "env" not in path.parents):
        if path.parent in doors or path in (tests_of_doors, pathlib.Path(__file__)):
            continue
        text = path.read_text()
        assert "numba.core" not in text and "from numba import core" not in text, path
        assert not re.search(r"(import|from) llvmlite|@intrinsic|lower_builtin", text), path


def test_schedulers_import_numpy_and_the_standard_library():
    """And inside functions what a sweep uses where it is installed."""
    allowed = {"numpy", *sys.stdlib_module_names}
    for path in (ROOT / "schedulers").glob("*.py"):
        for top, partners in ((True, ()), (False, ("tqdm", "pandas", "matplotlib", "cloudpickle"))):
            for module, level, _ in imports(path, top):
                assert level == 1 or module.split(".")[0] in {*allowed, *partners}, f"{path.name}: {module}"


def test_nothing_imports_upwards():
    for path in (ROOT / "engine").rglob("*.py"):
        parts = path.relative_to(ROOT / "engine").with_suffix("").parts
        mine = parts[0]
        if mine == "kernels":
            continue
        for module, level, names in imports(path):
            if level == 0 or level < len(parts):
                continue
            targets = [module.split(".")[0]] if module else [name if name in RANKS else "__init__" for name in names]
            for target in targets:
                assert RANKS[target] < RANKS[mine] or target == mine, f"{'/'.join(parts)} imports {target}"


def test_files_hold_one_idea():
    for path in FILES + sorted((ROOT / "tests").rglob("*.py")):
        assert len(path.read_text().splitlines()) <= 400, path
        assert path.stem not in ("utils", "helpers", "misc", "core"), path


@pytest.mark.parametrize("name", NAMES)
def test_public_names_have_docstrings(name):
    tree = ast.parse((ROOT / name).read_text())
    assert ast.get_docstring(tree), name
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name}: {node.name}"


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("checks.py")])
def test_users_arguments_are_refused_in_checks_alone(name):
    for node in ast.walk(ast.parse((ROOT / name).read_text())):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            raised = getattr(node.exc.func, "id", "")
            assert raised not in ("ValueError", "TypeError", "MemoryError"), f"{name}:{node.lineno} raises {raised}"


def test_every_kernel_is_under_one_preset():
    for path in (ROOT / "engine" / "kernels").rglob("*.py"):
        text = path.read_text()
        assert path.name == "compiled.py" or "njit" not in text, path
        forbidden = r"fastmath\s*=|parallel\s*=|prange|np\.(exp|log|tanh|dot|sum|sin|cos|matmul)\(|math\.(exp|log|tanh)"
        assert not re.search(forbidden, text), path
        plain = "cache.py", "compiled.py", "linked.py", "signatures.py", "threads.py"
        if path.parent.name in ("simd", "numba_internals") or path.name in plain:
            continue
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and (path.name, node.name) != ("activations.py", "layer"):
                decorator, = node.decorator_list
                assert getattr(decorator, "id", getattr(getattr(decorator, "func", None), "id", "")) in (
                    "kernel", "inlined", "shared", "layer"), f"{path.name}: {node.name}"


def calls_through_a_module(text):
    """Lines that call what a sibling module holds by the module's name: linked.py finds the kernels that a kernel calls by name."""
    tree = ast.parse(text)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level and not node.module]
    modules = {name.asname or name.name for node in imports for name in node.names}
    return [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name) and node.func.value.id in modules]


def test_kernels_call_each_other_by_name():
    assert calls_through_a_module("from . import deltas\ndeltas.descend(1)") == [2]
    for path in (ROOT / "engine" / "kernels").glob("*.py"):
        assert not calls_through_a_module(path.read_text()), path


def test_mypy_looks_into_every_function():
    """It is strict, and whatever it is told to overlook is named."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    assert settings["strict"] is True
    assert settings["packages"] == ["engine", "schedulers"]
    for part in (settings, *settings["overrides"]):
        assert part.get("check_untyped_defs", True), part
        assert not {"ignore_errors", "follow_imports", "exclude", "exclude_gitignore"} & set(part), part
    assert all(part["module"].startswith("engine.kernels.") for part in settings["overrides"])
    assert "disable_error_code" not in settings
    for path in FILES:
        text = path.read_text()
        assert not re.search(r"type: ignore(?!\[)|# mypy:|@(typing\.)?no_type_check", text), path


def test_every_equation_is_cited_in_the_engine():
    cited = set()
    for path in FILES:
        for group in re.findall(r"eqs?\. (\d[\d ,–and]*)", path.read_text()):
            for first, last in re.findall(r"(\d+)(?:–(\d+))?", group):
                cited |= set(range(int(first), int(last or first) + 1))
    assert set(range(1, 26)) <= cited, set(range(1, 26)) - cited


def test_the_doors_are_the_contract():
    further = set(engine.updates.__all__) - {"FirstOrder", "Update", "UpdateState"}  # an update is public once it is registered
    assert set(engine.__all__) == CONTRACT | further
    assert set(schedulers.__all__) == {"BatchSchedule", "BatchStep", "SampleStep", "SweepResult", "assemble",
                                       "load_sweep", "orders", "random_settings", "rates", "slabs", "sweep"}
    for package in (engine, schedulers):
        assert all(hasattr(package, name) for name in package.__all__)


def test_the_version_is_the_distributions():
    assert f'version = "{engine.__version__}"' in (ROOT / "pyproject.toml").read_text()
