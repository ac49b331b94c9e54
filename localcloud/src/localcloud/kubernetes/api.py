"""A client of a Kubernetes API server: requests, and watches that begin again by themselves.

A small one on purpose: the official client brings a model of every type, and the node agent needs JSON and a stream.
"""

from __future__ import annotations

import json
import logging
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from urllib3 import HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

MERGE = "application/merge-patch+json"
_WATCH_SECONDS = 240
_PAUSE_SECONDS = 0.5
#: A name that the certificate of every API server contains, whatever the address of its container is.
_NAME = "kubernetes"

Json = dict[str, Any]
Changed = Callable[[str, Json], None]
logger = logging.getLogger("localcloud")


class ApiError(Exception):
    """An error of the API server, or none of its answers arrived (status 0)."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class Access:
    """The address of an API server, and files with its CA and a client certificate."""

    host: str
    port: int
    authority: Path
    certificate: Path
    key: Path


class Api:
    """The API server of one cluster, as one client."""

    def __init__(self, access: Access) -> None:
        self.access = access
        context = ssl.create_default_context(cafile=str(access.authority))
        context.load_cert_chain(str(access.certificate), str(access.key))
        self._pool = HTTPSConnectionPool(
            access.host, access.port, maxsize=16, ssl_context=context, server_hostname=_NAME, assert_hostname=_NAME
        )

    def _open(self, method: str, path: str, body: Any, content: str, read_seconds: float) -> Any:
        headers = {"Accept": "application/json", "Content-Type": content}
        try:
            answer = self._pool.urlopen(
                method,
                path,
                body=None if body is None else json.dumps(body).encode(),
                headers=headers,
                retries=False,
                preload_content=False,
                timeout=Timeout(connect=5, read=read_seconds),
            )
            if answer.status >= HTTPStatus.BAD_REQUEST:
                text = answer.read().decode(errors="replace")
                answer.release_conn()
                raise _error(answer.status, text)
        except HTTPError as error:
            raise ApiError(0, "Unreachable", str(error)) from error
        return answer

    def request(self, method: str, path: str, body: Any = None, *, content: str = "application/json") -> Any:
        """Returns the decoded answer to a request.

        Raises:
            ApiError: if the API server refuses it, or does not answer within 30 seconds.
        """
        answer = self._open(method, path, body, content, 30)
        try:
            text = answer.read()
        except HTTPError as error:
            raise ApiError(0, "Unreachable", str(error)) from error
        finally:
            answer.release_conn()
        try:
            return json.loads(text)
        except ValueError:
            return text.decode(errors="replace")

    def get(self, path: str) -> Any:
        """Returns an object or a list."""
        return self.request("GET", path)

    def find(self, path: str) -> Json | None:
        """Returns an object; None if it does not exist."""
        try:
            found: Json = self.get(path)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return found

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Creates an object and returns it."""
        return self.request("POST", path, body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """Merges a change into an object and returns it."""
        return self.request("PATCH", path, body, content=MERGE)

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Replaces an object and returns it."""
        return self.request("PUT", path, body)

    def delete(self, path: str, body: Mapping[str, Any] | None = None) -> None:
        """Deletes an object; one that does not exist is no error."""
        try:
            self.request("DELETE", path, body)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    def apply(self, path: str, body: Mapping[str, Any]) -> None:
        """Creates an object below `path`, or merges the body into the existing one."""
        try:
            self.post(path, body)
        except ApiError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            self.patch(f"{path}/{body['metadata']['name']}", body)

    def stream(self, path: str, query: Mapping[str, str]) -> Iterator[Json]:
        """Yields the events of one watch until it ends."""
        answer = self._open("GET", f"{path}?{urlencode(query)}", None, "application/json", _WATCH_SECONDS + 30)
        rest = b""
        try:
            for chunk in answer.stream():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield json.loads(line)
        except HTTPError as error:
            raise ApiError(0, "Unreachable", str(error)) from error
        finally:
            answer.close()
            answer.release_conn()


def _error(status: int, text: str) -> ApiError:
    try:
        known = json.loads(text)
    except ValueError:
        return ApiError(status, HTTPStatus(status).phrase, text)
    return ApiError(status, str(known.get("reason", "")), str(known.get("message", text)))


def key_of(thing: Mapping[str, Any]) -> str:
    """Returns the namespace and the name of an object."""
    metadata = thing["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"


class Watch(threading.Thread):
    """Keeps the objects of one kind, and reports each change: ADDED, MODIFIED or DELETED, on its own thread.

    After an interruption it lists again, and reports what has changed meanwhile.
    """

    def __init__(self, api: Api, path: str, changed: Changed, selector: Mapping[str, str] | None = None) -> None:
        super().__init__(daemon=True, name=f"localcloud-kubernetes{path.rpartition('/')[2]}")
        self._api, self._path, self._changed, self._selector = api, path, changed, dict(selector or {})
        self._stopped = threading.Event()
        self.listed = threading.Event()
        """Set when the first list has arrived and was reported."""
        self.objects: dict[str, Json] = {}

    def stop(self) -> None:
        """Ends the watch, at the latest with the next event."""
        self._stopped.set()

    def run(self) -> None:
        """Watches until `stop`."""
        while not self._stopped.is_set():
            try:
                version = self._list()
                while not self._stopped.is_set():
                    version = self._follow(version)
            except ApiError as error:
                logger.debug("watch %s: %s", self._path, error)
            except Exception:
                logger.exception("watch %s", self._path)
            self._stopped.wait(_PAUSE_SECONDS)

    def _list(self) -> str:
        query = urlencode(self._selector)
        answer = self._api.get(f"{self._path}?{query}" if query else self._path)
        found = {key_of(thing): thing for thing in answer["items"]}
        for key in [key for key in self.objects if key not in found]:
            self._report("DELETED", self.objects[key])
        for thing in found.values():
            self._report("ADDED", thing)
        self.listed.set()
        return str(answer["metadata"]["resourceVersion"])

    def _follow(self, version: str) -> str:
        query = {
            **self._selector,
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(_WATCH_SECONDS),
        }
        for event in self._api.stream(self._path, query):
            if self._stopped.is_set():
                return version
            thing = event["object"]
            if event["type"] == "ERROR":
                raise ApiError(int(thing.get("code", 0)), str(thing.get("reason")), str(thing.get("message")))
            version = str(thing["metadata"]["resourceVersion"])
            if event["type"] != "BOOKMARK":
                self._report(event["type"], thing)
        return version

    def _report(self, kind: str, thing: Json) -> None:
        key = key_of(thing)
        if kind == "DELETED":
            self.objects.pop(key, None)
        else:
            self.objects[key] = thing
        self._changed(kind, thing)
