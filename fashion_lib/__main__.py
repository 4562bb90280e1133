"""python -m fashion_lib: see cli.py."""

import sys

from fashion_lib.cli import main

if __name__ == "__main__":
    sys.exit(main())
