"""Services and Ingresses: tables of ready pods, for relays on the local cloud's network.

Each Service has a relay, whose names are those of the Service. A node's relay serves its Ingresses and the kubelet's
port. A table is sent to its relay when it changes; the relay acknowledges it, so that a pod gets no connection any
more before it is told to stop.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, NotFound

from localcloud import network, settings
from localcloud.kubernetes.api import Api, ApiError, Json, Watch, key_of
from localcloud.kubernetes.control_plane import CLUSTER_LABEL, ROLE_LABEL, Place
from localcloud.kubernetes.events import WARNING, Events
from localcloud.kubernetes.pod_containers import aliases

SYMBOLS: tuple[str, ...] = ()

NODE = "node"
"""The name of the table of a node's relay."""
CLASSES = ("public", "nginx")
FORWARDED_SETTINGS = "ingress/nginx-load-balancer-microk8s-conf"
"""The ConfigMap of MicroK8s' ingress controller, whose `use-forwarded-headers` is respected."""
_SCRIPT = Path(__file__).parents[1] / "bin" / "cluster_relay.py"
_NAME_LABEL = f"{settings.LABEL}.service"
_WITHDRAWAL_SECONDS = 3.0
_PAUSE_SECONDS = 30.0
_KUBELET_PORT = 10250
DOOR_PORT = 443
"""The port of the node's relay at which clients reach the API server of an EKS cluster."""
_NETWORKING = "/apis/networking.k8s.io/v1"
_ANNOTATIONS = "nginx.ingress.kubernetes.io/"
logger = logging.getLogger("localcloud")


