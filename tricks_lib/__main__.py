"""Run `python -m tricks_lib --help`."""

import sys

from .lab.cli import main

sys.exit(main())
