"""Relays the traffic of a Kubernetes cluster, as a table says that the local cloud sends. Standard library only.

A relay of a Service passes TCP connections on to ready pods. The relay of a node passes HTTP requests on by the rules
of Ingresses, the API server's connections to the kubelet, and those of clients to the API server of an EKS cluster.
`cluster_relay.py CLUSTER TABLE` asks for a table at /sock/k8s.sock; each line of the answer is a new table, which is
acknowledged by its version.

    {"version": 1, "tcp": {"80": [["10.0.0.1", 8000]]},
     "http": {"80": {"forwarded": false, "rules": [{"host": "", "path": "/", "type": "Prefix", "backends": […]}]}},
     "kubelet": {"port": 10250, "certificate": "PEM"}, "api": {"port": 443, "certificate": "PEM"}}
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
import tempfile
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

SOCKET = "/sock/k8s.sock"
LIMIT = 65536
CONNECT_SECONDS = 5
ANY = "0.0.0.0"  # noqa: S104 - in a container of a network of its own
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Table = dict[str, Any]
TABLE: Table = {"version": 0, "tcp": {}, "http": {}, "kubelet": None, "api": None}
SERVERS: dict[tuple[str, str], asyncio.Server] = {}
TURN: dict[str, int] = {}
INNER = ("kubelet", "api")


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copies one direction and passes the end of the stream on."""
    with contextlib.suppress(OSError):
        while data := await reader.read(LIMIT):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answers: asyncio.StreamReader,
    upstream: asyncio.StreamWriter,
) -> None:
    """Joins two connections until both directions have ended."""
    try:
        await asyncio.gather(pump(reader, upstream), pump(answers, writer))
    finally:
        upstream.close()


async def dial(key: str, backends: list[Any]) -> Streams | None:
    """Connects with one backend after the other, beginning with the next in turn; None if none accepts."""
    turn = TURN[key] = TURN.get(key, -1) + 1
    for number in range(len(backends)):
        host, port = backends[(turn + number) % len(backends)]
        try:
            return await asyncio.wait_for(asyncio.open_connection(host, port, limit=LIMIT), CONNECT_SECONDS)
        except (OSError, TimeoutError):
            continue
    return None


def tcp(port: str) -> Handler:
    """Returns the handler of a Service's port."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            made = await dial(port, TABLE["tcp"].get(port) or [])
            if made is not None:
                await join(reader, writer, *made)
        finally:
            writer.close()

    return connected


# --- HTTP ------------------------------------------------------------------------------------------------------------


def matches(rule: Table, path: str) -> bool:
    """True if a rule of an Ingress matches a path."""
    wanted = str(rule["path"] or "/")
    if rule["type"] == "Exact":
        return path == wanted
    if rule["type"] == "Prefix":
        return wanted == "/" or path == wanted.rstrip("/") or path.startswith(wanted.rstrip("/") + "/")
    return path.startswith(wanted)


def chosen(rules: list[Table], host: str, path: str) -> Table | None:
    """Returns the rule for a request: exact hosts before wildcards before none, exact paths and long ones first."""
    found = []
    for rule in rules:
        name = rule["host"]
        wildcard = name.startswith("*.")
        fits = host.partition(".")[2] == name[2:] if wildcard else name in ("", host)
        if fits and matches(rule, path):
            rank = (bool(name) and not wildcard, wildcard, rule["type"] == "Exact", len(rule["path"] or "/"))
            found.append((rank, rule))
    return max(found, key=lambda entry: entry[0])[1] if found else None


def answer(status: int, text: str) -> bytes:
    """Returns a whole answer."""
    body = f"<html><head><title>{status} {text}</title></head><body><h1>{status} {text}</h1></body></html>\n".encode()
    fields = f"Content-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close"
    return f"HTTP/1.1 {status} {text}\r\n{fields}\r\n\r\n".encode() + body


def rewritten(first: bytes, lines: list[bytes], peer: str, *, forwarded: bool) -> bytes:
    """Returns the head of a request as the backend gets it: one request per connection, and who asked."""
    fields = [(line.partition(b":")[0].strip().lower(), line.partition(b":")[2].strip()) for line in lines]
    known = dict(fields)
    upgrade = b"upgrade" in known and b"upgrade" in known.get(b"connection", b"").lower()
    host = known.get(b"host", b"")
    own = {
        b"x-real-ip": peer.encode(),
        b"x-forwarded-for": peer.encode(),
        b"x-forwarded-host": host,
        b"x-forwarded-port": b"80",
        b"x-forwarded-proto": b"http",
        b"x-forwarded-scheme": b"http",
        b"x-request-id": uuid.uuid4().hex.encode(),
    }
    if forwarded:
        own.update({name: known[name] for name in own if name in known})
        if b"x-forwarded-for" in known:
            own[b"x-forwarded-for"] = known[b"x-forwarded-for"] + b", " + peer.encode()
    dropped = {*own, b"keep-alive", b"proxy-connection"} | (set() if upgrade else {b"connection", b"upgrade"})
    kept = [line for line, (name, _value) in zip(lines, fields, strict=True) if name not in dropped]
    own_lines = [name + b": " + value for name, value in own.items()]
    closing = [] if upgrade else [b"Connection: close"]
    return b"\r\n".join([first, *kept, *own_lines, *closing]) + b"\r\n\r\n"


def http(port: str) -> Handler:
    """Returns the handler of an Ingress's port."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                first, *lines = head[:-4].split(b"\r\n")
                _method, target, _version = first.decode("latin-1").split(" ", 2)
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, OSError):
                return
            fields = {line.partition(b":")[0].strip().lower(): line.partition(b":")[2].strip() for line in lines}
            host = fields.get(b"host", b"").decode("latin-1").rpartition(":")[0] or fields.get(b"host", b"").decode(
                "latin-1"
            )
            table = TABLE["http"].get(port) or {"rules": [], "forwarded": False}
            rule = chosen(table["rules"], host.lower(), target.partition("?")[0])
            made = await dial(json.dumps(rule["backends"]), rule["backends"]) if rule else None
            if made is None:
                status = (
                    (404, "Not Found")
                    if rule is None
                    else (502, "Bad Gateway")
                    if rule["backends"]
                    else (503, "Service Temporarily Unavailable")
                )
                writer.write(answer(*status))
                await writer.drain()
                return
            peer = (writer.get_extra_info("peername") or ("",))[0]
            made[1].write(rewritten(first, lines, peer, forwarded=table["forwarded"]))
            await join(reader, writer, *made)
        finally:
            writer.close()

    return connected


