"""The requests that reach the Docker daemon: for every entry of the table, and for every way to repeat a value."""

from __future__ import annotations

import io
import itertools
import json
import re
import socket as sockets
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from localcloud.dockerfilter import images, rules
from localcloud.dockerfilter.calls import Body, Entry
from localcloud.dockerfilter.names import target
from localcloud.testing.cloud import until
from localcloud.testing.docker_socket import REPOSITORY, Daemon, call, opened, raw

BUILD = "p:bodies"
HELD = f"localhost:4701/{REPOSITORY}"


def expanded(text: str) -> list[str]:
    """Returns every text that matches a pattern with alternatives in brackets."""
    inner = re.search(r"\(([^()]*)\)", text)
    if inner is None:
        return text.split("|")
    choices = inner[1].split("|")
    return [
        alternative
        for choice in choices
        for alternative in expanded(text[: inner.start()] + choice + text[inner.end() :])
    ]


def paths(entry: Entry) -> list[str]:
    """Returns a path for every alternative of an entry of the table."""
    name = REPOSITORY if "images" in entry.pattern.pattern else "own"
    text = re.sub(r"\[\^/\]\+|\.\+\??", f"localhost:4701/{name}" if name == REPOSITORY else name, entry.pattern.pattern)
    text = re.sub(r"\(\?P<\w+>|\(\?:", "(", text.removesuffix(r"\Z"))
    return expanded(text)


LINES = [
    pytest.param(entry, method, path, id=f"{method}-{path}")
    for entry in rules.table()
    for method in entry.methods
    for path in paths(entry)
]
FORM = b"filters=%7B%7D&fromImage=evil&repo=evil&tag=1&container=other&t=evil&names=evil&name=x&force=1&v=1&Filters=x"
BODIES = {
    "application/x-www-form-urlencoded": FORM,
    "application/x-www-form-urlencoded; charset=utf-8": FORM,
    "multipart/form-data; boundary=x": b'--x\r\nContent-Disposition: form-data; name="filters"\r\n\r\n{}\r\n--x--\r\n',
    "application/json": json.dumps({"filters": {}, "fromImage": "evil", "Container": "own", "Name": "own"}).encode(),
    "text/plain": FORM,
}
#: Parameters without which a call is not forwarded.
NEEDED = {
    "/images/create": f"?fromImage={HELD}&tag=1",
    "/commit": "?container=own",
    f"/images/{HELD}/tag": f"?repo={HELD}&tag=2",
}
JSON = {
    "/auth": {"serveraddress": "111122223333.dkr.ecr.us-east-1.amazonaws.com"},
    "/containers/create": {"Image": HELD},
    "/networks/own/connect": {"Container": "own"},
    "/networks/own/disconnect": {"Container": "own"},
}


@pytest.fixture(scope="module")
def daemon_and_socket() -> Iterator[tuple[Daemon, Path]]:
    with (
        tempfile.TemporaryDirectory() as short,
        pytest.MonkeyPatch.context() as patch,
    ):  # the path of a socket has at most 108 bytes
        patch.delenv("LOCALCLOUD_PORT", raising=False)
        patch.setenv("LOCALCLOUD_STATE", short)
        patch.setenv("DOCKER_HOST", f"unix://{short}/daemon.sock")
        patch.setattr(images, "_SECOND_LOOK_SECONDS", 0)
        daemon = Daemon(BUILD)
        with daemon.listening(Path(short) / "daemon.sock"), opened(BUILD) as gate:
            yield daemon, gate.socket


@pytest.fixture
def daemon(daemon_and_socket: tuple[Daemon, Path]) -> Daemon:
    images.NAMES.add([target(HELD)], BUILD)
    daemon_and_socket[0].taken()
    return daemon_and_socket[0]


@pytest.fixture
def socket(daemon_and_socket: tuple[Daemon, Path]) -> Path:
    return daemon_and_socket[1]


@pytest.mark.parametrize(("entry", "method", "path"), LINES)
def test_a_body_cannot_add_parameters_to_the_query(
    entry: Entry, method: str, path: str, socket: Path, daemon: Daemon
) -> None:
    for kind, body in BODIES.items():
        status, text = call(socket, method, path + NEEDED.get(path, ""), body, kind)
        for request in daemon.taken():
            assert entry.body is not Body.NOTHING, kind
            assert request.all("content-type") == [entry.body.value], kind
            if entry.body is Body.JSON:
                json.loads(request.body)
        if entry.body is Body.NOTHING and method != "HEAD":  # an answer to HEAD has no body
            assert "takes no body" in text, (kind, text)
        if entry.body is Body.NOTHING:
            assert status == 403, kind


