"""The command, called in this process."""

import json

from engine.__main__ import main


def run(capsys, *arguments):
    """Exit status, what was printed, what was complained of."""
    status = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def done(capsys, *arguments):
    """What is printed as JSON by a command that must not fail."""
    status, out, err = run(capsys, *arguments, "--json")
    assert status == 0, err
    return json.loads(out)


def saved(folder):
    """What run.json of a folder says."""
    return json.loads((folder / "run.json").read_text())


def write(path, text):
    """A file of some text."""
    path.write_text(text)
    return path
