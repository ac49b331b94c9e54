"""Runs the command line of `python -m pipeline`."""

import sys

from pipeline.run import main

sys.exit(main())
