"""Puts a release into the product's manifests: the digests of its images, its variables, and the registry's password.

Pure functions of the objects, so that the same release always gives the same objects, and no rollout without a change.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping

Object = dict[str, Any]
PULL_SECRET = "slipway-registry"  # noqa: S105 - the name of an object
MANAGED = {"app.kubernetes.io/managed-by": "slipway"}
"""The labels of the objects that Slipway makes."""
_DIGITS = 10  # of the digest in a generated name, as kustomize's generators have


@dataclass(frozen=True)
class Place:
    """Where a release goes: the names in the manifests, as the configuration says them."""

    namespace: str
    deployment: str
    container: str
    image: str
    """The image of the manifest that the container runs."""
    config_map: str
    secret: str


@dataclass(frozen=True)
class Rendered:
    """The objects of a release in the order in which they are applied."""

    made: list[Object] = field(default_factory=list)
    """The ConfigMap and the Secret. They never change: another content has another name."""
    objects: list[Object] = field(default_factory=list)
    """The product's own."""

    @property
    def digest(self) -> str:
        """A digest of everything, to notice that a secret has changed."""
        return hashlib.sha256(_json([*self.made, *self.objects])).hexdigest()

    @property
    def keys(self) -> list[str]:
        """The product's objects, each as kind/name."""
        return [key(found) for found in self.objects]

    @property
    def made_keys(self) -> list[str]:
        """The objects that Slipway makes, each as kind/name."""
        return [key(found) for found in self.made]

    def deployment(self, name: str) -> Object | None:
        """Returns a deployment; None if there is none of this name."""
        return next((found for found in self.objects if key(found) == f"Deployment/{name}"), None)

    def rolled_out(self) -> list[str]:
        """Returns the deployments, whose rollouts a release waits for."""
        return [found["metadata"]["name"] for found in self.objects if found["kind"] == "Deployment"]


def key(found: Object) -> str:
    """Returns kind and name of an object, e.g. Deployment/django-app."""
    return f"{found['kind']}/{found['metadata']['name']}"


def render(
    objects: list[Object],
    place: Place,
    *,
    images: Mapping[str, str],
    config: Mapping[str, str],
    secret: Mapping[str, str],
    password: bool = True,
) -> Rendered:
    """Returns the objects of a release; `objects` stay as they are.

    `images` are the release's by the names of the manifest, each by digest. With a `password`, pods pull with that of
    `pull_secret`.
    """
    config_map = _generated("ConfigMap", place.config_map, place.namespace, dict(config))
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in secret.items()}
    secrets = _generated("Secret", place.secret, place.namespace, encoded)
    names = {
        ("configMap", place.config_map): config_map["metadata"]["name"],
        ("secret", place.secret): secrets["metadata"]["name"],
    }
    own = _own_repository(objects, place)
    found = copy.deepcopy(objects)
    for part in found:
        part.setdefault("metadata", {})["namespace"] = place.namespace
        for pod in pods(part):
            _refer(pod, names)
            if password:
                _pull(pod)
            for container in containers(pod):
                image = image_of(str(container.get("image", "")), own, place.image, images)
                if image is not None:
                    container["image"] = images[image]
    return Rendered([config_map, secrets], found)


def pull_secret(namespace: str, registry: str, password: str) -> Object:
    """Returns the secret with which pods pull from the registry."""
    login = {"username": "AWS", "password": password, "auth": base64.b64encode(f"AWS:{password}".encode()).decode()}
    content = base64.b64encode(_json({"auths": {registry: login}})).decode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": PULL_SECRET, "namespace": namespace, "labels": MANAGED},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": content},
    }


def namespace(name: str) -> Object:
    """Returns a namespace, in which no pod may get rights over its host: Kubernetes' pod security standards."""
    labels = {**MANAGED, "pod-security.kubernetes.io/enforce": "baseline"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def repository(image: str) -> str:
    """Returns an image's name without tag and digest."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def image_of(image: str, own: str, default: str, images: Mapping[str, str]) -> str | None:
    """Returns which image of the release a container runs, by the image that its manifest names; None if none.

    builds/programs/manifest_checks.py decides in the same way, and refuses the rest.
    """
    name = repository(image)
    if name == own:
        return default
    last = name.rpartition("/")[2]
    return last if last in images else None


def pods(found: Object) -> Iterator[Object]:
    """Yields the pod specifications of an object: one, or none."""
    spec = found.get("spec") or {}
    if found.get("kind") == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    pod = (spec.get("template") or {}).get("spec") if isinstance(spec, dict) else None
    if isinstance(pod, dict) and found.get("kind") in ("Deployment", "CronJob", "Job"):
        yield pod


def containers(pod: Object) -> Iterator[Object]:
    """Yields the containers of a pod, those that prepare it first."""
    for kind in ("initContainers", "containers"):
        yield from (container for container in pod.get(kind) or [])


def _own_repository(objects: list[Object], place: Place) -> str:
    for found in objects:
        if key(found) == f"Deployment/{place.deployment}":
            for pod in pods(found):
                for container in containers(pod):
                    if container.get("name") == place.container:
                        return repository(str(container.get("image", "")))
    return ""


def _generated(kind: str, name: str, where: str, data: dict[str, str]) -> Object:
    digest = hashlib.sha256(_json(data)).hexdigest()[:_DIGITS]
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": f"{name}-{digest}", "namespace": where, "labels": MANAGED},
        "immutable": True,
        "data": data,
    }


_REFERENCES = {
    "configMapRef": ("configMap", "name"),
    "configMapKeyRef": ("configMap", "name"),
    "configMap": ("configMap", "name"),
    "secretRef": ("secret", "name"),
    "secretKeyRef": ("secret", "name"),
    "secret": ("secret", "secretName"),
}
"""Keys of a pod that refer to a ConfigMap or a Secret, and the key of its name. A projected volume's has `name`."""


def _refer(part: Any, names: Mapping[tuple[str, str], str]) -> None:
    """Lets every reference to the ConfigMap and the Secret name those of this release."""
    if isinstance(part, list):
        for item in part:
            _refer(item, names)
    if not isinstance(part, dict):
        return
    for name, value in part.items():
        if name in _REFERENCES and isinstance(value, dict):
            kind, own = _REFERENCES[name]
            for attribute in (own, "name"):
                wanted = names.get((kind, str(value.get(attribute))))
                if wanted:
                    value[attribute] = wanted
        _refer(value, names)


def _pull(pod: Object) -> None:
    given = [found for found in pod.get("imagePullSecrets") or [] if found.get("name") != PULL_SECRET]
    pod["imagePullSecrets"] = [*given, {"name": PULL_SECRET}]


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
