"""A report as one comment of a pull request: Markdown under GitHub's limit, what matters first, the rest folded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from slipway_cli.review.forbidden import LABEL, TRAILER, Verdict
from slipway_cli.review.model import Action, Direction, Finding, Report, Severity, StackChange
from slipway_cli.review.words import code, property_name, value

LIMIT = 65_536
"""Characters that GitHub takes in a comment."""
_TITLES = {
    "deployment-fails": "The deployment would fail",
    "replace-stateful": "Data: replaced",
    "delete-stateful": "Data: deleted",
    "broaden-iam": "Permissions that grow",
    "open-network": "Networks that open",
    "weaken-protection": "Protections taken back",
    "stack-removed": "Stacks that leave the app",
    "interrupt": "Interruptions",
}


def markdown(report: Report, *, verdict: Verdict | None = None, limit: int = LIMIT, full: str = "") -> str:
    """The report; over the limit it is cut between two parts, and says what is missing and where the whole is."""
    kept = [*_head(report), *_judged(verdict or Verdict())]
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
    """The first line of every report on a product: how the comment is found again and updated in place."""
    return f"<!-- slipway review of {product} -->"


def _head(report: Report) -> Iterator[str]:
    yield mark(report.product)
    yield f"## {report.headline[:1].upper()}{report.headline[1:]}"
    yield ""
    yield f"{code(report.product)} compared with {code(report.base)}, from templates alone: nothing was deployed."
    yield ""
    for warning in report.warnings:
        yield f"> ⚠ {warning[:1].upper()}{warning[1:]}.\n"


def _judged(verdict: Verdict) -> Iterator[str]:
    """What stops the change: above everything, so that no cut takes it away."""
    for rule in sorted({finding.rule for finding in verdict.forbidden}):
        number = sum(finding.rule == rule for finding in verdict.forbidden)
        findings = "1 finding" if number == 1 else f"{number} findings"
        allow = f"label {code(LABEL + rule)}, or a commit with {code(f'{TRAILER}: {rule}, why')}"
        yield f"> ⛔ The manifest forbids {code(rule)}: {findings} here. If it is meant: {allow}.\n"
    for rule, who in sorted(verdict.allowed.items()):
        yield f"> ⚠ The manifest forbids {code(rule)}; allowed by {code(who)}.\n"


def plain(headline: str) -> str:
    """A headline without its emphasis, for a place where Markdown is not read."""
    return headline.replace("**", "")


def parts(report: Report) -> Iterator[str]:
    """The findings, what other modules add, and each stack: blocks that stand alone."""
    for rule, found in groupby(report.findings, key=lambda finding: finding.rule):
        yield f"### {_TITLES.get(rule, rule)}\n"
        for it in found:
            yield _finding(it)
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
    come_and_go = [
        change for change in stack.resources if change.action in (Action.ADD, Action.REMOVE) and not change.stateful
    ]
    lines = [f"- {change.words}" for change in stack.resources if not change.follows and change not in come_and_go]
    for action, title in ((Action.ADD, "new"), (Action.REMOVE, "deleted")):
        paths = [code(change.path) for change in come_and_go if change.action is action]
        if paths:
            lines.append(f"- {title}: {', '.join(paths)}")
    following = [code(change.path) for change in stack.resources if change.follows]
    if following:
        lines.append(f"- following what is replaced: {', '.join(following)}")
    for direction, title in (
        (Direction.GROWS, "May more"),
        (Direction.SHIFTS, "May something else"),
        (Direction.NARROWS, "May less"),
    ):
        found = [broadening for broadening in stack.broadenings if broadening.direction is direction]
        if found:
            lines += [f"\n**{title}**\n", *(f"- {broadening.words}" for broadening in found)]
    if stack.others:
        lines += ["\n**Beside the resources**\n"]
        lines += [
            f"- {property_name(change.path)}: {value(change.before)} → {value(change.after)}" for change in stack.others
        ]
    return _folded(f"<b>{_text(stack.name)}</b>: {_summary(stack)}", "\n".join(lines) or "Nothing else.")


def _summary(stack: StackChange) -> str:
    if stack.action is not Action.UPDATE:
        return "new stack" if stack.action is Action.ADD else "leaves the app"
    counted = [
        f"{number} {action.value}"
        for action in Action
        if (number := sum(change.action is action for change in stack.resources))
    ]
    grows = sum(broadening.direction is Direction.GROWS for broadening in stack.broadenings)
    if grows:
        counted.append("1 right or network grows" if grows == 1 else f"{grows} rights or networks grow")
    return ", ".join(counted) or "no resource changes"


def _folded(title: str, body: str) -> str:
    return f"\n<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _cut(parts: int, full: str) -> str:
    where = f" The whole report: {full}." if full else ""
    return f"\n> **Cut at GitHub's limit for comments: {parts} parts are missing.**{where}"


def _length(text: str) -> int:
    """As GitHub's database counts, where a character outside the basic plane is two."""
    return len(text.encode("utf-16-le")) // 2


def _text(name: str) -> str:
    return name.replace("&", "&amp;").replace("<", "&lt;")