class Router:
    """The routes of one cluster."""

    def __init__(self, place: Place, api: Api, certificate: str, door: str = "") -> None:
        """`certificate` is the kubelet's, in PEM with its key; `door` that of an API server that clients reach here."""
        self._place, self._api = place, api
        self._events = Events(api, place.cluster, "local-cloud")
        self._kubelet = {"port": _KUBELET_PORT, "certificate": certificate}
        self._door = {"port": DOOR_PORT, "certificate": door} if door else None
        self._client = docker.from_env(timeout=120)
        self._changed = threading.Condition()
        self._tables: dict[str, Json] = {}
        self._acknowledged: dict[str, int] = {}
        self._addresses: dict[str, str] = {}
        self._starting = threading.Lock()
        self._stopped = False
        self._serves_ingresses = False
        self._services = Watch(api, "/api/v1/services", self._service)
        self._endpoints = Watch(api, "/api/v1/endpoints", lambda _kind, _thing: self._compute())
        self._ingresses = Watch(api, f"{_NETWORKING}/ingresses", self._ingress)
        self._settings = Watch(api, "/api/v1/namespaces/ingress/configmaps", lambda _kind, _thing: self._compute())

    # --- life --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the node's relay and follows Services and Ingresses."""
        ROUTERS[self._place.cluster] = self
        self.start_node_relay()
        for watch in self._watches():
            watch.start()

    def start_node_relay(self) -> None:
        """Starts the node's relay in the network of the control plane, which is a new one after its restart."""
        plane = self._client.containers.get(self._place.container_name)
        self._start_relay(NODE, {"network_mode": f"container:{plane.id}"})

    def _watches(self) -> tuple[Watch, ...]:
        return self._services, self._endpoints, self._ingresses, self._settings

    def stop(self) -> None:
        """Ends the routes; the relays go on with their last tables."""
        ROUTERS.pop(self._place.cluster, None)
        for watch in self._watches():
            watch.stop()
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def serve_ingresses(self) -> None:
        """Listens at the node's port 80 from now on."""
        self._serves_ingresses = True
        self._compute()

    # --- relays ------------------------------------------------------------------------------------------------------

    def _relay_name(self, table: str) -> str:
        suffix = table.replace("/", "-")
        return f"{settings.current().network}-kubernetes-{self._place.cluster}-{suffix}"

    def _start_relay(self, table: str, options: Mapping[str, Any]) -> Any:
        """Starts the relay of a table unless it runs; returns its container."""
        name = self._relay_name(table)
        try:
            found = self._client.containers.get(name)
            if found.status == "running" and table != NODE:
                return found
            found.remove(force=True)
        except NotFound:
            pass
        relay = self._client.containers.create(
            network.relay_image(self._client) or network.RELAY_IMAGES[0],
            ["python", "-c", _SCRIPT.read_text(encoding="utf-8"), self._place.cluster, table],
            name=name,
            labels={**self._place.labels, ROLE_LABEL: "relay", _NAME_LABEL: table},
            volumes={str(settings.current().socket.parent): {"bind": "/sock", "mode": "rw"}},
            init=True,
            restart_policy={"Name": "on-failure"},
            **options,
        )
        relay.start()
        relay.reload()
        return relay

    def _service(self, kind: str, service: Json) -> None:
        key = key_of(service)
        if key == "default/kubernetes" or service["spec"].get("type") == "ExternalName":
            return
        if kind == "DELETED":
            self._addresses.pop(key, None)
            threading.Thread(target=self._remove_relay, args=(key,), daemon=True, name="localcloud-service").start()
        elif key not in self._addresses:
            self._addresses[key] = ""
            threading.Thread(target=self._add_relay, args=(key,), daemon=True, name="localcloud-service").start()
        self._compute()

    def _add_relay(self, key: str) -> None:
        own = self._place.network
        endpoint = self._client.api.create_endpoint_config(aliases=aliases(*key.split("/")))
        with self._starting:
            try:
                relay = self._start_relay(key, {"network": own, "networking_config": {own: endpoint}})
            except (APIError, NotFound) as error:
                logger.warning("the relay of the Service %s: %s", key, error)
                self._addresses.pop(key, None)
                return
        self._addresses[key] = str(relay.attrs["NetworkSettings"]["Networks"][own]["IPAddress"])

    def _remove_relay(self, key: str) -> None:
        with self._starting:
            try:
                self._client.containers.get(self._relay_name(key)).remove(force=True)
            except (NotFound, APIError) as error:
                logger.debug("the relay of the Service %s: %s", key, error)

    def services(self, namespace: str) -> dict[str, Json]:
        """Returns the Services of a namespace that can be reached, by name, with `address` and `ports`."""
        found = {}
        for key, service in list(self._services.objects.items()):
            own, name = key.split("/")
            if own == namespace and self._addresses.get(key):
                found[name] = {"address": self._addresses[key], "ports": service["spec"].get("ports") or []}
        return found

    # --- Ingresses ---------------------------------------------------------------------------------------------------

    def _ingress(self, kind: str, ingress: Json) -> None:
        self._compute()
        if kind == "DELETED":
            return
        metadata = ingress["metadata"]
        named = {**ingress, "kind": "Ingress", "apiVersion": "networking.k8s.io/v1"}
        ignored = sorted(name for name in metadata.get("annotations") or {} if name.startswith(_ANNOTATIONS))
        if ignored:
            text = f"The local cloud's Ingress does not know the annotations {', '.join(ignored)}"
            self._events.write(named, WARNING, "Unsupported", text)
        if ingress["spec"].get("tls"):
            self._events.write(named, WARNING, "Unsupported", "The local cloud's Ingress listens without TLS")
        if self._serves_ingresses and not ((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress"):
            path = f"{_NETWORKING}/namespaces/{metadata['namespace']}/ingresses/{metadata['name']}/status"
            try:
                self._api.patch(path, {"status": {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}})
            except ApiError as error:
                logger.debug("the status of the Ingress %s: %s", metadata["name"], error)

    # --- tables ------------------------------------------------------------------------------------------------------

    def _backends(self, key: str, port: Mapping[str, Any]) -> list[list[Any]]:
        """Returns address and port of the ready pods behind a port of a Service."""
        subsets = (self._endpoints.objects.get(key) or {}).get("subsets") or ()
        return sorted(
            [address["ip"], int(own["port"])]
            for subset in subsets
            for own in subset.get("ports") or ()
            if own.get("name", "") == port.get("name", "")
            for address in subset.get("addresses") or ()
        )

    def _compute(self) -> None:
        """Computes the tables anew, and sends those that differ."""
        with self._changed:
            made: dict[str, Json] = {}
            for key, service in list(self._services.objects.items()):
                ports = service["spec"].get("ports") or ()
                made[key] = {"tcp": {str(port["port"]): self._backends(key, port) for port in ports}, "http": {}}
            made[NODE] = {"tcp": {}, "http": self._ingress_table(), "kubelet": self._kubelet, "api": self._door}
            for name, table in made.items():
                before = self._tables.get(name, {"version": 0})
                wanted = {"kubelet": None, "api": None, **table}
                if wanted != {k: v for k, v in before.items() if k != "version"}:
                    self._tables[name] = {**wanted, "version": before["version"] + 1}
            for name in [name for name in self._tables if name not in made]:
                del self._tables[name]
            self._changed.notify_all()

    def _ingress_table(self) -> Json:
        if not self._serves_ingresses:
            return {}
        known = self._settings.objects.get(FORWARDED_SETTINGS) or {}
        forwarded = str((known.get("data") or {}).get("use-forwarded-headers", "false")).lower() == "true"
        rules = []
        for ingress in list(self._ingresses.objects.values()):
            spec, metadata = ingress["spec"], ingress["metadata"]
            given = spec.get("ingressClassName") or (metadata.get("annotations") or {}).get(
                "kubernetes.io/ingress.class"
            )
            if given and given not in CLASSES:
                continue
            for rule in spec.get("rules") or ():
                paths = (rule.get("http") or {}).get("paths") or ()
                rules += [self._rule(metadata["namespace"], rule.get("host", ""), path) for path in paths]
            if spec.get("defaultBackend"):
                path = {"path": "/", "pathType": "Prefix", "backend": spec["defaultBackend"]}
                rules.append(self._rule(metadata["namespace"], "", path))
        return {"80": {"rules": rules, "forwarded": forwarded}}

    def _rule(self, namespace: str, host: str, path: Mapping[str, Any]) -> Json:
        service = (path.get("backend") or {}).get("service") or {}
        key, wanted = f"{namespace}/{service.get('name')}", service.get("port") or {}
        ports = ((self._services.objects.get(key) or {}).get("spec") or {}).get("ports") or ()
        port = next(
            (
                p
                for p in ports
                if p["port"] == wanted.get("number") or (p.get("name") and p["name"] == wanted.get("name"))
            ),
            None,
        )
        kind = path.get("pathType") or "ImplementationSpecific"
        backends = self._backends(key, port) if port else []
        return {"host": host.lower(), "path": path.get("path") or "/", "type": kind, "backends": backends}

    # --- relays ask --------------------------------------------------------------------------------------------------

    def serve(self, connection: socket.socket, name: str) -> None:
        """Sends a table to its relay whenever it changes, until the relay ends."""
        threading.Thread(
            target=self._acknowledge, args=(connection, name), daemon=True, name="localcloud-relay"
        ).start()
        sent = 0
        while not self._stopped:
            table = self._newer(name, sent)
            if table is not None:
                connection.sendall(json.dumps(table).encode() + b"\n")
                sent = table["version"]

    def _newer(self, name: str, sent: int) -> Json | None:
        """Waits for a version of a table that was not sent yet, for half a minute at most."""

        def found() -> Json | None:
            table = self._tables.get(name)
            return table if table is not None and table["version"] != sent else None

        with self._changed:
            self._changed.wait_for(lambda: self._stopped or found(), timeout=_PAUSE_SECONDS)
            return found()

    def _acknowledge(self, connection: socket.socket, name: str) -> None:
        try:
            with connection.makefile("rb") as lines:
                for line in lines:
                    with self._changed:
                        self._acknowledged[name] = int(line)
                        self._changed.notify_all()
        except (OSError, ValueError) as error:
            logger.debug("relay %s: %s", name, error)

    def withdrawn(self, address: str) -> bool:
        """Waits until no relay passes connections to an address any more; False if one still does after 3 seconds."""
        deadline = time.monotonic() + _WITHDRAWAL_SECONDS

        def is_out() -> bool:
            for name, table in self._tables.items():
                if json.dumps(address) in json.dumps(table):
                    return False
                if name in self._acknowledged and self._acknowledged[name] < table["version"]:
                    return False
            return True

        with self._changed:
            return self._changed.wait_for(is_out, timeout=deadline - time.monotonic())

    def remove(self) -> None:
        """Removes all relays of the cluster."""
        labels = [f"{CLUSTER_LABEL}={self._place.cluster}", f"{ROLE_LABEL}=relay"]
        for relay in self._client.containers.list(all=True, ignore_removed=True, filters={"label": labels}):
            try:
                relay.remove(force=True)
            except (NotFound, APIError) as error:
                logger.debug("relay %s: %s", relay.name, error)


ROUTERS: dict[str, Router] = {}
