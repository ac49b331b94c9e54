"""Prints the hash of a package as npm's lock files have it: `python3 integrity.py FILE`."""

import base64
import hashlib
import sys
from pathlib import Path

print(f"sha512-{base64.b64encode(hashlib.sha512(Path(sys.argv[1]).read_bytes()).digest()).decode()}")
