"""The browser of this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """A headless Chromium, closed after the tests; without one, a test is skipped."""
    program = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium: set CHROMIUM_PATH")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *flags])
        yield launched
        launched.close()
