"""What is done with two assemblies: the report, its verdict, its files. Imported while the synths run."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from products import ManifestError, load
from slipway_cli.review import forbidden, schemas
from slipway_cli.review.access import actions
from slipway_cli.review.asked import Asked
from slipway_cli.review.assembly import Assembly
from slipway_cli.review.compare import compare, shaped
from slipway_cli.review.errors import ReviewError
from slipway_cli.review.forbidden import Verdict
from slipway_cli.review.html.page import Sides, write_page
from slipway_cli.review.markdown import markdown, parts, plain
from slipway_cli.review.model import Report, Section
from slipway_cli.review.sections import completed


def forbids(product: str) -> set[str]:
    """What the working tree's manifest forbids; on the way, what every comparison reads is read.

    Raises:
        ReviewError: if something is wrong with the manifest.
    """
    try:
        rules: set[str] = set(load(product).review.forbid)
    except ManifestError as error:
        raise ReviewError(str(error)) from None
    schemas.warm()
    actions.everything()
    return rules


def finished(asked: Asked, before: Assembly, after: Assembly, forbid: set[str]) -> Verdict:
    """Everything from two assemblies to the written files."""
    report = _compared(asked, before, after)
    allowed = forbidden.by_labels(asked.labels.split(","))
    if asked.base:
        forbid = forbid | forbidden.rules_at(asked.base, asked.product)
    if asked.base and asked.trailers:
        allowed |= forbidden.by_trailers(asked.base)
    verdict = forbidden.judge(report, forbid=forbid, allowed=allowed)
    _write(asked, report, Sides(before, after), verdict)
    return verdict


def _compared(asked: Asked, before: Assembly, after: Assembly) -> Report:
    sections = [_deployed(after, asked.product)] if asked.deployed else []
    base = asked.base or str(asked.before)
    report = compare(before, after, product=asked.product, base=base, sections=sections)
    with shaped("costs and diagrams"):
        return completed(report, before, after)


def _deployed(after: Assembly, product: str) -> Section:
    """What differs from what is deployed, which the base need not be."""
    from slipway_cli.review.deployed import deployed  # noqa: PLC0415 - boto3 takes longer to import than the rest to run

    there, unread = deployed(after)
    here = replace(after, stacks=tuple(it for it in after.stacks if it.name not in unread))
    report = compare(there, here, product=product, base="what is deployed")
    text = "\n".join([*(f"> ⚠ {it}.\n" for it in unread.values()), *parts(report)])
    return Section(f"Compared with what is deployed: {plain(report.headline)}", text)


def _write(asked: Asked, report: Report, sides: Sides, verdict: Verdict) -> None:
    folder: Path = asked.output
    folder.mkdir(parents=True, exist_ok=True)
    whole = markdown(report, verdict=verdict, limit=sys.maxsize)
    comment = markdown(report, verdict=verdict, full=asked.full or f"`{folder / 'report.md'}`")
    with shaped("the page"):
        write_page(folder / "report.html", report, sides, verdict)
    (folder / "report.md").write_text(whole, encoding="utf-8")
    (folder / "comment.md").write_text(comment, encoding="utf-8")  # the last, since CI takes it for the whole
    print(whole, end="")  # noqa: T201 - the report
    if verdict.forbidden:
        print(forbidden.said(verdict), file=sys.stderr)  # noqa: T201 - why it fails