@pytest.mark.parametrize(("entry", "method", "path"), LINES)
def test_only_the_parameters_and_headers_of_the_table_are_forwarded(
    entry: Entry, method: str, path: str, socket: Path, daemon: Daemon
) -> None:
    extra = "Filters=1&FROMIMAGE=evil&unknown=1&method=DELETE&checkpoint-dir=%2F"
    target = path + NEEDED.get(path, "?") + ("&" if path in NEEDED else "") + extra
    body = JSON.get(path, {}) if entry.body is Body.JSON else None
    call(
        socket,
        method,
        target,
        archive() if path == "/images/load" else body,
        "application/x-www-form-urlencoded",
        **{
            "X-HTTP-Method-Override": "DELETE",
            "X-HTTP-Method": "DELETE",
            "X-Forwarded-Prefix": "/x",
            "Upgrade": "h2c",
            "HTTP2-Settings": "AAMAAABkAAQAAP__",
            "Connection": "close, X-Other",
            "X-Other": "1",
            "Authorization": "Basic x",
        },
    )
    if path == "/auth":
        assert daemon.arrived == []  # answered by the proxy
        return
    [request] = daemon.arrived
    sent, target, _version = request.line.split()
    assert sent == method
    address = urlsplit(target)
    assert set(parse_qs(address.query, keep_blank_values=True)) <= entry.query
    framing = {"host", "user-agent", "connection", "content-type", "content-length", "transfer-encoding", "upgrade"}
    assert {name for name, _value in request.headers} <= framing
    assert (
        request.all("content-type") == [entry.body.value][: entry.body is not Body.NOTHING and path != "/images/create"]
    )
    hijacks = path in {"/session", "/grpc"} or path.endswith(("/attach", "/exec/own/start"))
    assert bool(request.all("upgrade")) == hijacks


def archive(*names: str, **more: bytes) -> bytes:
    """Returns an archive like that of `docker save`, for an image without layers."""
    packed = io.BytesIO()
    manifest = json.dumps([{"Config": "0" * 64 + ".json", "RepoTags": list(names), "Layers": []}]).encode()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in {"manifest.json": manifest, **more}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


# --- queries that two parsers read differently -----------------------------------------------------------------------

PRUNE = "/v1.41/volumes/prune"
OWN = {"label": [f"localcloud.build={BUILD}"]}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "filters=",
        "filters=%7B%7D",
        "%66ilters=%7B%7D",
        "Filters=%7B%7D",
        "filters=%7B%7D;filters=%7B%7D",
        "a=1;filters=%7B%22all%22:%5B%22true%22%5D%7D",
        "filters%00=x",
        "filters[]=x",
        "filters=%7B%7D&%E2%80%A8filters=x",
    ],
)
def test_a_list_is_always_filtered_by_the_label_of_the_build(query: str, socket: Path, daemon: Daemon) -> None:
    status, _text = call(socket, "POST", f"{PRUNE}?{query}")
    for request in daemon.arrived:
        given = parse_qs(urlsplit(request.line.split()[1]).query)
        assert {name: json.loads(values[0]) for name, values in given.items()} == {"filters": OWN}
    assert daemon.arrived or status == 400


@pytest.mark.parametrize("query", ["filters=%7B%7D&filters=%7B%7D", "filters=%7B%7D&%66%69lters=%7B%7D"])
def test_a_parameter_that_appears_twice_is_refused(query: str, socket: Path, daemon: Daemon) -> None:
    status, text = call(socket, "POST", f"{PRUNE}?{query}")
    assert (status, "appears 2 times" in text) == (403, True)
    assert daemon.arrived == []


def test_the_pulled_image_is_the_one_that_was_checked_with_iam(socket: Path, daemon: Daemon) -> None:
    for number, (image, tag) in enumerate(itertools.product((HELD, f"{HELD}:1", f"{HELD}:"), ("", "2"))):
        call(socket, "POST", f"/images/create?fromImage={image}&tag={tag}&repo=evil&fromSrc=")
        given = parse_qs(urlsplit(daemon.arrived[number].line.split()[1]).query)
        assert given == {"fromImage": [HELD], **({"tag": [tag or "1"]} if tag or image.endswith("1") else {})}


