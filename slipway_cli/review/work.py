"""Compares two assemblies, judges the report and writes its files. Imported while the synths run."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from products import ManifestError, load
from slipway_cli.review import forbidden, schemas
from slipway_cli.review.access import actions
from slipway_cli.review.assembly import Assembly
from slipway_cli.review.compare import compare, template_errors
from slipway_cli.review.errors import ReviewError
from slipway_cli.review.forbidden import Verdict
from slipway_cli.review.html.page import Sides, write_page
from slipway_cli.review.markdown import markdown, parts, plain
from slipway_cli.review.model import Report, Section
from slipway_cli.review.options import Options
from slipway_cli.review.sections import with_cost_and_diagrams


def forbids(product: str) -> set[str]:
    """Returns the rules that the working tree's manifest forbids, and preloads what each comparison needs.

    Raises:
        ReviewError: if the manifest is invalid.
    """
    try:
        rules: set[str] = set(load(product).review.forbid)
    except ManifestError as error:
        raise ReviewError(str(error)) from None
    schemas.preload()
    actions.everything()
    return rules


def finished(options: Options, before: Assembly, after: Assembly, forbid: set[str]) -> Verdict:
    """Compares two assemblies, writes the report and returns the verdict."""
    report = _compared(options, before, after)
    allowed = forbidden.by_labels(options.labels.split(","))
    if options.base:
        forbid = forbid | forbidden.rules_at(options.base, options.product)
    if options.base and options.trailers:
        allowed |= forbidden.by_trailers(options.base)
    verdict = forbidden.judge(report, forbid=forbid, allowed=allowed)
    _write(options, report, Sides(before, after), verdict)
    return verdict


def _compared(options: Options, before: Assembly, after: Assembly) -> Report:
    sections = [_deployed(after, options.product)] if options.deployed else []
    base = options.base or str(options.before)
    report = compare(before, after, product=options.product, base=base, sections=sections)
    with template_errors("costs and diagrams"):
        return with_cost_and_diagrams(report, before, after)


def _deployed(after: Assembly, product: str) -> Section:
    """Returns the comparison with the deployed stacks, which may differ from the base."""
    from slipway_cli.review.deployed import deployed  # noqa: PLC0415 - boto3 takes longer to import than the rest to run

    current, unread = deployed(after)
    wanted = replace(after, stacks=tuple(stack for stack in after.stacks if stack.name not in unread))
    report = compare(current, wanted, product=product, base="the deployed stacks")
    text = "\n".join([*(f"> ⚠ {reason}.\n" for reason in unread.values()), *parts(report)])
    return Section(f"Compared with the deployed stacks: {plain(report.headline)}", text)


def _write(options: Options, report: Report, sides: Sides, verdict: Verdict) -> None:
    folder: Path = options.output
    folder.mkdir(parents=True, exist_ok=True)
    whole = markdown(report, verdict=verdict, limit=sys.maxsize)
    comment = markdown(report, verdict=verdict, full=options.full or f"`{folder / 'report.md'}`")
    with template_errors("the page"):
        write_page(folder / "report.html", report, sides, verdict)
    (folder / "report.md").write_text(whole, encoding="utf-8")
    (folder / "comment.md").write_text(
        comment, encoding="utf-8"
    )  # written last, because CI treats its presence as success
    print(whole, end="")  # noqa: T201 - the report
    if verdict.forbidden:
        print(forbidden.refusal(verdict), file=sys.stderr)  # noqa: T201 - why it fails
