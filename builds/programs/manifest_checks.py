"""Checks Kubernetes manifests before anything is deployed: file and line of each problem, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Set, Tuple

from compose_yaml import Table
from manifest_pods import Reference, check_pod, references
from manifest_yaml import Manifest, listed, table

# The kinds that a release may have, with the versions that Kubernetes 1.34 serves. None gives rights in the cluster.
KINDS = {
    "ConfigMap": ("v1",),
    "CronJob": ("batch/v1",),
    "Deployment": ("apps/v1",),
    "HorizontalPodAutoscaler": ("autoscaling/v1", "autoscaling/v2"),
    "Ingress": ("networking.k8s.io/v1",),
    "NetworkPolicy": ("networking.k8s.io/v1",),
    "PodDisruptionBudget": ("policy/v1",),
    "Service": ("v1",),
    "ServiceAccount": ("v1",),
}
_RIGHTS = "gives rights in the cluster, which a release must not: an administrator applies it by hand"
_DATA = "keeps data in the cluster, which ends with its host: use database, cache and media of the manifest"
INSTEAD = {
    **dict.fromkeys(("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"), _RIGHTS),
    **dict.fromkeys(("PersistentVolume", "PersistentVolumeClaim", "StatefulSet", "StorageClass"), _DATA),
    "Secret": "would put a secret into the repository: name it under secrets in the manifest, and remove it here",
    "Namespace": "is made by Slipway: write its name as kubernetes.namespace, and remove it here",
    "Job": "would not run again with the next release: write a CronJob, or migration in the manifest",
    "Pod": "is not started again when it ends: write a Deployment",
    "List": "is not read: write its items as documents, separated by ---",
    "DaemonSet": "runs on each node, which belongs to the cluster's administrator: write a Deployment",
}
_SNIPPET = "snippet"  # annotations with which an Ingress puts code into the controller of all
_REGISTRY = "slipway-registry"


@dataclass(frozen=True)
class Expected:
    """The names and limits in the manifest of the product, for one environment."""

    name: str
    files: List[str]
    namespace: str
    deployment: str
    container: str
    image: str
    """The image of the manifest that the container runs."""
    images: List[str]
    service: str
    service_port: int
    config_map: str
    config: List[str]
    """The names of the variables in the ConfigMap."""
    secret: str
    secrets: List[str]
    ingress: bool
    """True if requests come through an Ingress of the manifests."""


@dataclass
class Problems:
    """The problems found so far, in order; none is listed twice."""

    lines: List[str] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        """Adds a problem; `where` is file:line."""
        line = f"{where}: {what}"
        if line not in self.lines:
            self.lines.append(line)


def check(expected: Expected, manifests: List[Manifest], problems: Problems) -> None:
    """Adds the problems of an environment's manifests."""
    known = [manifest for manifest in manifests if _kind(manifest, problems)]
    _names(expected, known, problems)
    deployment = _deployment(expected, known, problems)
    own, written = _own_image(expected, deployment), Written.by(expected, known)
    for manifest in known:
        for path, pod in pods(manifest):
            check_pod(manifest, path, pod, (own, expected.images), problems)
            for reference in references(pod):
                if problem := written.problem(reference):
                    problems.add(manifest.where(*path, *reference.path), problem)
    if deployment:
        _container(expected, deployment, problems)
        _service(expected, deployment, known, problems)
    _entrances(expected, known, problems)


def pods(manifest: Manifest) -> Iterator[Tuple[Tuple[Any, ...], Any]]:
    """Yields the pod specifications of an object, each with its path."""
    paths = {"Deployment": ("spec", "template", "spec"), "CronJob": ("spec", "jobTemplate", "spec", "template", "spec")}
    path = paths.get(manifest.kind)
    if path and table(manifest.content, *path):
        yield path, table(manifest.content, *path)


