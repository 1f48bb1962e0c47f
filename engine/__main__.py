"""python -m engine: the command gammachain."""

import sys

from .command.command_line import main, prepare_output

if __name__ == "__main__":
    prepare_output()
    sys.exit(main())
