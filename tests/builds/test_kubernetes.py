"""Kubernetes manifests are checked before anything is deployed: every problem with its file and line, all together."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

import manifest_bundle

APP = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: django-app
spec:
  replicas: 2
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
        - name: django-container
          image: book-shop:latest
          envFrom:
            - secretRef: {name: django-app}
            - configMapRef: {name: django-app}
          readinessProbe:
            httpGet: {path: /status/, port: 8000}
          args: ["1:30", 2026-01-01, 0644, yes]
---
apiVersion: v1
kind: Service
metadata: {name: django-app}
spec:
  selector: {app: shop}
  ports: [{port: 80, targetPort: 8000}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: django-app}
spec:
  defaultBackend:
    service: {name: django-app, port: {number: 80}}
---
"""
PRODUCTION: dict[str, Any] = {
    "files": ["k8s/app.yaml"],
    "namespace": "shop",
    "deployment": "django-app",
    "container": "django-container",
    "image": "app",
    "images": ["app"],
    "service": "django-app",
    "service_port": 80,
    "config_map": "django-app",
    "config": ["RELEASE_VERSION"],
    "secret": "django-app",
    "secrets": ["SECRET_KEY"],
    "ingress": True,
}


@pytest.fixture(name="source")
def _source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a manifest, which is the working directory."""
    folder = tmp_path / "source"
    (folder / "k8s").mkdir(parents=True)
    (folder / "k8s" / "app.yaml").write_text(APP)
    monkeypatch.chdir(folder)
    return folder


def bundle(**changes: Any) -> bytes:
    manifest_bundle.main({"environments": {"production": {**PRODUCTION, **changes}}}, Path("bundle.tar.gz"))
    return Path("bundle.tar.gz").read_bytes()


def objects(packed: bytes) -> list[dict[str, Any]]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        file = archive.extractfile("kubernetes/production.json")
        assert file is not None
        found: list[dict[str, Any]] = json.loads(file.read())
        return found


def problems(capsys: pytest.CaptureFixture[str], **changes: Any) -> list[str]:
    """Returns what a build that fails reports."""
    with pytest.raises(SystemExit):
        bundle(**changes)
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    assert re.match(rf"FAILED: {len(lines) - 1} problems? in the manifests", lines[-1])
    return lines[:-1]


def test_a_bundle_has_the_objects_as_kubectl_reads_them(source: Path) -> None:
    found = objects(bundle())

    assert [(part["kind"], part["metadata"]["name"]) for part in found] == [
        ("Deployment", "django-app"),
        ("Service", "django-app"),
        ("Ingress", "django-app"),
    ]
    (container,) = found[0]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["1:30", "2026-01-01", 420, True]
    assert container["image"] == "book-shop:latest"


def test_the_same_files_give_the_same_bytes(source: Path) -> None:
    first = bundle()
    (source / "k8s" / "app.yaml").touch()

    assert bundle() == first


POD, CONTAINER = "    spec:\n      containers:\n", "          image: book-shop:latest\n"
SERVICE_AND_INGRESS = """\
apiVersion: v1
kind: Service
metadata: {name: django-app}
spec:
  selector: {app: shop}
  ports: [{port: 80}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: django-app}