def _kind(manifest: Manifest, problems: Problems) -> bool:
    kind, version = manifest.kind, manifest.content.get("apiVersion")
    if not kind or not version:
        missing = "apiVersion" if kind else "kind"
        problems.add(manifest.where(), f"the object has no {missing}: write e.g. apiVersion: apps/v1, kind: Deployment")
        return False
    if kind not in KINDS:
        why = INSTEAD.get(kind, f"is no kind that a release may have; these are: {', '.join(sorted(KINDS))}")
        problems.add(manifest.where("kind"), f"the {kind} {manifest.name} {why}")
        return False
    if version not in KINDS[kind]:
        written = " or ".join(KINDS[kind])
        problems.add(manifest.where("apiVersion"), f"the {kind} {manifest.name} has {version}; write {written}")
    if not manifest.name:
        problems.add(manifest.where("metadata"), f"the {kind} has no name: write metadata: {{name: …}}")
    return bool(manifest.name)


def _names(expected: Expected, manifests: List[Manifest], problems: Problems) -> None:
    taken: Dict[Tuple[str, str], str] = {}
    for manifest in manifests:
        metadata = table(manifest.content, "metadata")
        where, name = manifest.where("metadata", "name"), (manifest.kind, manifest.name)
        if name in taken:
            problems.add(where, f"the {manifest.kind} {manifest.name} is also in {taken[name]}: the later would win")
        taken.setdefault(name, where)
        namespace = metadata.get("namespace", expected.namespace)
        if namespace != expected.namespace:
            problems.add(
                manifest.where("metadata", "namespace"),
                f"the {manifest.kind} {manifest.name} is in the namespace {namespace}, and a release goes to "
                f"{expected.namespace} (kubernetes.namespace): remove the line, or change the other",
            )
        if name == ("ConfigMap", expected.config_map):
            problems.add(
                where,
                f"Slipway makes the ConfigMap {manifest.name} from variables of the manifest: write its values there, "
                "or another name as kubernetes.config_map",
            )


def _deployment(expected: Expected, manifests: List[Manifest], problems: Problems) -> Any:
    found = [manifest for manifest in manifests if manifest.kind == "Deployment"]
    for manifest in found:
        if manifest.name == expected.deployment:
            return manifest
    names = ", ".join(manifest.name for manifest in found) or "none"
    problems.add(
        expected.files[0] + ":1",
        f"no manifest has the deployment {expected.deployment} (kubernetes.deployment); the deployments are: {names}",
    )
    return None


def _own_image(expected: Expected, deployment: Any) -> str:
    for _, pod in pods(deployment) if deployment else ():
        for _, container in listed(pod, "containers"):
            if container.get("name") == expected.container:
                return str(container.get("image") or "")
    return ""


def _container(expected: Expected, deployment: Manifest, problems: Problems) -> None:
    path, pod = next(pods(deployment), ((), Table()))
    found = {str(container.get("name")): number for number, container in listed(pod, "containers")}
    if expected.container not in found:
        problems.add(
            deployment.where(*(path or ("spec",)), "containers"),
            f"the deployment {deployment.name} has no container {expected.container} (kubernetes.container); its "
            f"containers are: {', '.join(found) or 'none'}",
        )
        return
    number = found[expected.container]
    if "readinessProbe" not in pod["containers"][number]:
        problems.add(
            deployment.where(*path, "containers", number),
            f"the container {expected.container} has no readinessProbe, so it would get requests before it can answer: "
            "add e.g. readinessProbe: {httpGet: {path: /, port: 8000}}",
        )


