"""python -m engine: train on a data set, write a network's Jacobian, compile ahead of time, show what the engine runs on."""

import sys

from .command.command_line import main, prepare_output

if __name__ == "__main__":
    prepare_output()
    sys.exit(main())
