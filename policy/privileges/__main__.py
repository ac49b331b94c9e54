"""`python -m policy.privileges`: prints the table and writes its page."""

from __future__ import annotations

import sys

from policy.privileges.table import PAGE, lines, page

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write("\n".join(lines()) + "\n")
