"""The section `kubernetes`: the product's own manifests, and the cluster of an environment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from products.base import Model, Name, text
from products.containers import Paths
from products.health import PATH_PATTERN
from products.hosts import FILE, Hosts

# A label of RFC 1123, as Kubernetes requires of namespaces, services and containers:
# kubernetes.io/docs/concepts/overview/working-with-objects/names.
LABEL = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
# Kubernetes accepts more for these two, dots and 253 characters; nobody needs them, and a digest is appended.
_SHORT_LABEL = r"^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$"
_ManifestName = Annotated[str, text(FILE, "k8s/app-prod.yaml")]


class KubernetesHost(Model):
    """The virtual machine that runs MicroK8s."""

    instance: str = text(r"^[a-z][a-z0-9-]*\.[a-z0-9]+$", "t4g.medium", default="t4g.medium")
    """EC2 instance type, of the environment's `architecture`. MicroK8s and its ingress need some 1.5 GiB of memory
    themselves."""
    disk_gb: int = Field(default=30, ge=20, le=16384)
    """Size of the disk with the system, the cluster and the images, in GB. It goes with the host."""
    data_disk_gb: int | None = Field(default=None, ge=1, le=16384)
    """Size of the disk that outlives the host, in GB, with the releases that the host may return to; by default there
    is none. With `keep_data` it is backed up daily, and `cdk destroy` keeps it."""


class EksCluster(Model):
    """A cluster of EKS in Auto Mode: AWS runs the control plane, and starts the nodes that pods need."""

    version: str = text(r"^1\.[0-9]{2}$", "1.34", default="1.34")
    """Version of Kubernetes. EKS updates to the next one only, and supports each for fourteen months."""
    most_vcpus: int = Field(default=8, ge=2, le=1000)
    """vCPUs of all nodes together, at most; pods that need more wait."""
    service_account: str = text(LABEL, "django-app", default="default")
    """The service account of the pods that get the application's role, by Pod Identity."""


class Kubernetes(Model):
    """The cluster of an environment with `target: kubernetes`, and the product's manifests that it runs.

    The files are used as they are. Each release puts the digest of its image into them, and gives the deployment a
    ConfigMap with the variables and a Secret with the secret ones: docs/kubernetes.md.
    """

    cluster: Literal["microk8s", "eks"] = "microk8s"
    """The kind of cluster: `microk8s` on one EC2 host, or `eks`, EKS in Auto Mode, for teams that outgrow one host."""
    manifests: Annotated[tuple[_ManifestName, ...], Field(min_length=1, max_length=20)]
    """Kubernetes manifests in the repository; `${environment}` is the environment's name."""
    namespace: str = text(LABEL, "default", default="default")
    """The namespace of everything in them. One other than `default` is created."""
    deployment: str = text(_SHORT_LABEL, "django-app")
    """The Deployment that gets the release's image, and whose pods answer requests."""
    container: str = text(LABEL, "django-container")
    """The container of its pods that runs the release's image."""
    image: Name | None = None
    """The image of that container; by default the product's only one. Other containers of the manifests run a release's
    image if they name the same one, or `images`' by its name."""
    service: str | None = text(LABEL, "django-app", default=None)
    """The Service through which requests reach the pods. Default: the one with the deployment's name."""
    service_port: int = Field(default=80, ge=1, le=65535)
    """The port of that Service. An Ingress of the manifests leads to it."""
    health_path: str | None = text(PATH_PATTERN, "/api/v1/health/", default=None)
    """The load balancer finds a target healthy if this path returns 200. By default any answer of `/` below 500 is
    healthy."""
    static_paths: Paths = ()
    """Path patterns that CloudFront may cache. Every other path is not cached."""
    config_map: str | None = text(_SHORT_LABEL, "django-app", default=None)
    """The ConfigMap's name in the manifests. Default: the deployment's."""
    secret: str | None = text(_SHORT_LABEL, "django-app", default=None)
    """The Secret's name in the manifests. Default: the deployment's."""
    rollout_seconds: int = Field(default=300, ge=30, le=1800)
    """Seconds in which the new pods must become ready; then the release before comes back. On EKS at most 360."""
    host: KubernetesHost | None = None
    """The host of a `microk8s` cluster."""
    eks: EksCluster | None = None
    """The cluster of `eks`."""

    @property
    def service_name(self) -> str:
        """The name of the Service."""
        return self.service or self.deployment

    @property
    def config_map_name(self) -> str:
        """The name by which the manifests refer to the ConfigMap."""
        return self.config_map or self.deployment

    @property
    def secret_name(self) -> str:
        """The name by which the manifests refer to the Secret."""
        return self.secret or self.deployment

    @property
    def machines(self) -> Hosts | None:
        """The host of MicroK8s as one that Slipway defines; None on EKS, which has its own nodes."""
        if self.cluster == "eks":
            return None
        return Hosts(**{"count": 1, **(self.host or KubernetesHost()).model_dump()})
