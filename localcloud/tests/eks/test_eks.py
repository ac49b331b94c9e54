"""A cloud without Docker refuses clusters of EKS with a sentence, also in a stack."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.plain import ACCOUNT, Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def test_a_cluster_is_refused_without_docker_and_nothing_is_recorded(plain: Plain) -> None:
    name, eks = unique("cluster"), plain.client("eks")
    vpc = {"subnetIds": ["subnet-1", "subnet-2"]}
    with pytest.raises(ClientError, match="Start Docker, then the local cloud again") as refused:
        eks.create_cluster(name=name, roleArn=f"arn:aws:iam::{ACCOUNT}:role/eks", resourcesVpcConfig=vpc)
    assert refused.value.response["Error"]["Code"] == "ClientException"
    assert name not in eks.list_clusters()["clusters"]


def test_a_stack_with_a_cluster_fails_with_the_reason(plain: Plain) -> None:
    properties = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/eks", "ResourcesVpcConfig": {"SubnetIds": ["subnet-1"]}}
    with pytest.raises(AssertionError, match="A cluster of EKS needs Docker"):
        plain.deploy(resources(Cluster=("AWS::EKS::Cluster", properties)))
