"""`python -m slipway_cli`: the command `slipway` where it is not installed."""

from __future__ import annotations

import sys

from slipway_cli.main import main

sys.exit(main())
