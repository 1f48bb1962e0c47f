"""The command `gammachain`, also `python -m gammachain`: it says so where a user's own `engine` hides the one that it starts."""

import importlib.util
import os
import sys


def main() -> int:
    """Run the command; its exit status."""
    found = importlib.util.find_spec("engine")  # which executes nothing
    if found is not None and found.origin is not None:
        beside = os.path.dirname(os.path.realpath(__file__))
        if os.path.dirname(os.path.dirname(os.path.realpath(found.origin))) != beside:
            sys.exit(f"gammachain: {found.origin} hides the package engine that gammachain is installed with, in {beside}. Rename "
                     "it, or take its folder off PYTHONPATH; `python -P -m gammachain` does not look in the folder you are in")
    from engine.command.command_line import console

    return console()


if __name__ == "__main__":
    sys.exit(main())
