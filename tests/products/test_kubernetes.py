"""A manifest's section `kubernetes` gives pods their settings; mistakes are answered with the correct form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from products import kubernetes_files
from products.base import ExistingSecret
from products.host_files import Entrance, ports
from products.hosts import Hosts
from tests.support.manifests import complaints
from tests.support.on_hosts import REMOVED, data
from tests.support.on_kubernetes import MANIFEST, PLACE, product


def test_the_config_map_has_plain_variables_and_the_secret_all_others() -> None:
    config, secret = kubernetes_files.variables(product(), "production")

    assert {name: str(value) for name, value in config.items()} == {
        "LOG_LEVEL": "WARNING",
        "SITE": "https://${site.domain}",
        "RELEASE_VERSION": "${release.version}",
        "RELEASE_IMAGE": "${release.image}",
    }
    assert {
        name: value.name if isinstance(value, ExistingSecret) else str(value) for name, value in secret.items()
    } == {
        "SECRET_KEY": "${secret_key}",
        "DATABASE_URL": "${database.url}",
        "MAIL_KEY": "shop/mail",
    }


def test_manifests_are_named_after_the_environment() -> None:
    assert kubernetes_files.manifests(product(), "production") == ["k8s/app-prod.yaml", "k8s/production.yaml"]


def test_names_that_the_section_leaves_out_are_those_of_the_deployment() -> None:
    settings = kubernetes_files.settings(product(), "production")

    assert {settings.service_name, settings.config_map_name, settings.secret_name} == {"django-app"}
    assert kubernetes_files.image(product(), "production") == "app"


def test_microk8s_has_one_host_whose_ingress_answers() -> None:
    assert product().environments["production"].machines == Hosts(
        count=1, instance="t4g.large", disk_gb=30, data_disk_gb=20
    )
    assert kubernetes_files.entrance(product(), "production") == Entrance("django-app", 80, "/health/", ("/static/*",))
    assert ports(product(), "production") == [80]


def test_eks_has_no_host_and_its_pods_answer_themselves() -> None:
    shop = product(EKS)

    assert shop.environments["production"].machines is None
    assert ports(shop, "production") == []


EKS: dict[str, Any] = {f"{PLACE}/cluster": "eks", f"{PLACE}/host": REMOVED}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no section": (
        {PLACE: REMOVED},
        "environments.production.kubernetes: missing; it has target kubernetes, which runs the product's manifests",
    ),
    "another target": (
        {
            "environments/production/target": "fargate",
            "services": {"web": {"image": "app", "port": 8000, "paths": ["/*"]}},
        },
        "environments.production.kubernetes: it has target fargate; write target: kubernetes, or remove this section",
    ),
    "another cluster": ({f"{PLACE}/cluster": "gke"}, "environments.production.kubernetes.cluster: "),
    "no manifests": ({f"{PLACE}/manifests": []}, "environments.production.kubernetes.manifests: "),
    "no list of manifests": (
        {f"{PLACE}/manifests": "k8s/app.yaml"},
        "environments.production.kubernetes.manifests: expected a list, got 'k8s/app.yaml'; put it in brackets",
    ),
    "no deployment": ({f"{PLACE}/deployment": REMOVED}, "environments.production.kubernetes.deployment: missing"),
    "wrong name": (
        {f"{PLACE}/deployment": "Django_App"},
        "environments.production.kubernetes.deployment: got 'Django_App'; write it like django-app",
    ),
    "leaving file": (
        {f"{PLACE}/manifests": ["../app.yaml"]},
        "environments.production.kubernetes.manifests.0: got '../app.yaml', which leaves the repository",
    ),
    "file twice": (
        {f"{PLACE}/manifests": ["a.yaml", "a.yaml"]},
        "environments.production.kubernetes.manifests: 'a.yaml' is listed twice; remove one of them",
    ),
    "unknown image": (
        {f"{PLACE}/image": "ap"},
        "environments.production.kubernetes.image: no image 'ap' under images; did you mean 'app'?",
    ),
    "which image": (
        {"images/worker": {}, "migration/image": "app"},
        "environments.production.kubernetes.image: missing; write which of the images the container runs: app, worker",
    ),
    "Kubernetes' namespace": (
        {f"{PLACE}/namespace": "kube-system"},
        "environments.production.kubernetes.namespace: got kube-system; the prefix kube- is Kubernetes' own",
    ),
    "a host on EKS": (
        {f"{PLACE}/cluster": "eks"},
        "environments.production.kubernetes.host: cluster is eks, which chooses its nodes itself; remove this section",
    ),
    "EKS on a host": (
        {f"{PLACE}/eks": {"most_vcpus": 4}},
        "environments.production.kubernetes.eks: cluster is microk8s; write cluster: eks, or remove this section",
    ),
    "a long rollout on EKS": (
        {**EKS, f"{PLACE}/rollout_seconds": 600},
        (
            "environments.production.kubernetes.rollout_seconds: got 600; on EKS a function waits for the rollout and "
            "for the way back, 15 minutes at most: write 360 or less"
        ),
    ),
    "a long migration on EKS": (
        {**EKS, "migration/timeout_minutes": 30},
        "migration.timeout_minutes: got 30; on EKS a function waits for the Job, 15 minutes at most: write 12 or less",
    ),
    "another version of EKS": (
        {**EKS, f"{PLACE}/eks": {"version": "v1.34"}},
        "environments.production.kubernetes.eks.version: got 'v1.34'; write it like 1.34",
    ),
    "another image of the migration": (
        {"images/worker": {}, "migration/image": "worker", f"{PLACE}/image": "app"},
        "migration.image: got 'worker', and on Kubernetes the migration is a Job with the pod template of django-app",
    ),
    "another architecture": (
        {f"{PLACE}/host/instance": "t3.large"},
        "environments.production.kubernetes.host.instance: got t3.large, which is x86_64, and images are",
    ),
    "no internet": (
        {"environments/production/network": {"nat": "none"}},
        "environments.production.network.nat: got none, and a cluster pulls its own images from the internet",
    ),
    "no domain": (
        {"environments/production/edge": REMOVED},
        "environments.production.edge.domain: missing; SITE contains the site's name, and clusters are defined before",
    ),
    "frontend": ({"frontend": {"directory": "web"}}, "frontend: production has target kubernetes"),
    "schedule": (
        {"schedules": {"nightly": {"image": "app", "command": ["x"], "rate": "1 hour"}}},
        "schedules.nightly: production has target kubernetes, where nothing starts schedules; remove it, and write a ",
    ),
    "service": (
        {"services": {"web": {"image": "app", "port": 80, "paths": ["/*"]}}},
        "services: every environment has target kubernetes, which runs the manifests in its section kub",
    ),
    "variables of the migration": ({"migration/variables": {"A": "1"}}, "migration.variables: on Kubernetes"),
    "rotation": (
        {"environments/production/database": {"rotate_password_days": 30}},
        "environments.production.database.rotate_password_days: a rotation restarts services on Fargate only",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_named_with_what_to_write(mistake: str, tmp_path: Path) -> None:
    changes, expected = WRONG[mistake]

    found = complaints(tmp_path, yaml.safe_dump(data(MANIFEST, changes)), name="shop")

    assert any(expected in line for line in found), found
