"""Finds the findings that a manifest forbids, and the exceptions that somebody allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from paths import ROOT
from slipway_cli.review.errors import ReviewError
from slipway_cli.review.model import Finding, Report
from slipway_cli.review.rules import RULES
from slipway_cli.review.synths import git

LABEL = "allow:"
"""The prefix of a pull request label that allows a rule: `allow:replace-stateful`."""
TRAILER = "Allow-Change"
"""The commit trailer that allows a rule: `Allow-Change: replace-stateful, the data was copied`."""


@dataclass(frozen=True)
class Verdict:
    """The forbidden findings of a report, and the rules that somebody allowed."""

    forbidden: tuple[Finding, ...] = ()
    allowed: Mapping[str, str] = field(default_factory=dict)
    """The label or commit that allowed a rule: `label allow:broaden-iam`."""


def judge(report: Report, *, forbid: Iterable[str], allowed: Mapping[str, str]) -> Verdict:
    """Returns the findings that are forbidden, and which of the forbidden rules were allowed."""
    rules = set(forbid)
    against = [finding for finding in report.findings if finding.rule in rules]
    return Verdict(
        forbidden=tuple(finding for finding in against if finding.rule not in allowed),
        allowed={finding.rule: allowed[finding.rule] for finding in against if finding.rule in allowed},
    )


def rules_at(commit: str, product: str, root: Path = ROOT) -> frozenset[str]:
    """Returns the rules that the manifest of a commit forbids, read without the model, which may be newer.

    They apply beside the rules of the working tree, so that no change removes the rule that it violates.
    """
    try:
        data: Any = yaml.safe_load(git(root, "show", f"{commit}:products/{product}.yaml") or "")
    except yaml.YAMLError:
        return frozenset()
    section = data.get("review") if isinstance(data, dict) else None
    words = section.get("forbid") if isinstance(section, dict) else None
    return frozenset(rule for rule in RULES if rule in words) if isinstance(words, list) else frozenset()


def refusal(verdict: Verdict) -> str:
    """Returns why a change is refused, and how to allow it."""
    lines = [f"`review.forbid` of the manifest forbids {len(verdict.forbidden)} findings:"]
    lines += [f"  {finding.rule}: {finding.stack}: {finding.words}" for finding in verdict.forbidden]
    rules = sorted({finding.rule for finding in verdict.forbidden})
    lines += [f"to allow it: label {LABEL}{rule}, or a commit with `{TRAILER}: {rule}, reason`" for rule in rules]
    return "\n".join(lines)


def by_labels(labels: Iterable[str]) -> dict[str, str]:
    """Returns the rules that the labels of a pull request allow, each with its label.

    Raises:
        ReviewError: if a label has the prefix, but names no rule.
    """
    found = {}
    for label in labels:
        name = label.strip()
        if name.startswith(LABEL):
            found[_rule(name.removeprefix(LABEL), f"label '{name}'")] = f"label {name}"
    return found


def by_trailers(base: str, root: Path = ROOT) -> dict[str, str]:
    """Returns the rules that the commits since the base allow, each with its commit and reason.

    Raises:
        ReviewError: if a trailer names no rule.
    """
    log = git(root, "log", f"--format=%h%x09%(trailers:key={TRAILER},valueonly,separator=%x00)", f"{base}..HEAD") or ""
    found = {}
    for line in log.splitlines():
        commit, _, values = line.partition("\t")
        for value in filter(None, values.split("\0")):
            word, _, reason = value.partition(",")
            rule = _rule(word.strip(), f"commit {commit}, trailer '{TRAILER}: {value}'")
            found[rule] = f"commit {commit}" + (f": {reason.strip()}" if reason.strip() else "")
    return found


def _rule(word: str, where: str) -> str:
    if word not in RULES:
        raise ReviewError(f"{where}: there is no rule '{word}'; write one of: {', '.join(RULES)}")
    return word
