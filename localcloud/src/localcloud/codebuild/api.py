"""CodeBuild's operations on builds. They replace MiniStack's, whose builds run no commands."""

from __future__ import annotations

import contextvars
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.iam_evaluator import resolve_caller_identity
from ministack.core.responses import error_response_json, get_account_id, json_response
from ministack.core.router import extract_access_key_id
from ministack.services import codebuild

from localcloud.codebuild import projects, records, reports
from localcloud.codebuild.execution import Execution

SYMBOLS: tuple[str, ...] = (
    "ministack.core.iam_evaluator:resolve_caller_identity",
    "ministack.core.router:extract_access_key_id",
    "ministack.services.codebuild:_batch_get_builds",
    "ministack.services.codebuild:_handle_request_sync",
    "ministack.services.codebuild:_start_build",
    "ministack.services.codebuild:_stop_build",
    "ministack.services.codebuild:reset",
)

Request = dict[str, Any]
_PIPELINE_SESSION = "codepipeline."
_STOP_SECONDS = 20

_running: dict[str, Execution] = {}
_requests: dict[str, tuple[str, Request]] = {}  # build id -> project and StartBuild request, for RetryBuild
_tokens: dict[tuple[str, str], str] = {}
_initiator: contextvars.ContextVar[str] = contextvars.ContextVar("localcloud_codebuild_initiator", default="root")


def initiator(principal: str) -> str:
    """Returns the value of CODEBUILD_INITIATOR for the principal that started a build."""
    kind, _, name = principal.rpartition(":")[2].partition("/")
    session = name.rpartition("/")[2]
    if kind == "assumed-role" and session.startswith(_PIPELINE_SESSION):
        return "codepipeline/" + session.removeprefix(_PIPELINE_SESSION)
    return name or kind


def _start(data: Request) -> Any:
    project = codebuild._projects.get(_name(data.get("projectName", "")))
    if project is None:
        return _not_found("Project", data.get("projectName"))
    token = (project["name"], str(data.get("idempotencyToken") or ""))
    if token[1] and _tokens.get(token) in codebuild._builds:
        return json_response({"build": records.snapshot(codebuild._builds[_tokens[token]])})
    own = projects.overridden(project, data)
    build = records.create(own, _initiator.get())
    _tokens[token] = build["id"]
    _requests[build["id"]] = (project["name"], data)
    execution = _running[build["id"]] = Execution(own, build)
    answer = json_response({"build": records.snapshot(build)})
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_run, execution), daemon=True, name=build["id"]).start()
    return answer


def _run(execution: Execution) -> None:
    try:
        execution.run()
    finally:
        _running.pop(execution.build["id"], None)


def _name(reference: str) -> str:
    return reference.rsplit("project/", 1)[-1] if reference.startswith("arn:") else reference


def _id(reference: str) -> str:
    return reference.rsplit("build/", 1)[-1] if reference.startswith("arn:") else reference


def _not_found(kind: str, name: object) -> Any:
    return error_response_json("ResourceNotFoundException", f"{kind} not found: {name}", 400)


def _stop(data: Request) -> Any:
    build = codebuild._builds.get(_id(data.get("id", "")))
    if build is None:
        return _not_found("Build", data.get("id"))
    execution = _running.get(build["id"])
    if execution is not None:
        execution.interrupt(records.STOPPED)
        execution.ended.wait(_STOP_SECONDS)
    return json_response({"build": records.snapshot(build)})


def _retry(data: Request) -> Any:
    started = _requests.get(_id(data.get("id", "")))
    if started is None or _id(data.get("id", "")) not in codebuild._builds:
        return _not_found("Build", data.get("id"))
    name, request = started
    return _start({**request, "projectName": name, "idempotencyToken": data.get("idempotencyToken")})


def _batch_get(data: Request) -> Any:
    found = {reference: codebuild._builds.get(_id(reference)) for reference in data.get("ids") or []}
    shown = [records.snapshot(build) for build in found.values() if build is not None]
    missing = [reference for reference, build in found.items() if build is None]
    return json_response({"builds": shown, "buildsNotFound": missing})


_ADDED_OPERATIONS: dict[str, Callable[[Request], Any]] = {"RetryBuild": _retry, **reports.OPERATIONS}


def _dispatch(original: Any) -> Any:
    def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]) -> Any:
        caller = resolve_caller_identity(extract_access_key_id(headers, query) or get_account_id())
        token = _initiator.set(initiator(caller["userArn"]) if caller else "root")
        try:
            action = _ADDED_OPERATIONS.get(headers.get("x-amz-target", "").rpartition(".")[2])
            if action is None:
                return original(method, path, headers, body, query)
            return action(json.loads(body or b"{}"))
        finally:
            _initiator.reset(token)

    return handle


def _reset(original: Callable[[], None]) -> Callable[[], None]:
    def reset() -> None:
        """Stops all running builds and deletes all records."""
        for execution in list(_running.values()):
            execution.interrupt(records.STOPPED)
        original()
        for store in (_requests, _tokens):
            store.clear()
        reports.clear()
        records.clear()

    return reset


def install() -> None:
    """Replaces MiniStack's operations."""
    codebuild._start_build = _start
    codebuild._stop_build = _stop
    codebuild._batch_get_builds = _batch_get
    codebuild._handle_request_sync = _dispatch(codebuild._handle_request_sync)
    codebuild.reset = _reset(codebuild.reset)
