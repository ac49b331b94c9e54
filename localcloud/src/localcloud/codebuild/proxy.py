"""The Docker daemon that a privileged build sees: the filter, as its service role and with objects of its own."""

from __future__ import annotations

import functools
import json

from botocore.exceptions import ClientError
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region

from localcloud import adapter, network, settings
from localcloud.codebuild.container import BUILD_LABEL, SOURCE, source_volume
from localcloud.codebuild.identity import Role
from localcloud.dockerfilter import gate
from localcloud.dockerfilter.calls import Build
from localcloud.dockerfilter.daemon import Owned
from localcloud.dockerfilter.gate import Gate, in_thread, opened

__all__ = ["SYMBOLS", "Gate", "hosts", "install", "open_gate"]

SYMBOLS: tuple[str, ...] = ("ministack.core.iam_evaluator:enforce", *gate.SYMBOLS)


def install() -> None:
    """Installs the filter."""
    gate.install()


def open_gate(build_id: str, role: Role) -> Gate:
    """Opens a gate for the build, in the account and region of this thread."""
    chosen = settings.current()
    build = Build(
        owned=Owned(BUILD_LABEL, build_id),
        labels={**network.labels(chosen), BUILD_LABEL: build_id},
        source_folder=SOURCE,
        source_volume=source_volume(build_id),
        cloud_network=chosen.network,
        hosts=in_thread(lambda: [f"{name}:{address}" for name, address in hosts().items()]),
        denial=in_thread(functools.partial(_denial, role)),
    )
    return opened(build)


def _denial(role: Role, action: str, repository: str) -> str:
    """Returns the reason why the build's role may not perform an action on a repository; empty if it may."""
    arn = f"arn:aws:ecr:{get_region()}:{get_account_id()}:repository/{repository}"
    key = role.keys()["AccessKeyId"]
    if iam_evaluator.enforce(key, action, "ecr", get_region(), resource_arn=arn) is None:
        return ""
    line = json.dumps({"Effect": "Allow", "Action": action, "Resource": arn})
    return f"denied: {role.arn} may not {action} on {arn}. Add to the role's policy: {line}"


def hosts() -> dict[str, str]:
    """Returns the host names of CloudFront distributions and load balancers, with the address of the relay."""
    address = settings.current().relay_address
    try:
        distributions = adapter.client("cloudfront").list_distributions()["DistributionList"].get("Items", [])
        balancers = adapter.client("elbv2").describe_load_balancers()["LoadBalancers"]
    except ClientError:
        return {}
    names = [
        name
        for distribution in distributions
        for name in (f"{distribution['Id'].lower()}.cloudfront.localhost", distribution["DomainName"])
    ]
    names += [f"{balancer['LoadBalancerName']}.alb.localhost" for balancer in balancers]
    return dict.fromkeys(names, address)