# --- requests whose end two parsers see in different places ----------------------------------------------------------

HIDDEN = b"POST /v1.41/volumes/prune HTTP/1.1\r\nHost: d\r\nUser-Agent: hidden\r\nContent-Length: 0\r\n\r\n"
CREATE = b"POST /v1.41/networks/create HTTP/1.1\r\nHost: d\r\n"
CHUNKED = b"2\r\n{}\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", CHUNKED),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", CHUNKED),
        (b"Content-Length: 2\r\nContent-Length: 2\r\n", b"{}"),
        (b"Content-Length: 2\r\nContent-Length: 90\r\n", b"{}"),
        (b"Content-Length: +2\r\n", b"{}"),
        (b"Content-Length: 2, 90\r\n", b"{}"),
        (b"Transfer-Encoding: chunked, identity\r\n", CHUNKED),
        (b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n", b"{}"),
        (b"Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n", b"{}"),
        (b"Transfer-Encoding : chunked\r\nContent-Length: 2\r\n", b"{}"),
        (b"Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\nContent-Type: text/x\r\nX-Trailer: 1\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"2;ext=1\r\n{}\r\n0\r\n\r\n"),
        (b"Content-Type: application/json\r\nContent-Type: multipart/form-data\r\nContent-Length: 2\r\n", b"{}"),
        (b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AA\r\nContent-Length: 2\r\n", b"{}"),
        (b"Expect: 100-continue\r\nContent-Length: 2\r\n", b"{}"),
    ],
)
def test_a_request_cannot_hide_a_second_one_behind_it(head: bytes, body: bytes, socket: Path, daemon: Daemon) -> None:
    answer = raw(socket, CREATE + head + b"\r\n" + body + HIDDEN)
    assert len(re.findall(rb"HTTP/1\.1 [2345]", answer)) == 1, answer
    assert len(daemon.arrived) == (b"HTTP/1.1 200" in answer), answer
    for request in daemon.arrived:
        assert request.line == "POST /v1.41/networks/create HTTP/1.1"
        assert request.all("content-type") == ["application/json"]
        assert len(request.all("content-length")) + len(request.all("transfer-encoding")) == 1
        assert json.loads(request.body)["labels"] == {"localcloud.build": BUILD}
        assert not {"x-trailer", "upgrade", "http2-settings", "expect"} & {name for name, _value in request.headers}


def test_a_name_that_the_daemon_gives_after_the_end_of_the_build_is_removed_too(daemon: Daemon) -> None:
    daemon.slow = tagging = "POST /v1.41/images/own/tag?repo=late&tag=1 HTTP/1.1"

    def before() -> None:
        ended.extend(line for line in daemon.lines if "late:1?" in line)
        daemon.answers.set()

    ended: list[str] = []
    with opened("p:late", ended=before) as gate:
        with sockets.socket(sockets.AF_UNIX) as connection:
            connection.connect(str(gate.socket))
            connection.sendall(f"{tagging}\r\nHost: d\r\nContent-Length: 0\r\n\r\n".encode())
            until("the daemon has the call", lambda: [request for request in daemon.arrived if request.line == tagging])
        assert call(gate.socket, "GET", "/info")[0] == 200  # by now the proxy knows that the client has left
    daemon.slow = ""
    assert ended == [], "the name is removed before the daemon gives it"
    answered = [line for line in daemon.lines if "late" in line and not line.startswith("GET")]
    assert answered[:2] == [tagging, "DELETE /v1.41/images/late:1?force=1 HTTP/1.1"]
    assert images.NAMES.holders("late:1") == set()


def test_a_body_that_is_nested_too_deeply_gets_an_error_as_answer(socket: Path, daemon: Daemon) -> None:
    status, _text = call(socket, "POST", "/networks/create", b"[" * 200_000, "application/json")
    assert status == 400
    assert daemon.arrived == []


def test_registry_credentials_are_forwarded_only_with_a_pull(socket: Path, daemon: Daemon) -> None:
    keys = {"X-Registry-Auth": "e30=", "X-Registry-Config": "e30="}
    call(socket, "POST", f"/images/create?fromImage={HELD}&tag=1", **keys)
    call(socket, "GET", "/info", **keys)
    pulled, inspected = daemon.arrived
    assert pulled.all("x-registry-auth") == ["e30="]
    assert inspected.all("x-registry-auth") == inspected.all("x-registry-config") == []
