"""`python -m everygrain` is the command `everygrain`."""

import sys

from everygrain.cli import main

if __name__ == "__main__":
    sys.exit(main())
