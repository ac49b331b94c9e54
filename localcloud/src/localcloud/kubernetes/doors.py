"""The socket at which relays ask for their table, for a kubelet on behalf of an API server, or for that server."""

from __future__ import annotations

import json
import logging
import socket
import socketserver
import threading
from collections.abc import Callable

from localcloud import settings
from localcloud.kubernetes.routing import ROUTERS

SYMBOLS: tuple[str, ...] = ()

_LONGEST = 1024
#: Serves the kubelet of a cluster on a connection, until it ends.
KUBELETS: dict[str, Callable[[socket.socket], None]] = {}
#: Serves the API server of an EKS cluster to a client on a connection, until it ends.
APIS: dict[str, Callable[[socket.socket], None]] = {}
logger = logging.getLogger("localcloud")


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """Serves one relay."""
        try:
            asked = json.loads(_line(self.request))
            cluster = str(asked["cluster"])
            if asked.get("kubelet") and cluster in KUBELETS:
                KUBELETS[cluster](self.request)
            elif asked.get("api") and cluster in APIS:
                APIS[cluster](self.request)
            elif "table" in asked and cluster in ROUTERS:
                ROUTERS[cluster].serve(self.request, str(asked["table"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.debug("relay of a cluster: %s", error)


def _line(connection: socket.socket) -> bytes:
    """Reads the first line, and nothing of what follows."""
    line = b""
    while not line.endswith(b"\n") and len(line) < _LONGEST:
        byte = connection.recv(1)
        if not byte:
            raise OSError("the relay has gone")
        line += byte
    return line


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 256


_server: list[_Server] = []
_guard = threading.Lock()


def open_once() -> None:
    """Listens at `k8s.sock` beside the local cloud's own socket, from the first cluster on."""
    with _guard:
        if _server:
            return
        path = settings.current().socket.with_name("k8s.sock")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        server = _Server(str(path), _Handler)
        path.chmod(0o666)  # relays run as another user
        _server.append(server)
        threading.Thread(target=server.serve_forever, daemon=True, name="localcloud-kubernetes-relays").start()
