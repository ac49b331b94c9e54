"""The script of a host's first boot, of the parts in `hosts/boot`, with the values that it needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

HOSTS = Path(__file__).resolve().parents[2] / "hosts"  # not from paths.py: constructs import only constructs
System = Literal["docker", "microk8s"]
"""The program that runs a host's containers, by the name of the part of its boot script that installs it."""
NAMESPACE = "Slipway/Hosts"
"""The namespace of the hosts' metrics in CloudWatch."""
HOST, PATH = "Host", "path"
"""Dimensions of the metrics: a host's name, and the folder at which a disk is mounted."""
DISK, MEMORY = "disk_used_percent", "mem_used_percent"
"""The metrics, by the host, and those of disks also by the folder."""
DATA_FOLDER = "/data"
# github.com/docker/compose/releases: the checksums of this version, which docker-library/docker pins too.
_COMPOSE = {
    "COMPOSE_VERSION": "2.38.2",
    "COMPOSE_AARCH64": "4d0f7678dd3338452beba4518e36a8e22b20cad79ba2535c687da554dc3997fb",
    "COMPOSE_X86_64": "486b3ffc0f806ca2efbc430cef89955386011662f0c76bad17c103d059cfa9cf",
}
# microk8s.io/docs/setting-snap-channel: a track follows the patches of one minor version of Kubernetes.
_MICROK8S = {"MICROK8S": "1.34/stable"}
_INSTALLED: Mapping[System, Mapping[str, str]] = {"docker": _COMPOSE, "microk8s": _MICROK8S}


@dataclass(frozen=True)
class Runner:
    """The program that applies releases on a host, and what it reads."""

    url: str
    """Its address in S3."""
    bucket: str
    """The bucket of the releases."""
    configuration: str
    """The parameter with the host's configuration."""


def boot_script(
    *,
    runner: Runner,
    region: str,
    log_group: str,
    host: str,
    metric_name: str,
    volume: str | None,
    system: System = "docker",
) -> ec2.UserData:
    """Returns the user data of a host.

    `host` is its name in the environment, with which its log streams end, and `metric_name` the one in metrics, which
    several environments share. `volume` is the id of its data disk. Docker needs Amazon Linux, MicroK8s needs Ubuntu.
    """
    values = {
        "REGION": region,
        "LOG_GROUP": log_group,
        "HOST": host,
        "VOLUME": volume or "",
        "RUNNER": runner.url,
        "BUCKET": runner.bucket,
        "CONFIGURATION": runner.configuration,
        **_INSTALLED[system],
        "AGENT": json.dumps(_agent(metric_name, data_disk=volume is not None)),
    }
    lines = [f"{name}='{value}'" for name, value in values.items()]
    parts = [(HOSTS / "boot" / f"{part}.sh").read_text(encoding="utf-8") for part in ("disk", system)]
    return ec2.UserData.custom("\n".join(["#!/bin/bash", *lines, *parts]))


def _agent(metric_name: str, *, data_disk: bool) -> dict[str, object]:
    """Returns the configuration of CloudWatch's agent: how full disks and memory are, each minute."""
    host = {HOST: metric_name}
    disks = ["/", *([DATA_FOLDER] if data_disk else [])]
    return {
        "agent": {"metrics_collection_interval": 60, "omit_hostname": True, "run_as_user": "cwagent"},
        "metrics": {
            "namespace": NAMESPACE,
            "aggregation_dimensions": [[HOST], [HOST, PATH]],
            "metrics_collected": {
                "disk": {
                    "measurement": ["used_percent"],
                    "resources": disks,
                    "drop_device": True,
                    "append_dimensions": host,
                },
                "mem": {"measurement": ["mem_used_percent"], "append_dimensions": host},
            },
        },
    }


def metric_name(prefix: str, host: str) -> str:
    """Returns a host's name in metrics, e.g. production-shop-host-1."""
    return f"{prefix}-{host}"


def runner_asset(scope: Construct) -> s3_assets.Asset:
    """Define the asset with the program that applies releases, `hosts/`: a zip file that Python runs."""
    return s3_assets.Asset(
        scope,
        "Runner",
        path=str(HOSTS),
        exclude=["boot", "slipway_host/eks", "**/__pycache__"],
        ignore_mode=cdk.IgnoreMode.GIT,
    )
