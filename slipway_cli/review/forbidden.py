"""Which findings a manifest forbids, and who allowed one all the same."""

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
"""What a label of a pull request begins with: `allow:replace-stateful`."""
TRAILER = "Allow-Change"
"""The trailer of a commit: `Allow-Change: replace-stateful, the data was copied`."""


@dataclass(frozen=True)
class Verdict:
    """What is forbidden in a report, and what was allowed."""

    forbidden: tuple[Finding, ...] = ()
    allowed: Mapping[str, str] = field(default_factory=dict)
    """By rule: who allowed it, `label allow:broaden-iam`."""


def judge(report: Report, *, forbid: Iterable[str], allowed: Mapping[str, str]) -> Verdict:
    """The findings that a rule forbids and nobody allowed."""
    rules = set(forbid)
    against = [it for it in report.findings if it.rule in rules]
    return Verdict(
        forbidden=tuple(it for it in against if it.rule not in allowed),
        allowed={it.rule: allowed[it.rule] for it in against if it.rule in allowed},
    )


def rules_at(commit: str, product: str, root: Path = ROOT) -> frozenset[str]:
    """What the manifest of a commit forbids, read without the model, which may be of another release.

    Its rules count beside the working tree's, so that no change takes away the rule that it breaks.
    """
    try:
        data: Any = yaml.safe_load(git(root, "show", f"{commit}:products/{product}.yaml") or "")
    except yaml.YAMLError:
        return frozenset()
    section = data.get("review") if isinstance(data, dict) else None
    words = section.get("forbid") if isinstance(section, dict) else None
    return frozenset(it for it in RULES if it in words) if isinstance(words, list) else frozenset()


def said(verdict: Verdict) -> str:
    """Why a change is refused, and how to allow it."""
    lines = [f"forbidden by `review.forbid` of the manifest: {len(verdict.forbidden)} findings"]
    lines += [f"  {it.rule}: {it.stack}: {it.words}" for it in verdict.forbidden]
    rules = sorted({it.rule for it in verdict.forbidden})
    lines += [f"if it is meant: label {LABEL}{rule}, or a commit with `{TRAILER}: {rule}, why`" for rule in rules]
    return "\n".join(lines)


def by_labels(labels: Iterable[str]) -> dict[str, str]:
    """What the labels of a pull request allow.

    Raises:
        ReviewError: if a label begins like one of ours and names no rule.
    """
    found = {}
    for label in labels:
        name = label.strip()
        if name.startswith(LABEL):
            found[_rule(name.removeprefix(LABEL), f"label '{name}'")] = f"label {name}"
    return found


def by_trailers(base: str, root: Path = ROOT) -> dict[str, str]:
    """What the commits since the base allow, each with its reason.

    Raises:
        ReviewError: if a trailer names no rule.
    """
    said = git(root, "log", f"--format=%h%x09%(trailers:key={TRAILER},valueonly,separator=%x00)", f"{base}..HEAD") or ""
    found = {}
    for line in said.splitlines():
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
