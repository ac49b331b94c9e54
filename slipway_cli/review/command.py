"""`slipway review`: reports what a change does, as Markdown."""

from __future__ import annotations

from slipway_cli.review.assembly import Assembly, read
from slipway_cli.review.errors import ReviewError
from slipway_cli.review.forbidden import by_labels
from slipway_cli.review.options import Options
from slipway_cli.review.synths import synthesized


def run(options: Options) -> int:
    """Compare, write the report, and judge it; the exit code is 1 if the manifest forbids the change.

    Raises:
        ReviewError: if the input is wrong; there is no report then.
    """
    for name in ("report.md", "comment.md", "report.html"):  # an old report must not be taken for this one
        (options.output / name).unlink(missing_ok=True)
    return _review(options)


def _review(options: Options) -> int:
    by_labels(options.labels.split(","))  # refuses a wrong label before the slow work begins
    if bool(options.before) == bool(options.base):
        raise ReviewError("give either --base (a branch, tag or commit) or --before (a folder that `cdk synth` wrote)")
    if bool(options.before) != bool(options.after):
        raise ReviewError("--before and --after need each other: give two folders that `cdk synth` wrote")
    forbid: set[str] = set()
    before, after = _assemblies(options, forbid)
    from slipway_cli.review import work  # noqa: PLC0415 - imported while the synths ran

    return 1 if work.finished(options, before, after, forbid).forbidden else 0


def _assemblies(options: Options, forbid: set[str]) -> tuple[Assembly, Assembly]:
    def ready() -> None:
        from slipway_cli.review import work  # noqa: PLC0415 - a second of imports, while the synths run

        forbid.update(work.forbids(options.product))

    if options.before and options.after:
        ready()
        return read(options.before), read(options.after)
    return synthesized(options.product, options.base, meanwhile=ready)
