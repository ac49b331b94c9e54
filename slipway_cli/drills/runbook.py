"""The runbook's own commands, as an operator would copy them: what is rehearsed is what is written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from localcloud.settings import Settings
from paths import ROOT
from products import names

PAGE = ROOT / "docs" / "runbook.md"
_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


class RunbookError(Exception):
    """The runbook does not say what a drill wants to do by it."""


def anchor(heading: str) -> str:
    """The address of a heading in the page, as GitHub forms it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def section(heading: str, page: Path = PAGE) -> str:
    """What stands under a heading, up to the next one.

    Raises:
        RunbookError: if there is no such heading.
    """
    text = page.read_text(encoding="utf-8")
    found = re.search(
        rf"^(#+) {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", _without_comments(text), re.MULTILINE | re.DOTALL
    )
    if found is None:
        raise RunbookError(f"{page} has no heading '{heading}'")
    return found[2].replace("\0", "#")


def blocks(heading: str, page: Path = PAGE) -> list[str]:
    """The shell commands under a heading, block by block."""
    return [str(block) for block in _BLOCK.findall(section(heading, page))]


def preamble(environment: str, product: str, page: Path = PAGE) -> str:
    """The definitions that all commands share, for an environment and a product."""
    first, plain = str(_BLOCK.findall(page.read_text(encoding="utf-8"))[0]), "E=production P=allthrive;"
    if plain not in first:
        raise RunbookError(f"{page} does not begin with '{plain}'")
    pipeline = next((block for block in blocks("Tasks", page) if block.startswith("PIPELINE=")), "")
    stage = pipeline.replace("PIPELINE=allthrive-", f"PIPELINE={product}-").replace(
        "STAGE=Production", f"STAGE={names.pascal(environment)}"
    )
    return first.replace(plain, f"E={environment} P={product};") + stage


def _path() -> str:
    """The path of a shell in which `slipway` is this one."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def _without_comments(text: str) -> str:
    """The page with `#` of shell comments hidden: they are no headings."""
    return re.sub(r"```.*?```", lambda block: block[0].replace("#", "\0"), text, flags=re.DOTALL)


@dataclass(frozen=True)
class Shell:
    """The shell of an operator at the local cloud."""

    settings: Settings
    environment: str
    product: str

    def run(self, script: str, seconds: float = 900) -> subprocess.CompletedProcess[str]:
        """Run commands after `source .slipway/local.env` and the runbook's definitions."""
        lines = [f"source '{self.settings.state}/local.env'", preamble(self.environment, self.product), script]
        return subprocess.run(  # noqa: S603 - the runbook's own words
            ["bash", "-c", "\n".join(lines)],  # noqa: S607 - the operator's bash
            cwd=ROOT,
            env={**os.environ, **self.settings.environment(), "AWS_PAGER": "", "PAGER": "", "PATH": _path()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
