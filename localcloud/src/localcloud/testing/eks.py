"""Clusters of EKS in tests: their template, tokens, and requests to the API server in the name of a role."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import botocore.session
import urllib3
from botocore.credentials import Credentials
from botocore.model import ServiceId
from botocore.signers import RequestSigner

SUBNETS = ("10.77.0.0/24", "10.77.1.0/24")


def token(cluster: str, keys: dict[str, Any], region: str = "us-east-1", sts: str = "") -> str:
    """Returns a token as `aws eks get-token` prints it; `sts` is the URL that AWS_ENDPOINT_URL names."""
    session = botocore.session.get_session()
    credentials = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    events = session.get_component("event_emitter")
    signer = RequestSigner(ServiceId("sts"), region, "sts", "v4", credentials, events)
    request = {
        "method": "GET",
        "url": f"{sts or f'https://sts.{region}.amazonaws.com'}/?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {},
        "headers": {"x-k8s-aws-id": cluster},
        "context": {},
    }
    url = signer.generate_presigned_url(request, "GetCallerIdentity", expires_in=60, region_name=region)
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def template(name: str, entries: dict[str, Any]) -> dict[str, Any]:
    """Returns a stack with a cluster in Auto Mode, its network, and access entries by their logical IDs."""
    subnets = {
        f"Subnet{number}": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": cidr,
                "AvailabilityZone": f"us-east-1{'ab'[number]}",
            },
        }
        for number, cidr in enumerate(SUBNETS)
    }
    properties = {
        "Name": name,
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "AccessConfig": {"AuthenticationMode": "API", "BootstrapClusterCreatorAdminPermissions": False},
        "ComputeConfig": {"Enabled": True},
        "StorageConfig": {"BlockStorage": {"Enabled": True}},
        "KubernetesNetworkConfig": {"ElasticLoadBalancing": {"Enabled": True}},
        "BootstrapSelfManagedAddons": False,
        "ResourcesVpcConfig": {
            "SubnetIds": [{"Ref": subnet} for subnet in subnets],
            "EndpointPublicAccess": False,
            "EndpointPrivateAccess": True,
        },
        "Logging": {"ClusterLogging": {"EnabledTypes": [{"Type": "api"}]}},
    }
    trust = {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {
        "Resources": {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.77.0.0/16"}},
            **subnets,
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}},
            },
            "Cluster": {"Type": "AWS::EKS::Cluster", "Properties": properties},
            **{
                logical_id: {
                    "Type": "AWS::EKS::AccessEntry",
                    "Properties": {"ClusterName": {"Ref": "Cluster"}, **entry},
                }
                for logical_id, entry in entries.items()
            },
        }
    }


@dataclass(frozen=True)
class Answer:
    """Returns the answer of the API server."""

    status: int
    body: Any


@dataclass(frozen=True)
class Client:
    """A client of a cluster with the credentials of a role."""

    eks: Any
    """A client of EKS in the account of the cluster."""
    name: str
    keys: dict[str, Any]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Returns the answer to a request."""
        described = self.eks.describe_cluster(name=self.name)["cluster"]
        authority = base64.b64decode(described["certificateAuthority"]["data"]).decode()
        pool = urllib3.PoolManager(ca_cert_data=authority)
        sent = {"Authorization": f"Bearer {token(self.name, self.keys)}", "Content-Type": "application/json"}
        answer = pool.request(
            method,
            described["endpoint"] + path,
            body=None if body is None else json.dumps(body).encode(),
            headers={**sent, **headers},
            retries=False,
            timeout=20,
        )
        try:
            return Answer(answer.status, json.loads(answer.data))
        except ValueError:
            return Answer(answer.status, answer.data.decode())
