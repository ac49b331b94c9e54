"""Renders a report as a pull request comment: Markdown within GitHub's limit, findings first, details folded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from slipway_cli.review.forbidden import LABEL, TRAILER, Verdict
from slipway_cli.review.model import Action, Direction, Finding, Report, Severity, StackChange
from slipway_cli.review.words import code, property_name, value

LIMIT = 65_536
"""The most characters that GitHub accepts in a comment."""
_TITLES = {
    "deployment-fails": "The deployment would fail",
    "replace-stateful": "Data: replaced",
    "delete-stateful": "Data: deleted",
    "broaden-iam": "Broader permissions",
    "open-network": "Opened networks",
    "weaken-protection": "Weaker protection",
    "stack-removed": "Stacks removed from the app",
    "interrupt": "Interruptions",
}


def markdown(report: Report, *, verdict: Verdict | None = None, limit: int = LIMIT, full: str = "") -> str:
    """Returns the report. Over the limit, whole parts are left out, with a note on how many and where to find them."""
    kept = [*_head(report), *_verdict(verdict or Verdict())]
    blocks = list(parts(report))
    room = limit - _length("\n".join(kept)) - _length(_cut(len(blocks), full)) - 2
    for index, part in enumerate(blocks):
        room -= _length(part) + 1
        if room < 0:
            kept.append(_cut(len(blocks) - index, full))
            break
        kept.append(part)
    return "\n".join(kept) + "\n"


def mark(product: str) -> str:
    """Returns the first line of each report on a product, by which CI finds the comment that it updates."""
    return f"<!-- slipway review of {product} -->"


def _head(report: Report) -> Iterator[str]:
    yield mark(report.product)
    yield f"## {report.headline[:1].upper()}{report.headline[1:]}"
    yield ""
    yield f"{code(report.product)} compared with {code(report.base)}; only templates were read, nothing was deployed."
    yield ""
    for warning in report.warnings:
        yield f"> ⚠ {warning[:1].upper()}{warning[1:]}.\n"


def _verdict(verdict: Verdict) -> Iterator[str]:
    """Yields the forbidden and allowed rules: they come first, so that they are never cut off."""
    for rule in sorted({finding.rule for finding in verdict.forbidden}):
        number = sum(finding.rule == rule for finding in verdict.forbidden)
        findings = "1 finding" if number == 1 else f"{number} findings"
        allow = f"add the label {code(LABEL + rule)}, or a commit with {code(f'{TRAILER}: {rule}, reason')}"
        yield f"> ⛔ The manifest forbids {code(rule)}: {findings}. To allow it, {allow}.\n"
    for rule, who in sorted(verdict.allowed.items()):
        yield f"> ⚠ The manifest forbids {code(rule)}; allowed by {code(who)}.\n"


def plain(headline: str) -> str:
    """Returns a headline without Markdown emphasis."""
    return headline.replace("**", "")


def parts(report: Report) -> Iterator[str]:
    """Yields the findings, the extra sections and the stacks, as separate blocks of Markdown."""
    for rule, found in groupby(report.findings, key=lambda entry: entry.rule):
        yield f"### {_TITLES.get(rule, rule)}\n"
        for finding in found:
            yield _finding(finding)
        yield ""
    for section in report.sections:
        yield _folded(section.title, section.markdown)
    for stack in report.stacks:
        yield _stack(stack)
    if report.noise:
        yield f"\n<sub>Left out: {'; '.join(report.noise)}.</sub>"


def _finding(finding: Finding) -> str:
    grave = "❗ " if finding.severity is Severity.DANGER else ""
    advice = f" *{finding.advice[:1].upper()}{finding.advice[1:]}.*" if finding.advice else ""
    return f"- {grave}{code(finding.stack)}: {finding.words}.{advice}"


def _stack(stack: StackChange) -> str:
    added_or_removed = [
        change for change in stack.resources if change.action in (Action.ADD, Action.REMOVE) and not change.stateful
    ]
    lines = [f"- {change.words}" for change in stack.resources if not change.follows and change not in added_or_removed]
    for action, title in ((Action.ADD, "new"), (Action.REMOVE, "deleted")):
        paths = [code(change.path) for change in added_or_removed if change.action is action]
        if paths:
            lines.append(f"- {title}: {', '.join(paths)}")
    following = [code(change.path) for change in stack.resources if change.follows]
    if following:
        lines.append(f"- updated because they refer to a replaced resource: {', '.join(following)}")
    for direction, title in (
        (Direction.GROWS, "Broader access"),
        (Direction.SHIFTS, "Changed access"),
        (Direction.NARROWS, "Narrower access"),
    ):
        found = [broadening for broadening in stack.broadenings if broadening.direction is direction]
        if found:
            lines += [f"\n**{title}**\n", *(f"- {broadening.words}" for broadening in found)]
    if stack.others:
        lines += ["\n**Other parts of the template**\n"]
        lines += [
            f"- {property_name(change.path)}: {value(change.before)} → {value(change.after)}" for change in stack.others
        ]
    return _folded(f"<b>{_text(stack.name)}</b>: {_summary(stack)}", "\n".join(lines) or "Nothing else.")


def _summary(stack: StackChange) -> str:
    if stack.action is not Action.UPDATE:
        return "new stack" if stack.action is Action.ADD else "removed from the app"
    counted = [
        f"{number} {action.value}"
        for action in Action
        if (number := sum(change.action is action for change in stack.resources))
    ]
    grows = sum(broadening.direction is Direction.GROWS for broadening in stack.broadenings)
    if grows:
        counted.append(
            "1 permission or network path grows" if grows == 1 else f"{grows} permissions or network paths grow"
        )
    return ", ".join(counted) or "no resource changes"


def _folded(title: str, body: str) -> str:
    return f"\n<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _cut(parts: int, full: str) -> str:
    where = f" The whole report: {full}." if full else ""
    return f"\n> **Cut at GitHub's limit for comments: {parts} parts are missing.**{where}"


def _length(text: str) -> int:
    """Returns the length as GitHub counts it: in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def _text(name: str) -> str:
    return name.replace("&", "&amp;").replace("<", "&lt;")
