"""A user's own file or folder that has the name of one of our packages is named, with the remedy, before all else."""

import os
import pathlib
import subprocess
import sys

import pytest

import gammachain

ROOT = pathlib.Path(__file__).parents[2]


def run(folder, *arguments):
    """Python in a folder, with our packages on its path as an editable install has them."""
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=100,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.mark.parametrize("name", ["schedulers.py", "schedulers/__init__.py"])
def test_a_users_own_schedulers_is_named(tmp_path, name):
    mine = tmp_path / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("print('executed')")
    (tmp_path / "script.py").write_text("import engine")
    for arguments in (["script.py"], ["-c", "import engine"], ["-m", "engine", "info"]):
        done = run(tmp_path, *arguments)
        assert done.returncode == 1 and done.stdout == ""
        last = done.stderr.strip().splitlines()[-1]
        assert last.startswith("ImportError: the engine needs the package schedulers that is installed with it")
        assert f"{mine} has the same name" in last and f"Rename {mine}" in last and str(ROOT) in last


def test_a_script_of_that_name_that_imports_the_engine(tmp_path):
    (tmp_path / "schedulers.py").write_text("import engine")
    done = run(tmp_path, "schedulers.py")
    assert done.returncode == 1 and f"Rename {tmp_path / 'schedulers.py'}" in done.stderr


def test_a_folder_that_is_no_package_hides_nothing(tmp_path):
    for name in ("schedulers", "engine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").touch()
    (tmp_path / "script.py").write_text("import engine.hidden, gammachain; print(engine.__version__)")
    done = run(tmp_path, "script.py")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["engine.py", "engine/__init__.py"])
def test_the_command_names_a_users_own_engine(tmp_path, name):
    mine = tmp_path / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("print('executed')")
    done = run(tmp_path, "-m", "gammachain", "info")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(f"gammachain: {mine} hides the package engine") and "Rename it" in done.stderr
    assert run(tmp_path, "-P", "-m", "gammachain", "--help").returncode == 0  # which the message recommends


def test_the_command_starts_the_engines(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gammachain", "--help"])
    with pytest.raises(SystemExit) as ended:
        gammachain.main()
    assert ended.value.code == 0 and "train" in capsys.readouterr().out