spec:
  defaultBackend"""
WRONG: dict[str, tuple[str, str, str]] = {
    "no YAML": ("replicas: 2", "replicas: [2", "k8s/app.yaml:7: is not YAML: "),
    "a key twice": (
        "  replicas: 2\n",
        "  replicas: 2\n  replicas: 3\n",
        "k8s/app.yaml:7: is not YAML: has the",
    ),
    "an alias": (
        "replicas: 2",
        "replicas: &a 2\n  minReadySeconds: *a",
        "k8s/app.yaml:7: is not YAML: replace *a by its",
    ),
    "a tag": ("replicas: 2", "replicas: !!python/name:os.system 2", "k8s/app.yaml:6: is not YAML: "),
    "no object": (APP, "- a\n", "k8s/app.yaml:1: is no object: write apiVersion, kind and metadata"),
    "no kind": ("kind: Ingress\n", "", "k8s/app.yaml:30: the object has no kind"),
    "no name": ("metadata: {name: django-app}\nspec:\n  selector", "spec:\n  selector", ": the Service has no name"),
    "another version": (
        "apps/v1",
        "extensions/v1beta1",
        "k8s/app.yaml:1: the Deployment django-app has extensions/v1beta1; ",
    ),
    "no deployment": (
        "kind: Deployment",
        "kind: DaemonSet",
        "k8s/app.yaml:2: the DaemonSet django-app runs on each node",
    ),
    "another deployment": (
        "  name: django-app\nspec:\n  replicas",
        "  name: web\nspec:\n  replicas",
        "k8s/app.yaml:1: no manifest has the deployment django-app (kubernetes.deployment); the deployments are: web",
    ),
    "another container": (
        "name: django-container",
        "name: django",
        "k8s/app.yaml:13: the deployment django-app has no container django-container (kubernetes.container); its",
    ),
    "another namespace": (
        "  name: django-app\nspec:\n  replicas",
        "  name: django-app\n  namespace: kube-system\nspec:\n  replicas",
        "k8s/app.yaml:5: the Deployment django-app is in the namespace kube-system, and a release goes to shop",
    ),
    "host path": (
        POD,
        f"    spec:\n      volumes: [{{name: all, hostPath: {{path: /}}}}]\n{POD.partition(chr(10))[2]}",
        "k8s/app.yaml:13: the Deployment django-app has a volume all of the kind hostPath, which mounts /",
    ),
    "claim": (
        POD,
        f"    spec:\n      volumes: [{{name: a, persistentVolumeClaim: {{}}}}]\n{POD.partition(chr(10))[2]}",
        "which keeps data. A pod has configMap, downwardAPI, emptyDir, projected, secret: remove it",
    ),
    "host network": (
        POD,
        f"    spec:\n      hostNetwork: true\n{POD.partition(chr(10))[2]}",
        "k8s/app.yaml:13: the Deployment django-app has hostNetwork: true. A pod must not become root of its host",
    ),
    "privileged": (
        CONTAINER,
        f"{CONTAINER}          securityContext:\n            privileged: true\n",
        "k8s/app.yaml:17: the container django-container of django-app is privileged.",
    ),
    "capability": (
        CONTAINER,
        f"{CONTAINER}          securityContext: {{capabilities: {{add: [SYS_ADMIN]}}}}\n",
        "k8s/app.yaml:16: the container django-container of django-app adds the capability SYS_ADMIN.",
    ),
    "port of the host": (
        CONTAINER,
        f"{CONTAINER}          ports: [{{containerPort: 1, hostPort: 1}}]\n",
        "k8s/app.yaml:16: the container django-container of django-app opens a port of the host.",
    ),
    "foreign image": (
        "          args:",
        "        - name: helper\n          image: evil.example/miner:1\n          args:",
        "k8s/app.yaml:22: the container helper of django-app runs evil.example/miner:1, which this product does",
    ),
    "no readiness": (
        "          readinessProbe:\n            httpGet: {path: /status/, port: 8000}\n",
        "",
        "k8s/app.yaml:14: the container django-container has no readinessProbe, so it would get requests before",
    ),
    "duplicate": (
        "metadata: {name: django-app}\nspec:\n  defaultBackend",
        f"metadata: {{name: a}}\nspec: {{}}\n---\n{SERVICE_AND_INGRESS}",
        "k8s/app.yaml:37: the Service django-app is also in k8s/app.yaml:25: the later would win",
    ),
    "rights": (
        "kind: Ingress",
        "kind: ClusterRole",
        "k8s/app.yaml:31: the ClusterRole django-app gives rights in the cluster, which a release must not",
    ),
    "secret in the repository": ("kind: Ingress", "kind: Secret", "k8s/app.yaml:31: the Secret django-app would put a"),
    "unknown kind": (
        "kind: Ingress",
        "kind: Gateway",
        "the Gateway django-app is no kind that a release may have",
    ),
    "no ingress": ("service: {name: django-app", "service: {name: other", "no Ingress leads to the Service django-app"),
    "code in the ingress": (
        "kind: Ingress\nmetadata: {name: django-app}",
        "kind: Ingress\nmetadata: {name: django-app, annotations: {nginx.ingress.kubernetes.io/server-snippet: x}}",
        "k8s/app.yaml:32: the Ingress django-app puts code into the controller",
    ),
    "open port": (
        "spec:\n  selector: {app: shop}",
        "spec:\n  type: NodePort\n  selector: {app: shop}",
        "has type NodePort",
    ),
    "other port": ("{port: 80, ", "{port: 8000, ", "k8s/app.yaml:28: the Service django-app has no port 80"),
    "nothing selected": (
        "spec:\n  selector: {app: shop}",
        "spec:\n  selector: {app: web}",
        "k8s/app.yaml:27: the Service django-app does not select the pods of django-app: write its labels, app: shop",
    ),
    "no service": (
        "kind: Service",
        "kind: NetworkPolicy",
        "no manifest has the Service django-app (kubernetes.service)",
    ),
    "nobody's secret": (
        "secretRef: {name: django-app}",
        "secretRef: {name: other}",
        "k8s/app.yaml:17: nobody writes the Secret other; write django-app, which has the secrets of the manifest",
    ),
    "nobody's variable": (
        "          args:",
        "          env: [{name: A, valueFrom: {secretKeyRef: {name: django-app, key: TOKEN}}}]\n          args:",
        "k8s/app.yaml:21: the Secret django-app has no TOKEN; it has SECRET_KEY",
    ),
    "our own config map": (
        "kind: Ingress",
        "kind: ConfigMap",
        "k8s/app.yaml:32: Slipway makes the ConfigMap django-app from variables of the manifest",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_named_with_file_and_line(mistake: str, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new, expected = WRONG[mistake]
    assert old in APP
    (source / "k8s" / "app.yaml").write_text(APP.replace(old, new, 1))

    found = problems(capsys)

    assert any(expected in line for line in found), found


def test_all_mistakes_come_together(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = APP.replace("kind: Ingress", "kind: ClusterRole").replace(
        "book-shop:latest", "book-shop\n          volumeDevices: []"
    )
    (source / "k8s" / "app.yaml").write_text(text)

    found = problems(capsys)

    assert [line.partition(" ")[0] for line in found] == ["k8s/app.yaml:32:", "k8s/app.yaml:16:", "k8s/app.yaml:1:"]


def test_a_file_outside_of_the_repository_is_refused(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secret.yaml").write_text(APP)
    (source / "link.yaml").symlink_to(tmp_path / "secret.yaml")

    found = problems(capsys, files=["missing.yaml", "link.yaml"])

    assert found == [
        f"products/*.yaml: kubernetes.manifests names {name}, which is not a file in the repository"
        for name in ("missing.yaml", "link.yaml")
    ]


def test_optional_references_may_be_missing(source: Path) -> None:
    changed = APP.replace("secretRef: {name: django-app}", "secretRef: {name: other, optional: true}")
    (source / "k8s" / "app.yaml").write_text(changed)

    assert bundle()
