"""Hosts with MicroK8s in tests, what to apply to them, and requests that must not fail."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound

from localcloud import containers
from localcloud.kubernetes.control_plane import IMAGE
from localcloud.machine_images import image_id
from localcloud.testing.cloud import PULL, Cloud, role, until
from localcloud.testing.fixtures import cannot
from localcloud.testing.hosts import Host, launched, template

UBUNTU = image_id("/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id")
BOOT = """#!/bin/bash
set -eux
snap install microk8s --classic --channel=1.32/stable
snap refresh --hold microk8s
microk8s status --wait-ready --timeout 300
microk8s enable dns
microk8s enable ingress
"""
WEB = """
import http.server, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = (os.environ["RELEASE"] + " " + os.environ.get("POD", "")).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, text, *values): pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("serving", os.environ["RELEASE"], flush=True)
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""


def need_image() -> None:
    """Skips the test if this machine lacks the control plane's image, and no registry has it."""
    try:
        containers.require(docker.from_env(), IMAGE)
    except (APIError, ImageNotFound):
        cannot(f"the image of the control plane is missing: docker pull {IMAGE}")


class Cluster(Host):
    """A host with MicroK8s."""

    def kubectl(self, command: str) -> str:
        """Runs `microk8s kubectl` and returns its output."""
        return self.sh(f"timeout 60 microk8s kubectl {command}")

    def apply(self, *things: dict[str, Any]) -> None:
        """Applies objects."""
        self.write("/root/things.json", json.dumps({"apiVersion": "v1", "kind": "List", "items": list(things)}))
        self.kubectl("apply -f /root/things.json")

    def get(self, what: str) -> dict[str, Any]:
        """Returns an object or a list."""
        found: dict[str, Any] = json.loads(self.kubectl(f"get {what} -o json"))
        return found

    def pods(self, app: str) -> list[dict[str, Any]]:
        """Returns the pods of an application."""
        return list(self.get(f"pods -l app={app}")["items"])

    def waiting(self, app: str) -> set[str]:
        """Returns why containers of an application wait."""
        listed = [s for pod in self.pods(app) for s in pod.get("status", {}).get("containerStatuses", [])]
        return {status["state"].get("waiting", {}).get("reason", "") for status in listed}

    def events(self, name: str) -> str:
        """Returns the events of the objects whose names begin so."""
        listed = self.get("events")["items"]
        own = [event for event in listed if event["involvedObject"]["name"].startswith(name)]
        return "\n".join(f"{event['reason']}: {event['message']}" for event in own)

    def until_waiting(self, app: str, reason: str) -> None:
        """Waits until a container of an application waits for a reason."""
        until(f"{app} waits for {reason}", lambda: reason in self.waiting(app), seconds=90)


def cluster(cloud: Cloud) -> Cluster:
    """Launches a host with MicroK8s, whose role may pull."""
    need_image()
    wanted = template(BOOT, Role=role(PULL, service="ec2.amazonaws.com"))
    wanted["Resources"]["Host"]["Properties"] |= {"ImageId": UBUNTU, "InstanceType": "t4g.medium"}
    host = launched(cloud, wanted)
    host.booted()
    return Cluster(cloud, host.id)


def container(*command: str, **more: Any) -> dict[str, Any]:
    """Returns a container of an image that every machine with a local cloud has."""
    return {"name": "main", "image": "python:3.13-slim", "command": list(command), **more}


def deployment(name: str, spec: dict[str, Any], replicas: int = 1, **more: Any) -> dict[str, Any]:
    """Returns a deployment with one container."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [spec], **more}},
        },
    }


def web(name: str, release: str) -> list[dict[str, Any]]:
    """Returns a web application with a Service and an Ingress for the host `<name>.test`."""
    probe = {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1, "failureThreshold": 30}
    spec = container(
        "python",
        "-c",
        WEB,
        env=[
            {"name": "RELEASE", "value": release},
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        ports=[{"name": "http", "containerPort": 8000}],
        startupProbe=probe,
        readinessProbe=probe,
    )
    service = {"name": name, "port": {"number": 80}}
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": service}}
    return [
        deployment(name, spec, replicas=2, terminationGracePeriodSeconds=10),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": "http"}]},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": name, "annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "8m"}},
            "spec": {"rules": [{"host": f"{name}.test", "http": {"paths": [path]}}]},
        },
    ]


class Load:
    """The answers to requests."""

    def __init__(self, url: str, host: str) -> None:
        self._url, self._host = url, host
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []

    def ask(self) -> None:
        """Sends one request and counts the first word of its answer."""
        asked = urllib.request.Request(self._url, headers={"Host": self._host})
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                self.answers[answer.read().decode().split()[0]] += 1
        except OSError as error:
            self.failures.append(repr(error))


@contextmanager
def load(url: str, host: str, per_second: int = 20) -> Iterator[Load]:
    """Sends requests at a steady rate while the block runs."""
    made, ended, asking = Load(url, host), threading.Event(), []

    def run() -> None:
        due = time.monotonic()
        while not ended.is_set():
            asking.append(threading.Thread(target=made.ask, daemon=True))
            asking[-1].start()
            due += 1 / per_second
            ended.wait(max(0.0, due - time.monotonic()))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        ended.set()
        thread.join()
        for request in asking:
            request.join(30)