# --- the kubelet, and the door of the API server ---------------------------------------------------------------------


def inner(cluster: str, kind: str) -> Handler:
    """Returns the handler of a port that the local cloud serves.

    The kubelet's serves only the API server, which shares this network.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            peer, own = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
            if kind == "kubelet" and peer[0] not in ("127.0.0.1", own[0]):
                return
            answers, upstream = await asyncio.open_unix_connection(SOCKET)
            upstream.write(json.dumps({"cluster": cluster, kind: True}).encode() + b"\n")
            directions = [asyncio.ensure_future(pump(reader, upstream)), asyncio.ensure_future(pump(answers, writer))]
            _done, rest = await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            for direction in rest:
                direction.cancel()
            upstream.close()
        except OSError:
            pass
        finally:
            writer.close()

    return connected


def secured(served: Table) -> ssl.SSLContext:
    """Returns the TLS settings of a port that the local cloud serves."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(served["certificate"])
        file.flush()
        context.load_cert_chain(file.name)
    return context


# --- the table -------------------------------------------------------------------------------------------------------


async def apply(table: Table, cluster: str) -> None:
    """Listens at exactly the ports of a table."""
    wanted = {("tcp", port): tcp(port) for port in table["tcp"]}
    wanted.update({("http", port): http(port) for port in table["http"]})
    for kind in INNER:
        if table.get(kind):
            wanted[kind, str(table[kind]["port"])] = inner(cluster, kind)
    TABLE.update(table)
    for place in [place for place in SERVERS if place not in wanted]:
        SERVERS.pop(place).close()
    for place, handler in wanted.items():
        if place not in SERVERS:
            try:
                options: dict[str, Any] = {"ssl": secured(table[place[0]])} if place[0] in INNER else {}
                SERVERS[place] = await asyncio.start_server(
                    handler, ANY, int(place[1]), limit=LIMIT, backlog=512, **options
                )
            except OSError as error:
                sys.stderr.write(f"port {place[1]}: {error}\n")


async def main(cluster: str, name: str) -> None:
    """Follows the table for ever; without the local cloud the last one stays."""
    while True:
        try:
            reader, writer = await asyncio.open_unix_connection(SOCKET, limit=2**24)
            writer.write(json.dumps({"cluster": cluster, "table": name}).encode() + b"\n")
            while line := await reader.readline():
                table = json.loads(line)
                await apply(table, cluster)
                writer.write(f"{table['version']}\n".encode())
                await writer.drain()
        except (OSError, ValueError) as error:
            sys.stderr.write(f"table: {error}\n")
        await asyncio.sleep(0.5)


asyncio.run(main(*sys.argv[1:3]))
