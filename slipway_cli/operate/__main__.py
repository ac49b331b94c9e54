"""Operates pipelines by hand: `python -m slipway_cli.operate --help` lists the verbs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from products import ManifestError, Product, load
from slipway_cli.operate import approvals, changes, rollback, status
from slipway_cli.operate.errors import OperateError, explained
from slipway_cli.operate.following import Following
from slipway_cli.operate.pipelines import Desk
from slipway_cli.operate.words import DEFAULT_PRODUCT

Options = argparse.Namespace


def main(arguments: list[str] | None = None) -> int:
    """Do one verb; returns the exit code: 0 done, 1 failed, 2 asked wrongly, 130 interrupted."""
    options = _parser().parse_args(arguments)
    try:
        product = load(options.product)
    except ManifestError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the user reads it
        return 2
    try:
        _do(product, options)
    except OperateError as error:
        return _failed(options.verb, error)
    except KeyboardInterrupt:
        print("\ninterrupted; what was started goes on", file=sys.stderr)  # noqa: T201 - the user reads it
        return 130
    except BrokenPipeError:  # `make status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _do(product: Product, options: Options) -> None:
    try:
        _VERBS[options.verb](Desk(product), options)
    except (ClientError, BotoCoreError) as error:
        raise explained(error, product) from None


def _failed(verb: str, error: OperateError) -> int:
    print(f"{verb} failed: {error}", file=sys.stderr)  # noqa: T201 - the user reads it
    if error.then:
        print(f"next: {error.then}", file=sys.stderr)  # noqa: T201 - the user reads it
    return error.exit_code


def _status(desk: Desk, options: Options) -> None:
    status.show(desk, options.flow, options.runs, Console())


def _start(desk: Desk, options: Options) -> None:
    pipeline, run = changes.start(desk, options.flow, options.commit, _say)
    if options.follow:
        Following(pipeline, run, _say).until_it_ends()
    else:
        _say(f"Next: {pipeline.make('follow', RUN=run[:8])}")


def _follow(desk: Desk, options: Options) -> None:
    pipeline = desk.pipeline(options.flow)
    Following(pipeline, changes.current(pipeline, options.run), _say).until_it_ends()


def _approve(desk: Desk, options: Options) -> None:
    approvals.answer(
        desk, "Approved", options.reason, flow=options.flow, stage=options.stage, say=_say, sure=_sure(options)
    )


def _reject(desk: Desk, options: Options) -> None:
    approvals.answer(
        desk, "Rejected", options.reason, flow=options.flow, stage=options.stage, say=_say, sure=_sure(options)
    )


def _retry(desk: Desk, options: Options) -> None:
    pipeline, run = changes.retry(desk, options.flow, options.run, _say)
    _say(f"Next: {pipeline.make('follow', RUN=run[:8])}")


def _rollback(desk: Desk, options: Options) -> None:
    pipeline, run = rollback.rollback(desk, options.environment, options.to, _say, _sure(options))
    _say(f"Next: {pipeline.make('follow', RUN=run[:8])}")


def _stop(desk: Desk, options: Options) -> None:
    changes.stop(desk, options.flow, options.run, options.reason, abandon=options.abandon, say=_say)


_VERBS: dict[str, Callable[[Desk, Options], None]] = {
    "status": _status,
    "start": _start,
    "follow": _follow,
    "approve": _approve,
    "reject": _reject,
    "retry": _retry,
    "rollback": _rollback,
    "stop": _stop,
}


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - progress for the user


def _sure(options: Options) -> Callable[[str], bool]:
    """Ask a person at a terminal; a script has said it already."""

    def ask(question: str) -> bool:
        if options.yes or not sys.stdin.isatty():
            return True
        try:
            return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
        except EOFError:
            return False

    return ask


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m slipway_cli.operate", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, what: str, *, flow: str = "?") -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=what, description=what)
        added.add_argument("--product", default=DEFAULT_PRODUCT, help="a manifest of products/ (default: %(default)s)")
        if flow:
            added.add_argument("flow", nargs=None if flow == "1" else flow, help="e.g. main; by default all are asked")
        return added

    verb("status", "say how the pipelines stand").add_argument("--runs", type=_count, default=3, help="newest runs")
    start = verb("start", "start a run", flow="1")
    start.add_argument("--commit", metavar="SHA", help="by default the newest of the branch")
    start.add_argument("--follow", action="store_true", help="until it ends")
    verb("follow", "say each change of a run until it ends", flow="1").add_argument("--run", metavar="ID")
    for name, what, reason in (
        ("approve", "answer the approval that waits with yes", "kept with it"),
        ("reject", "answer the approval that waits with no", "why"),
    ):
        answer = verb(name, what)
        answer.add_argument("--reason", default="", help=reason)
        answer.add_argument("--stage", help="where several wait")
        answer.add_argument("--yes", action="store_true", help="without asking at a terminal")
    verb("retry", "repeat the failed actions").add_argument("--run", metavar="ID", help="by default the newest")
    back = verb("rollback", "take an environment back to a release", flow="")
    back.add_argument("environment")
    back.add_argument("--to", required=True, metavar="RELEASE", help="release tag, version or commit")
    back.add_argument("--yes", action="store_true", help="without asking at a terminal")
    stop = verb("stop", "stop the run in progress after its actions in progress")
    stop.add_argument("--run", metavar="ID", help="where several are in progress")
    stop.add_argument("--reason", default="", help="kept with it")
    stop.add_argument("--abandon", action="store_true", help="at once: what is in progress goes on unwatched")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 20:  # noqa: PLR2004 - each is asked for by itself
        raise argparse.ArgumentTypeError("1 to 20")
    return number


if __name__ == "__main__":
    sys.exit(main())
