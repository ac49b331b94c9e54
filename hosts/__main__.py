"""Runs the host's program: CDK packs this folder as a zip file, and `python3 <zip>` starts here."""

from __future__ import annotations

import sys

from slipway_host.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
