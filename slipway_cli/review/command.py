"""`slipway review`: what a change would do, as Markdown."""

from __future__ import annotations

from slipway_cli.review.asked import Asked
from slipway_cli.review.assembly import Assembly, read
from slipway_cli.review.errors import ReviewError
from slipway_cli.review.forbidden import by_labels
from slipway_cli.review.synths import synthesized


def run(asked: Asked) -> int:
    """Compare, write, and judge; the exit code is 1 if the manifest forbids what the change does.

    Raises:
        ReviewError: if there is no report, for bad input.
    """
    for name in ("report.md", "comment.md", "report.html"):  # an old one must not pass for this one's
        (asked.output / name).unlink(missing_ok=True)
    return _review(asked)


def _review(asked: Asked) -> int:
    by_labels(asked.labels.split(","))  # refuses a wrong one before anything takes time
    if bool(asked.before) == bool(asked.base):
        raise ReviewError("either --base, a branch, tag or commit, or --before, a folder that `cdk synth` wrote")
    if bool(asked.before) != bool(asked.after):
        raise ReviewError("--before and --after go together: two folders that `cdk synth` wrote")
    forbid: set[str] = set()
    before, after = _assemblies(asked, forbid)
    from slipway_cli.review import work  # noqa: PLC0415 - imported while the synths ran

    return 1 if work.finished(asked, before, after, forbid).forbidden else 0


def _assemblies(asked: Asked, forbid: set[str]) -> tuple[Assembly, Assembly]:
    def ready() -> None:
        from slipway_cli.review import work  # noqa: PLC0415 - a second of imports, while the synths run

        forbid.update(work.forbids(asked.product))

    if asked.before and asked.after:
        ready()
        return read(asked.before), read(asked.after)
    return synthesized(asked.product, asked.base, meanwhile=ready)
