"""`python -m slipway_cli.review --base main`: what a change would do, as Markdown.

Exit codes: 0 fine, 1 the manifest forbids what the change does, 2 there is no report, for bad input.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from paths import ROOT
from slipway_cli.review.assembly import Assembly, read
from slipway_cli.review.errors import ReviewError
from slipway_cli.review.forbidden import by_labels
from slipway_cli.review.synths import synthesized

Options = argparse.Namespace


def main(arguments: list[str] | None = None) -> int:
    """Compare, write, and judge; the exit code is the module's."""
    options = _parser().parse_args(arguments)
    for name in ("report.md", "comment.md", "report.html"):  # an old one must not pass for this one's
        (options.output / name).unlink(missing_ok=True)
    try:
        return _review(options)
    except ReviewError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the user reads it
        return 2
    except KeyboardInterrupt:
        return 130


def _review(options: Options) -> int:
    by_labels(options.labels.split(","))  # refuses a wrong one before anything takes time
    if bool(options.before) != bool(options.after):
        raise ReviewError("--before and --after go together: two folders that `cdk synth` wrote")
    forbid: set[str] = set()
    before, after = _assemblies(options, forbid)
    from slipway_cli.review import work  # noqa: PLC0415 - imported while the synths ran

    return 1 if work.finished(options, before, after, forbid).forbidden else 0


def _assemblies(options: Options, forbid: set[str]) -> tuple[Assembly, Assembly]:
    def ready() -> None:
        from slipway_cli.review import work  # noqa: PLC0415 - a second of imports, while the synths run

        forbid.update(work.forbids(options.product))

    if options.before:
        ready()
        return read(options.before), read(options.after)
    return synthesized(options.product, options.base, meanwhile=ready)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m slipway_cli.review", description=__doc__)
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
