"""Renders a report as one HTML file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from slipway_cli.review.assembly import Assembly
from slipway_cli.review.cost.estimate import estimate
from slipway_cli.review.diagrams.page import drawings
from slipway_cli.review.diagrams.svg import STYLE, drawn
from slipway_cli.review.forbidden import LABEL, TRAILER, Verdict
from slipway_cli.review.html.markup import blocks, folded, listed, section, table, text, words
from slipway_cli.review.html.money import cost
from slipway_cli.review.model import Broadening, Direction, Finding, Report, ResourceChange, Severity, StackChange
from slipway_cli.review.rules import RULES
from slipway_cli.review.sections import is_added
from slipway_cli.review.words import value

_STYLE = Path(__file__).with_name("page.css")
# Nothing is loaded and no script runs, whatever the texts of a template contain.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_OPEN = 3
"""Up to this number of changed stacks, all are shown open."""


@dataclass(frozen=True)
class Sides:
    """The two assemblies of a comparison."""

    before: Assembly
    after: Assembly


def write_page(path: Path, report: Report, sides: Sides, verdict: Verdict) -> None:
    """Writes the file, and creates its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(report, sides, verdict=verdict), encoding="utf-8")


def page(report: Report, sides: Sides, *, verdict: Verdict | None = None) -> str:
    """Returns the content of the file."""
    parts = [
        _head(report),
        *(f'<div class="verdict">{words(warning[:1].upper() + warning[1:])}.</div>' for warning in report.warnings),
        *_verdict(verdict or Verdict()),
        f'<nav aria-label="Sections">{"".join(_links())}</nav><main>',
        section("findings", "Findings", _findings(report.findings)),
        section("changes", "Changes by stack", _stacks(report)),
        *(
            folded(text(section.title), blocks(section.markdown))
            for section in report.sections
            if not is_added(section)
        ),
        cost(estimate(sides.before.stacks), estimate(sides.after.stacks)),
        section("diagrams", "Diagrams", *_diagrams(sides)),
        "</main>",
        f"<footer><small>Left out: {text('; '.join(report.noise))}.</small></footer>" if report.noise else "",
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>Review: {text(report.product)} against {text(report.base)}</title>"
        f"<style>\n{_STYLE.read_text(encoding='utf-8')}{STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _head(report: Report) -> str:
    headline = f"{report.headline[:1].upper()}{report.headline[1:]}"
    product, base = f"<code>{text(report.product)}</code>", f"<code>{text(report.base)}</code>"
    return (
        f"<header><h1>{words(headline)}</h1>"
        f'<p class="soft">{product} compared with {base}; only templates were read, nothing was deployed.</p></header>'
    )


def _links() -> Iterator[str]:
    for name in ("findings", "changes", "cost", "diagrams"):
        yield f'<a href="#{name}">{name.capitalize()}</a>'


def _verdict(verdict: Verdict) -> Iterator[str]:
    for rule in sorted({finding.rule for finding in verdict.forbidden}):
        allow = (
            f"add the label <code>{text(LABEL + rule)}</code>, "
            f"or a commit with <code>{text(f'{TRAILER}: {rule}, reason')}</code>"
        )
        forbids = f"<b>The manifest forbids <code>{text(rule)}</code></b>: {text(RULES.get(rule, rule))}."
        yield f'<div class="verdict no">{forbids} To allow it, {allow}.</div>'
    for rule, who in sorted(verdict.allowed.items()):
        yield (
            f'<div class="verdict">The manifest forbids <code>{text(rule)}</code>; '
            f"allowed by <code>{text(who)}</code>.</div>"
        )


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return "<p>No data is lost, no permission grows, no network opens.</p>"
    blocks = []
    for rule, found in groupby(findings, key=lambda finding: finding.rule):
        blocks.append(f"<h3>{text(RULES.get(rule, rule)[:1].upper() + RULES.get(rule, rule)[1:])}</h3>")
        blocks.append(listed([_finding(finding) for finding in found]))
    return "".join(blocks)


def _finding(finding: Finding) -> str:
    grave = '<span class="danger">Danger:</span> ' if finding.severity is Severity.DANGER else ""
    advice = f'<br><span class="soft">{words(finding.advice)}</span>' if finding.advice else ""
    return f"{grave}<code>{text(finding.stack)}</code>: {words(finding.words)}{advice}"


def _stacks(report: Report) -> str:
    if not report.stacks:
        return "<p>No stack changes.</p>"
    return "".join(_stack(stack, opened=len(report.stacks) <= _OPEN) for stack in report.stacks)


def _stack(stack: StackChange, *, opened: bool) -> str:
    counted = ", ".join(_counted(stack)) or "parameters and outputs"
    summary = f'<b>{text(stack.name)}</b> <span class="soft">{text(stack.action.value)}: {counted}</span>'
    parts = [listed([_resource(change) for change in stack.resources])] if stack.resources else []
    if stack.broadenings:
        parts.append(
            f"<h3>Permissions and networks</h3>{listed([_broadening(broadening) for broadening in stack.broadenings])}"
        )
    if stack.others:
        rows = [
            (f"<code>{text(change.path)}</code>", text(value(change.before)), text(value(change.after)))
            for change in stack.others
        ]
        parts.append(f"<h3>Other parts of the template</h3>{table(('', 'before', 'after'), rows)}")
    return folded(summary, "".join(parts), opened=opened)


def _counted(stack: StackChange) -> Iterator[str]:
    for found, singular, many in (
        (stack.resources, "resource", "resources"),
        (stack.broadenings, "permission or network path", "permissions and network paths"),
    ):
        if found:
            yield f"{len(found)} {singular if len(found) == 1 else many}"


def _resource(change: ResourceChange) -> str:
    sentence = words(change.words)
    if not change.properties:
        return sentence
    rows = [
        (
            f"<code>{text(difference.path)}</code>",
            text(value(difference.before)),
            text(value(difference.after)),
            text(difference.because or difference.behaviour.words),
        )
        for difference in change.properties
    ]
    kind = f"<small>{text(change.type)} <code>{text(change.logical_id)}</code></small>"
    return f"{sentence}{folded(kind, table(('property', 'before', 'after', 'update'), rows))}"


def _broadening(broadening: Broadening) -> str:
    grows = broadening.direction is Direction.GROWS
    sign = (
        f'<span class="grows">{text(broadening.reach.value)} grows</span>'
        if grows
        else f"{text(broadening.reach.value)} {broadening.direction.value}"
    )
    return f"{sign}: {words(broadening.words)}"


def _diagrams(sides: Sides) -> Iterator[str]:
    """Yields all diagrams after the change, the changed ones first and with their previous version."""
    was, now = drawings(sides.before).all(), drawings(sides.after).all()
    changed = [name for name in now if was.get(name) != now[name]]
    gone = {f"before {name}": was[name] for name in changed if name in was}
    images = drawn({**{name: now[name] for name in [*changed, *(name for name in now if name not in changed)]}, **gone})
    for name in now if not images else [name for name in images if not name.startswith("before ")]:
        mark = " <b>changes</b>" if name in changed else ""
        yield _figure(f"{text(name)}{mark}", images[name])
        if f"before {name}" in images:
            yield folded(f"{text(name)} before the change", _figure("", images[f"before {name}"]))


def _figure(caption: str, image: str) -> str:
    return f'<figure><figcaption>{caption}</figcaption><div class="scroll" tabindex="0">{image}</div></figure>'
