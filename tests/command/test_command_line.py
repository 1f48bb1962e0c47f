"""The command line itself: help, versions, suggestions."""

import os
import pathlib
import subprocess
import sys

import pytest

import engine
from engine.__main__ import main
from engine.command.command_line import PROGRAM, SUBCOMMANDS, parser

ROOT = pathlib.Path(__file__).parents[2]
NAMES = ("train", "resume", "predict", "evaluate", "jacobian", "ntk", "export", "plot", "sweep", "compile", "info")


def left(capsys, *arguments):
    """The exit status of a command that ends while its options are read, and what it said."""
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    said = capsys.readouterr()
    return end.value.code, said.out + said.err


def test_help_shows_an_example_first(capsys):
    assert tuple(parser().subcommands()) == NAMES and len(SUBCOMMANDS) == len(NAMES)
    for name in NAMES:
        status, out = left(capsys, name, "--help")
        first, second = out.splitlines()[:2]
        assert status == 0 and first.startswith("example") and second.startswith(f"  {PROGRAM} {name}"), out
        for line in parser().subcommands()[name].example.splitlines():
            parser().parse_args(line.split())
    assert left(capsys, "--help")[1].startswith(f"examples:\n  {PROGRAM} train ")


@pytest.mark.parametrize("arguments, words", [
    (["trian"], "did you mean train?"), (["train", "iris", "--epoch", "3"], "did you mean --epochs?"),
    (["train", "iris", "--activation", "tanhh"], "did you mean tanh?"), (["predict", "run"], "required: DATA"), ([], "COMMAND")])
def test_mistakes_are_one_line(capsys, arguments, words):
    status, said = left(capsys, *arguments)
    assert status == 2 and words in said and said.count("\n") == 1, said


def test_the_version_is_printed():
    found = subprocess.run([sys.executable, "-m", "gammachain", "--version"], capture_output=True, text=True,
                           env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert found.returncode == 0 and found.stdout == f"gammachain {engine.__version__}\n", found.stderr
