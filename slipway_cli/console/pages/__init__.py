"""The console's pages and forms, and the data of its script."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from http import HTTPStatus

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.markup import fill
from slipway_cli.console.aws import RefusedError, code
from slipway_cli.console.masking import masked
from slipway_cli.console.pages.layout import page
from slipway_cli.console.pages.lists import of_pipelines, of_runs
from slipway_cli.console.pages.run import following, of_run
from slipway_cli.console.web import BASE, Console, Reply, Request, as_json, as_text, at, form, to
from slipway_cli.runs import Attempt, Run

HOME = ("/codepipeline/home", "/codesuite/codepipeline", "/codesuite/codepipeline/home")
"""Other paths of AWS's console, used in links of messages."""

logger = logging.getLogger("slipway")
_ABSENT = {"PipelineNotFoundException", "PipelineExecutionNotFoundException"}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_RUN = r"/(?P<pipeline>[A-Za-z0-9.@_-]{1,100})/executions/(?P<run>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"


class MissingError(Exception):
    """The page does not exist."""


def answer(console: Console, request: Request) -> Reply:
    """Returns the page at a path, or the result of a form."""
    try:
        return _answer(console, request)
    except MissingError:
        return _message(console, HTTPStatus.NOT_FOUND, "This page does not exist", request.path)
    except RefusedError as error:
        return _message(console, HTTPStatus.FORBIDDEN, "Not done", str(error))
    except ClientError as error:
        name = code(error)
        status = HTTPStatus.NOT_FOUND if name in _ABSENT else HTTPStatus.BAD_GATEWAY
        status = HTTPStatus.FORBIDDEN if name in _DENIED else status
        return _message(console, status, f"AWS says {name}", masked(error.response["Error"].get("Message", "")))
    except BotoCoreError as error:
        return _message(console, HTTPStatus.BAD_GATEWAY, "AWS cannot be reached", masked(str(error)))
    except Exception:
        logger.exception("console: %s %s", request.method, request.path)
        return _message(console, HTTPStatus.INTERNAL_SERVER_ERROR, "This page failed", "The server's log says why.")


def _message(console: Console, status: int, title: str, text: str) -> Reply:
    body = fill('<h1>{title}</h1><pre tabindex="0">{text}</pre>', title=title, text=text)
    return page(console, title, body, live=False, status=status)


def _answer(console: Console, request: Request) -> Reply:
    region = request.query.get("region", console.region)
    if not re.fullmatch(r"[a-z0-9-]{1,32}", region):
        raise MissingError
    if request.path in {"/", *HOME}:
        return to(at("", region=region))
    path = request.path.removeprefix(BASE).rstrip("/")
    for pattern, serve in _FORMS if request.method == "POST" else _PAGES:
        found = re.fullmatch(pattern, path)
        if found and request.method in {"GET", "HEAD", "POST"}:
            return serve(console, request, region, *found.groups())
    raise MissingError


# --- logs ------------------------------------------------------------------------------------------------------------


def _attempt(console: Console, request: Request, region: str, pipeline: str, run: str) -> tuple[Run, Attempt]:
    found = console.pipelines.run(region, pipeline, run)
    action = found.action(request.query.get("stage", ""), request.query.get("action", ""))
    wanted = request.query.get("attempt", "")
    attempts = [attempt for attempt in action.attempts if wanted in ("", attempt.id)] if action else []
    if not attempts:
        raise MissingError
    return found, attempts[-1]


def _log(console: Console, request: Request, region: str, pipeline: str, run: str) -> Reply:
    _, attempt = _attempt(console, request, region, pipeline, run)
    log = console.logs.read(attempt, request.query.get("cursor", ""), now=console.now())
    if log is None:
        raise MissingError
    return as_json(following(log))


def _whole_log(console: Console, request: Request, region: str, pipeline: str, run: str) -> Reply:
    _, attempt = _attempt(console, request, region, pipeline, run)
    log = console.logs.read(attempt, now=console.now(), whole=True)
    if log is None:
        raise MissingError
    return as_text(HTTPStatus.OK, "".join(f"{line.at.isoformat()} {line.text}\n" for line in log.lines))


# --- forms -----------------------------------------------------------------------------------------------------------


def _done(region: str, pipeline: str, run: str) -> Reply:
    return to(at(f"/{pipeline}/executions/{run}/visualization", region=region))


def _approve(console: Console, request: Request, region: str, pipeline: str, run: str) -> Reply:
    fields = form(console, request)
    decision, comment = fields.get("answer"), fields.get("comment", "").strip()
    found = console.pipelines.run(region, pipeline, run)
    action = found.action(fields.get("stage", ""), fields.get("action", ""))
    if action is None or decision not in {"Approved", "Rejected"}:
        raise MissingError
    if decision == "Rejected" and not comment:
        raise RefusedError("A rejection needs a comment, which the author of the push reads. Go back and write one.")
    console.pipelines.answer(region, found, action, approved=decision == "Approved", comment=comment)
    return _done(region, pipeline, run)


def _retry(console: Console, request: Request, region: str, pipeline: str, run: str) -> Reply:
    fields = form(console, request)
    found = console.pipelines.run(region, pipeline, run)
    if fields.get("stage") not in {stage.name for stage in found.stages if stage.retryable}:
        raise RefusedError("This stage cannot be retried any more: a newer run is in it, or the pipeline has changed.")
    console.pipelines.retry(region, found, fields["stage"])
    return _done(region, pipeline, run)


def _stop(console: Console, request: Request, region: str, pipeline: str, run: str) -> Reply:
    fields = form(console, request)
    found = console.pipelines.run(region, pipeline, run)
    console.pipelines.stop(region, found, reason=fields.get("reason", "").strip(), abandon="abandon" in fields)
    return _done(region, pipeline, run)


_Serve = Callable[..., Reply]
_FORMS: tuple[tuple[str, _Serve], ...] = (
    (rf"{_RUN}/answer", _approve),
    (rf"{_RUN}/retry", _retry),
    (rf"{_RUN}/stop", _stop),
)
_PAGES: tuple[tuple[str, _Serve], ...] = (
    (r"", of_pipelines),
    (r"/([A-Za-z0-9.@_-]{1,100})/(?:view|executions)", of_runs),
    (rf"{_RUN}/(?:visualization|timeline)", of_run),
    (rf"{_RUN}/log", _log),
    (rf"{_RUN}/log\.txt", _whole_log),
)
