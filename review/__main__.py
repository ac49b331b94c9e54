"""`python -m review --base main`: what a change would do, as Markdown.

Exit codes: 0 fine, 1 the manifest forbids what the change does, 2 there is no report, for bad input.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from products import ManifestError, load
from review import forbidden
from review.assembly import Assembly, read
from review.compare import compare
from review.deployed import deployed
from review.errors import ReviewError
from review.forbidden import Verdict
from review.html.page import Sides, write_page
from review.markdown import markdown, parts, plain
from review.model import Report, Section
from review.sections import completed
from review.synths import ROOT, synthesized

Options = argparse.Namespace


def main(arguments: list[str] | None = None) -> int:
    """Compare, write, and judge; the exit code is the module's."""
    options = _parser().parse_args(arguments)
    for name in ("report.md", "comment.md", "report.html"):  # an old one must not pass for this one's
        (options.output / name).unlink(missing_ok=True)
    try:
        report, verdict = _review(options)
        _write(options, report, verdict)
    except (ManifestError, ReviewError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the user reads it
        return 2
    except KeyboardInterrupt:
        return 130
    return 1 if verdict.forbidden else 0


def _review(options: Options) -> tuple[Report, Verdict]:
    forbid: set[str] = set(load(options.product).review.forbid)
    allowed = forbidden.by_labels(options.labels.split(","))
    if bool(options.before) != bool(options.after):
        raise ReviewError("--before and --after go together: two folders that `cdk synth` wrote")
    before, after = _assemblies(options)
    sections = [_deployed(after, options.product)] if options.deployed else []
    base = options.base or str(options.before)
    report = compare(before, after, product=options.product, base=base, sections=sections)
    report = completed(report, before, after)
    if options.base:
        forbid |= forbidden.rules_at(options.base, options.product)
    if options.base and options.trailers:
        allowed |= forbidden.by_trailers(options.base)
    verdict = forbidden.judge(report, forbid=forbid, allowed=allowed)
    write_page(options.output / "report.html", report, Sides(before, after), verdict)
    return report, verdict


def _assemblies(options: Options) -> tuple[Assembly, Assembly]:
    if options.before:
        return read(options.before), read(options.after)
    return synthesized(options.product, options.base)


def _deployed(after: Assembly, product: str) -> Section:
    """What differs from what is deployed, which the base need not be."""
    there, unread = deployed(after)
    here = replace(after, stacks=tuple(it for it in after.stacks if it.name not in unread))
    report = compare(there, here, product=product, base="what is deployed")
    text = "\n".join([*(f"> ⚠ {it}.\n" for it in unread.values()), *parts(report)])
    return Section(f"Compared with what is deployed: {plain(report.headline)}", text)


def _write(options: Options, report: Report, verdict: Verdict) -> None:
    folder: Path = options.output
    folder.mkdir(parents=True, exist_ok=True)
    whole = markdown(report, verdict=verdict, limit=sys.maxsize)
    (folder / "report.md").write_text(whole, encoding="utf-8")
    comment = markdown(report, verdict=verdict, full=options.full or f"`{folder / 'report.md'}`")
    (folder / "comment.md").write_text(comment, encoding="utf-8")
    print(whole, end="")  # noqa: T201 - the report
    if verdict.forbidden:
        print(forbidden.said(verdict), file=sys.stderr)  # noqa: T201 - why it fails


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m review", description=__doc__)
    parser.add_argument("--product", default="allthrive", help="a manifest of products/ (default: %(default)s)")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--base", help="branch, tag or commit to compare the working tree with")
    what.add_argument("--before", type=Path, metavar="FOLDER", help="an assembly to compare with; needs --after")
    parser.add_argument("--after", type=Path, metavar="FOLDER", help="an assembly, instead of the working tree's")
    parser.add_argument("--deployed", action="store_true", help="say too what differs from what is deployed on AWS")
    parser.add_argument("--output", type=Path, default=ROOT / ".slipway" / "review", metavar="FOLDER")
    parser.add_argument("--full", default="", metavar="TEXT", help="where the whole report is, said in a cut comment")
    parser.add_argument("--labels", default="", metavar="A,B", help="of the pull request: `allow:RULE` allows a rule")
    parser.add_argument("--trailers", action="store_true", help="heed `Allow-Change: RULE, reason` in the commits")
    return parser


if __name__ == "__main__":
    sys.exit(main())
