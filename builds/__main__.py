"""Runs the command line of `python -m builds`."""

import sys

from builds.run import main

sys.exit(main())