def _service(expected: Expected, deployment: Manifest, manifests: List[Manifest], problems: Problems) -> None:
    found = next((known for known in manifests if known.kind == "Service" and known.name == expected.service), None)
    if found is None:
        names = ", ".join(known.name for known in manifests if known.kind == "Service") or "none"
        problems.add(
            deployment.where(),
            f"no manifest has the Service {expected.service} (kubernetes.service); the Services are: {names}",
        )
        return
    ports = [port.get("port") for _, port in listed(table(found.content, "spec"), "ports")]
    if expected.service_port not in ports:
        problems.add(
            found.where("spec", "ports"),
            f"the Service {found.name} has no port {expected.service_port} (kubernetes.service_port); its ports are: "
            f"{', '.join(map(str, ports)) or 'none'}",
        )
    labels = table(deployment.content, "spec", "template", "metadata", "labels")
    wanted = table(found.content, "spec", "selector")
    if not wanted or any(labels.get(name) != value for name, value in wanted.items()):
        problems.add(
            found.where("spec", "selector"),
            f"the Service {found.name} does not select the pods of {deployment.name}: write its labels, "
            f"{', '.join(f'{name}: {value}' for name, value in labels.items()) or 'of which it has none'}",
        )


def _entrances(expected: Expected, manifests: List[Manifest], problems: Problems) -> None:
    """Adds what would open a port of the host, and an Ingress that leads nowhere."""
    leading = False
    for manifest in manifests:
        spec = table(manifest.content, "spec")
        if manifest.kind == "Service" and spec.get("type", "ClusterIP") != "ClusterIP":
            problems.add(
                manifest.where("spec", "type"),
                f"the Service {manifest.name} has type {spec['type']}, which opens a port of the host; remove it: "
                "requests come through CloudFront and the load balancer",
            )
        if manifest.kind == "Service" and "externalIPs" in spec:
            problems.add(
                manifest.where("spec", "externalIPs"), f"the Service {manifest.name} has externalIPs: remove them"
            )
        for name in table(manifest.content, "metadata", "annotations"):
            if _SNIPPET in name and manifest.kind == "Ingress":
                problems.add(
                    manifest.where("metadata", "annotations", name),
                    f"the Ingress {manifest.name} puts code into the controller ({name}): remove it",
                )
        if manifest.kind == "Ingress":
            leading = leading or expected.service in _backends(spec)
    if expected.ingress and not leading:
        backend = f"{{service: {{name: {expected.service}, port: {{number: {expected.service_port}}}}}}}"
        problems.add(
            expected.files[0] + ":1",
            f"no Ingress leads to the Service {expected.service}, so no request reaches it: add one, with spec: "
            f"{{rules: [{{http: {{paths: [{{path: /, pathType: Prefix, backend: {backend}}}]}}}}]}}",
        )


def _backends(spec: Any) -> Iterator[str]:
    """Yields the names of the Services that an Ingress leads to."""
    yield str(table(spec, "defaultBackend", "service").get("name"))
    for _, rule in listed(spec, "rules"):
        for _, path in listed(table(rule, "http"), "paths"):
            yield str(table(path, "backend", "service").get("name"))


@dataclass(frozen=True)
class Written:
    """The ConfigMaps and Secrets that pods may read, with their keys, by kind and name."""

    keys: Dict[str, Dict[str, Set[str]]]

    @classmethod
    def by(cls, expected: Expected, manifests: List[Manifest]) -> Written:
        """Returns those of the manifests, and those that Slipway makes."""
        own = {known.name: set(table(known.content, "data")) for known in manifests if known.kind == "ConfigMap"}
        config = {**own, expected.config_map: set(expected.config)}
        return cls({"ConfigMap": config, "Secret": {expected.secret: set(expected.secrets), _REGISTRY: set()}})

    def problem(self, found: Reference) -> str:
        """Returns what is wrong with a reference; empty if nothing is."""
        known = self.keys[found.kind]
        if found.optional:
            return ""
        if found.name not in known:
            where = {"ConfigMap": "variables", "Secret": "secrets"}[found.kind]
            names = " or ".join(sorted(set(known) - {_REGISTRY}))
            return f"nobody writes the {found.kind} {found.name}; write {names}, which has the {where} of the manifest"
        if found.key and known[found.name] and found.key not in known[found.name]:
            return f"the {found.kind} {found.name} has no {found.key}; it has {', '.join(sorted(known[found.name]))}"
        return ""
