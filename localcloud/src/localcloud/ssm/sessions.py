"""Sessions: a shell on a host, or a port of a task, through `aws ssm start-session`.

AWS answers with a WebSocket that its session-manager-plugin opens. The local cloud answers with an address that its
stand-in of the plugin, `bin/session-manager-plugin`, turns into `docker exec`, as for ECS Exec. So only programs of
this machine that may use Docker reach the host.
docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartSession.html
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region

from localcloud.ec2.hosts import HostLostError
from localcloud.ssm import forwarding, pages
from localcloud.ssm.agent import FLEET
from localcloud.ssm.errors import ServiceError, no_document, unsupported

SYMBOLS: tuple[str, ...] = (
    "ministack.core.iam_evaluator:caller_arn",
    "ministack.core.responses:get_account_id",
    "ministack.core.responses:get_region",
)

Request = Mapping[str, Any]
Answer = dict[str, Any]
SHELL = "SSM-SessionManagerRunShell"
COMMANDS = ("AWS-StartInteractiveCommand", "AWS-StartNonInteractiveCommand")
CONNECTING, CONNECTED, TERMINATED = "Connecting", "Connected", "Terminated"
_FOLDER = "/run/localcloud/sessions"
_LOGIN = "cd ~ 2>/dev/null || cd /; command -v bash >/dev/null && exec bash -l || exec sh -l"
_ALIVE = f'kill -0 "$(cat {_FOLDER}/"$1")"'
_END = f'kill -HUP "$(cat {_FOLDER}/"$1")"; sleep 0.2; kill -KILL "$(cat {_FOLDER}/"$1")"'
_OPENING_SECONDS = 60
_CALL_SECONDS = 10.0


@dataclass
class Session:
    """A session."""

    id: str
    place: tuple[str, str]
    target: str
    owner: str
    document: str
    reason: str
    address: str
    started: float = field(default_factory=time.time)
    ended: float = 0.0
    opened: bool = False

    @property
    def status(self) -> str:
        """The status of the session."""
        return TERMINATED if self.ended else CONNECTED if self.opened else CONNECTING


_sessions: dict[str, Session] = {}
_guard = threading.Lock()


def clear() -> None:
    """Forgets all sessions."""
    with _guard:
        _sessions.clear()


def _place() -> tuple[str, str]:
    return get_account_id(), get_region()


def _call(session: Session, script: str) -> bool:
    """True if a script, which gets the ID of the session, succeeds on the host."""
    argv: Sequence[str] = ["sh", "-c", script, "sh", session.id]
    try:
        code = FLEET.machines.execute(
            session.target, argv, on_output=lambda _stream, _data: None, timeout=_CALL_SECONDS
        )
    except (HostLostError, TimeoutError):
        return False
    return code == 0


def _examine(session: Session) -> None:
    """Finds out whether the session's process lives."""
    if session.ended:
        return
    if forwarding.alive(session.id) if session.document == forwarding.DOCUMENT else _call(session, _ALIVE):
        session.opened = True
    elif session.opened or time.time() - session.started > _OPENING_SECONDS:
        session.ended = time.time()


def _command(document: str, parameters: Mapping[str, Sequence[str]]) -> str:
    """Returns what the session runs.

    Raises:
        ServiceError: if the document is unknown, or its parameters are not valid.
    """
    if document == SHELL:
        return _LOGIN
    if document not in COMMANDS:
        if document.startswith("AWS-Start"):
            raise unsupported(f"sessions of {document}: it has {', '.join((SHELL, *COMMANDS))}")
        raise no_document(document)
    command = parameters.get("command") or ()
    if len(command) != 1:
        raise ServiceError("InvalidParameters", f"{document} needs the parameter command with one value.")
    return command[0]


def _start(request: Request) -> Answer:
    target, document = request["Target"], request.get("DocumentName") or SHELL
    owner = iam_evaluator.caller_arn()
    identifier = f"{owner.rpartition('/')[2].rpartition(':')[2]}-{secrets.token_hex(9)[:17]}"
    find = _port_of if target.startswith(forwarding.PREFIX) else _shell_on
    address = find(identifier, target, document, request.get("Parameters") or {})
    session = Session(identifier, _place(), target, owner, document, request.get("Reason", ""), address)
    with _guard:
        _sessions[identifier] = session
    return _answer(session)


def _port_of(identifier: str, target: str, document: str, parameters: Mapping[str, Sequence[str]]) -> str:
    """Returns the address of a session with a task, which only forwards a port; ECS has a call for commands."""
    if document != forwarding.DOCUMENT:
        raise unsupported(f"sessions of {document} with a task: it has {forwarding.DOCUMENT}")
    return forwarding.address(identifier, target, parameters)


def _shell_on(identifier: str, target: str, document: str, parameters: Mapping[str, Sequence[str]]) -> str:
    """Returns the address of a session with a host."""
    command = _command(document, parameters)
    host = FLEET.machines.find(target)
    mine = host is not None and (host.account, host.region) == _place()
    if host is None or not mine or not FLEET.takes_sessions(target):
        raise ServiceError("TargetNotConnected", f"{target} is not connected.")
    script = f"mkdir -p {_FOLDER} && echo $$ > {_FOLDER}/{identifier}; {command}"
    return f"docker-exec://{host.container_name}?cmd={quote(script)}"


def _answer(session: Session) -> Answer:
    return {"SessionId": session.id, "TokenValue": secrets.token_urlsafe(48), "StreamUrl": session.address}


def _resume(request: Request) -> Answer:
    session = _sessions.get(request["SessionId"])
    if session is not None:
        _examine(session)
    if session is None or session.place != _place() or session.ended:
        raise ServiceError("DoesNotExistException", f"The session {request['SessionId']} does not exist or has ended.")
    return _answer(session)


def _terminate(request: Request) -> Answer:
    session = _sessions.get(request["SessionId"])
    if session is not None and session.place == _place() and not session.ended:
        if session.document == forwarding.DOCUMENT:
            forwarding.end(session.id)
        else:
            _call(session, _END)
        session.ended = time.time()
    return {"SessionId": request["SessionId"]}


def _describe(request: Request) -> Answer:
    with _guard:
        listed = [session for session in _sessions.values() if session.place == _place()]
    for session in listed:
        _examine(session)
    active = request["State"] == "Active"
    rows = [_row(session) for session in listed if bool(session.ended) != active]
    for condition in request.get("Filters") or ():
        key, value = condition["key"], condition["value"]
        if key not in ("Target", "Owner", "Status", "SessionId"):
            raise unsupported(f"the filter {key}")
        rows = [row for row in rows if row[key] == value]
    return pages.page(rows, "Sessions", request, 50)


def _row(session: Session) -> Answer:
    return pages.present(
        {
            "SessionId": session.id,
            "Target": session.target,
            "Status": session.status,
            "StartDate": session.started,
            "EndDate": session.ended or None,
            "DocumentName": session.document,
            "Owner": session.owner,
            "Reason": session.reason,
        }
    )


OPERATIONS: dict[str, Callable[[Request], Answer]] = {
    "StartSession": _start,
    "ResumeSession": _resume,
    "TerminateSession": _terminate,
    "DescribeSessions": _describe,
}
