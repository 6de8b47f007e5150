"""Run `python -m tricks_lib --help`."""

import sys

from .cli import main

sys.exit(main())
