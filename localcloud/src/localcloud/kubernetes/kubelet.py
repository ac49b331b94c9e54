"""The kubelet's server at port 10250, for the API server alone: logs of containers, and commands in them.

The API server reaches it through the node's relay, which accepts connections from its own network only.
"""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import logging
import re
import socket
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from docker.errors import APIError, DockerException, NotFound

from localcloud.kubernetes import control_plane, doors, spdy
from localcloud.kubernetes.control_plane import Place

if TYPE_CHECKING:
    from localcloud.kubernetes.node import Agent, Description

SYMBOLS: tuple[str, ...] = ()

_LOGS = re.compile(r"^/containerLogs/(?P<namespace>[^/]+)/(?P<pod>[^/]+)/(?P<container>[^/]+)$")
_EXEC = re.compile(
    r"^/(?P<verb>exec|attach)/(?P<namespace>[^/]+)/(?P<pod>[^/]+)/(?:(?P<uid>[^/]+)/)?(?P<container>[^/]+)$"
)
logger = logging.getLogger("localcloud")


def certificate(place: Place, node: Description) -> str:
    """Returns the kubelet's certificate, signed by the cluster's authority for servers, and its key, in PEM."""
    authority, key = control_plane.authority(place)
    issuer = x509.load_pem_x509_certificate(authority)
    signer: Any = serialization.load_pem_private_key(key, None)
    own = ec.generate_private_key(ec.SECP256R1())
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    names = [x509.DNSName(node.name), x509.IPAddress(ipaddress.ip_address(node.address))]
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node.name[:64])]))
        .issuer_name(issuer.subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return (made.public_bytes(serialization.Encoding.PEM) + private).decode()


def open_for(cluster: str, agent: Callable[[], Agent | None]) -> None:
    """Serves the kubelet of a cluster's node from now on."""

    def serve(connection: socket.socket) -> None:
        handler = type("Handler", (_Handler,), {"agent": staticmethod(agent)})
        handler(connection, ("", 0), None)

    doors.KUBELETS[cluster] = serve


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    agent: Callable[[], Agent | None]

    def log_message(self, format: str, *values: Any) -> None:  # noqa: A002 - the signature of the base class
        """Logs nothing: the API server does."""

    def do_GET(self) -> None:
        """Answers a request of the API server."""
        self.close_connection = True
        asked = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(asked.query, keep_blank_values=True).items()}
        try:
            if match := _LOGS.match(asked.path):
                self._logs(match, query)
            elif match := _EXEC.match(asked.path):
                self._exec(match, query, parse_qs(asked.query).get("command", []))
            else:
                self._plain(HTTPStatus.NOT_FOUND, f"the local cloud's kubelet does not serve {asked.path}")
        except (DockerException, OSError) as error:
            logger.debug("kubelet %s: %s", asked.path, error)

    do_POST = do_GET  # noqa: N815 - the name that the base class looks for

    def _plain(self, status: HTTPStatus, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _found(self, match: re.Match[str]) -> tuple[Any, Any] | None:
        """Returns the pod and its container's record; answers itself if there is none."""
        agent = self.agent()
        pod = agent.find(match["namespace"], match["pod"]) if agent is not None else None
        container = pod.container(match["container"]) if pod is not None else None
        if pod is None or container is None:
            self._plain(HTTPStatus.NOT_FOUND, f"pod {match['pod']} or its container {match['container']} is not found")
            return None
        return pod, container

    # --- logs --------------------------------------------------------------------------------------------------------

    def _logs(self, match: re.Match[str], query: dict[str, str]) -> None:
        found = self._found(match)
        if found is None:
            return
        pod, record = found
        attempts = pod.attempts(record.name)
        wanted = 1 if query.get("previous") == "true" else 0
        if len(attempts) <= wanted:
            what = "previous terminated container" if wanted else "container"
            text = f'{what} "{record.name}" in pod "{match["pod"]}" is not found'
            waiting = record.state.get("waiting", {})
            if not wanted and waiting:
                text = (
                    f'container "{record.name}" in pod "{match["pod"]}" is waiting to start: '
                    f"{waiting.get('message') or waiting.get('reason')}"
                )
            self._plain(HTTPStatus.BAD_REQUEST, text)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Connection", "close")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        limit = int(query["limitBytes"]) if query.get("limitBytes") else None
        for data in _lines(attempts[wanted], query):
            part = data if limit is None else data[:limit]
            if part:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                self.wfile.flush()
            if limit is not None:
                limit -= len(part)
                if limit <= 0:
                    break
        self.wfile.write(b"0\r\n\r\n")

    # --- commands ----------------------------------------------------------------------------------------------------

    def _exec(self, match: re.Match[str], query: dict[str, str], command: list[str]) -> None:
        found = self._found(match)
        if found is None:
            return
        _pod, record = found
        if match["verb"] != "exec":
            self._plain(HTTPStatus.BAD_REQUEST, "the local cloud's kubelet does not attach; use exec or logs")
            return
        if not record.is_running:
            self._plain(HTTPStatus.BAD_REQUEST, f"container {record.name} does not run")
            return
        if "spdy" not in self.headers.get("Upgrade", "").lower():
            # kubectl tries WebSockets first, and SPDY when they are refused.
            self._plain(HTTPStatus.BAD_REQUEST, "the local cloud's kubelet speaks SPDY/3.1 only")
            return
        offered = " ".join(self.headers.get_all("X-Stream-Protocol-Version", [])).replace(",", " ").split()
        self.send_response(HTTPStatus.SWITCHING_PROTOCOLS)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "SPDY/3.1")
        if spdy.PROTOCOL in offered or not offered:
            self.send_header("X-Stream-Protocol-Version", spdy.PROTOCOL)
        self.end_headers()
        self.wfile.flush()
        wanted = {name: query.get(name, "") in ("1", "true") for name in ("input", "output", "error", "tty")}
        spdy.Session(self.connection, self.rfile).run(record.docker_id, command, wanted)


def _lines(container: Any, query: dict[str, str]) -> Iterator[bytes]:
    """Yields a container's log as Docker sends it."""
    options: dict[str, Any] = {
        "stdout": True,
        "stderr": True,
        "stream": True,
        "follow": query.get("follow") == "true",
        "timestamps": query.get("timestamps") == "true",
    }
    if query.get("tailLines"):
        options["tail"] = int(query["tailLines"])
    if query.get("sinceSeconds"):
        options["since"] = int(time.time() - int(query["sinceSeconds"]))
    elif query.get("sinceTime"):
        options["since"] = (
            datetime.datetime.fromisoformat(query["sinceTime"].replace("Z", "+00:00"))
            .astimezone(datetime.UTC)
            .replace(tzinfo=None)
        )
    try:
        yield from container.logs(**options)
    except (NotFound, APIError) as error:
        yield f"{error}\n".encode()
