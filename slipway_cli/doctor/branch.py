"""Checks that nobody can push to the branch that production is built from. GitHub's CLI asks, with your own login."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

from products.model import Repository
from slipway_cli.doctor.model import Finding, missing, ok, unknown
from slipway_cli.doctor.scene import Check, Scene

CHECK = "protection of the branch"
_SECONDS = 20
Ask = Callable[[str], Any]
"""Returns GitHub's answer to GET of a path.

Raises:
    GitHubError: if there is none.
"""


class GitHubError(Exception):
    """GitHub, or its CLI, gave no answer; the message is one sentence without a full stop."""


def with_gh(path: str) -> Any:
    """Asks GitHub through its CLI, `gh`."""
    program = shutil.which("gh")
    if program is None:
        raise GitHubError("the program gh is not installed: https://cli.github.com")
    command = [program, "api", path]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603 - no shell
    except subprocess.TimeoutExpired:
        raise GitHubError(f"gh did not answer within {_SECONDS} seconds") from None
    if done.returncode:
        raise GitHubError(" ".join(done.stderr.split())[:200] or f"gh ended with {done.returncode}")
    return json.loads(done.stdout)


def protection(repository: Repository, ask: Ask = with_gh) -> Finding:
    """Returns whether changes of the repository's branch need a pull request, by a branch rule or a ruleset."""
    place, check = f"repos/{repository.owner}/{repository.name}", f"{CHECK} {repository.branch}"
    try:
        rules = ask(f"{place}/rules/branches/{repository.branch}")
        if any(rule.get("type") == "pull_request" for rule in rules):
            return ok(check, "a ruleset requires pull requests")
        if ask(f"{place}/branches/{repository.branch}").get("protected"):
            return ok(check, "the branch is protected")
    except (GitHubError, ValueError) as error:
        return unknown(check, f"GitHub was not asked: {error}", "gh auth login")
    settings = f"https://github.com/{repository.owner}/{repository.name}/settings/rules"
    detail = "whoever may write to the repository can push to it, and so release"
    return missing(check, detail, f"open {settings}, New branch ruleset, Require a pull request before merging")


def _branch(scene: Scene) -> Iterator[Finding]:
    on_aws = ".amazonaws.com" in str(scene.client("sts").meta.endpoint_url)  # a local GitHub has no such rules
    if scene.tooling and scene.product.pipeline and on_aws:
        yield protection(scene.product.repository)


CHECKS = (Check(CHECK, _branch),)
