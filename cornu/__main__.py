"""`python -m cornu` is the `cornu` command."""

import sys

from cornu.cli import main

if __name__ == "__main__":
    sys.exit(main())
