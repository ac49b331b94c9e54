"""Clusters of EKS: who gets in, what access policies allow, and how pods become targets of a load balancer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from localcloud.testing import microk8s
from localcloud.testing.cloud import Cloud, balancer, until
from localcloud.testing.eks import Client, template, token
from localcloud.testing.plain import ACCOUNT, unique

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

POLICIES = "arn:aws:eks::aws:cluster-access-policy"
BINDINGS = "/apis/eks.amazonaws.com/v1/namespaces/default/targetgroupbindings"
STRANGER, VISITOR, ADMIN = (f"arn:aws:iam::{ACCOUNT}:role/eks-{name}" for name in ("stranger", "visitor", "admin"))


@pytest.fixture(scope="module")
def name(cloud: Cloud) -> Iterator[str]:
    """A cluster of a stack that admits two of three roles."""
    microk8s.need_image()
    for role in (STRANGER, VISITOR, ADMIN):
        cloud.role(role.rpartition("/")[2])
    name = unique("cluster")
    scope = {"Type": "namespace", "Namespaces": ["shop"]}
    entries = {
        "Visitor": {
            "PrincipalArn": VISITOR,
            "KubernetesGroups": ["visitors"],
            "AccessPolicies": [{"PolicyArn": f"{POLICIES}/AmazonEKSViewPolicy", "AccessScope": scope}],
        },
        "Admin": {
            "PrincipalArn": ADMIN,
            "AccessPolicies": [
                {"PolicyArn": f"{POLICIES}/AmazonEKSClusterAdminPolicy", "AccessScope": {"Type": "cluster"}}
            ],
        },
    }
    wanted = template(name, entries)
    wanted["Resources"] |= balancer(name)
    wanted["Resources"]["Group"]["Properties"]["Tags"] = [{"Key": "eks:eks-cluster-name", "Value": name}]
    cloud.deploy(wanted, name)
    yield name
    assert cloud.delete(name) == "DELETE_COMPLETE"
    assert name not in cloud.client("eks").list_clusters()["clusters"]


def client(cloud: Cloud, name: str, role: str) -> Client:
    return Client(cloud.client("eks"), name, cloud.session(role))


@pytest.fixture(scope="module")
def admin(cloud: Cloud, name: str) -> Client:
    made = client(cloud, name, ADMIN)
    thing = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    assert made.ask("POST", "/api/v1/namespaces", thing).status == 201
    return made


def test_the_cluster_is_active_and_private(cloud: Cloud, name: str) -> None:
    found = cloud.client("eks").describe_cluster(name=name)["cluster"]

    assert (found["status"], found["accessConfig"]["authenticationMode"]) == ("ACTIVE", "API")
    assert found["resourcesVpcConfig"]["endpointPublicAccess"] is False
    group = found["resourcesVpcConfig"]["clusterSecurityGroupId"]
    assert (
        cloud.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["VpcId"].startswith("vpc-")
    )
    assert found["endpoint"].startswith("https://")


def test_a_role_without_an_access_entry_is_refused(cloud: Cloud, name: str) -> None:
    answer = client(cloud, name, STRANGER).ask("GET", "/api/v1/namespaces")

    assert (answer.status, answer.body["message"]) == (401, "Unauthorized")


def test_a_token_for_another_cluster_or_with_a_wrong_secret_is_refused(cloud: Cloud, name: str) -> None:
    keys = cloud.session(ADMIN)
    right = client(cloud, name, ADMIN)
    other = Client(cloud.client("eks"), name, {**keys, "SecretAccessKey": "x" * 40})

    assert right.ask("GET", "/api/v1/nodes").status == 200
    assert other.ask("GET", "/api/v1/nodes").status == 401
    assert (
        right.ask("GET", "/api/v1/nodes", Authorization="Bearer k8s-aws-v1.aHR0cHM6Ly9ldmlsLmV4YW1wbGUv").status == 401
    )


def test_a_token_that_the_aws_cli_signs_for_this_cloud_is_taken_and_one_for_another_address_is_not(
    cloud: Cloud, name: str
) -> None:
    keys = cloud.session(ADMIN)
    asking = client(cloud, name, ADMIN)

    def status(sts: str) -> int:
        signed = token(name, keys, sts=sts)
        return asking.ask("GET", "/api/v1/nodes", Authorization=f"Bearer {signed}").status

    assert status(cloud.url) == status(f"http://localhost:{cloud.port}") == 200
    assert status("http://evil.example:80") == status("https://sts.eu-central-1.amazonaws.com") == 401


def test_an_access_policy_holds_in_its_namespace_only(cloud: Cloud, name: str, admin: Client) -> None:
    visitor = client(cloud, name, VISITOR)

    until("the policy holds", lambda: visitor.ask("GET", "/api/v1/namespaces/shop/pods").status == 200)
    refused = visitor.ask("GET", "/api/v1/namespaces/default/pods")
    assert refused.status == 403
    assert f'User "arn:aws:sts::{ACCOUNT}:assumed-role/eks-visitor/test" cannot list resource "pods"' in str(
        refused.body
    )
    assert visitor.ask("POST", "/api/v1/namespaces/shop/configmaps", {"metadata": {"name": "x"}}).status == 403


def test_nobody_asks_in_the_name_of_another(cloud: Cloud, name: str, admin: Client) -> None:
    visitor = client(cloud, name, VISITOR)
    more = {"Impersonate-User": "system:admin", "Impersonate-Group": "system:masters"}

    assert visitor.ask("GET", "/api/v1/nodes", **more).status == 403


def test_groups_of_an_entry_are_those_of_role_bindings(cloud: Cloud, name: str, admin: Client) -> None:
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    role = {"kind": "Role", "apiGroup": "rbac.authorization.k8s.io", "name": "own"}
    subject = {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "visitors"}
    admin.ask("POST", f"{rbac}/roles", {"metadata": {"name": "own"}, "rules": rules})
    admin.ask("POST", f"{rbac}/rolebindings", {"metadata": {"name": "own"}, "roleRef": role, "subjects": [subject]})
    visitor = client(cloud, name, VISITOR)

    assert visitor.ask("GET", "/api/v1/namespaces/default/configmaps").status == 200
    assert visitor.ask("GET", "/api/v1/namespaces/default/secrets").status == 403


def test_ready_pods_of_a_binding_answer_behind_a_load_balancer(cloud: Cloud, name: str, admin: Client) -> None:
    (group,) = cloud.client("elbv2").describe_target_groups(
        LoadBalancerArn=cloud.client("elbv2").describe_load_balancers(Names=[name])["LoadBalancers"][0][
            "LoadBalancerArn"
        ]
    )["TargetGroups"]
    things = microk8s.web("web", "one")[:2]
    assert admin.ask("POST", "/apis/apps/v1/namespaces/default/deployments", things[0]).status == 201
    assert admin.ask("POST", "/api/v1/namespaces/default/services", things[1]).status == 201
    spec = {"targetGroupARN": group["TargetGroupArn"], "targetType": "ip", "serviceRef": {"name": "web", "port": 80}}
    binding = {"apiVersion": "eks.amazonaws.com/v1", "kind": "TargetGroupBinding", "metadata": {"name": "web"}}
    assert admin.ask("POST", BINDINGS, {**binding, "spec": spec}).status == 201

    def targets() -> list[str]:
        found = cloud.client("elbv2").describe_target_health(TargetGroupArn=group["TargetGroupArn"])
        return [target["Target"]["Id"] for target in found["TargetHealthDescriptions"]]

    until("both pods are targets", lambda: len(targets()) == 2, seconds=90)
    assert cloud.get(name).decode().startswith("one web-")
    admin.ask(
        "PATCH",
        "/apis/apps/v1/namespaces/default/deployments/web",
        {"spec": {"replicas": 1}},
        **{"Content-Type": "application/merge-patch+json"},
    )
    until("one pod is a target", lambda: len(targets()) == 1, seconds=60)


def test_a_target_group_of_no_cluster_gets_no_targets(cloud: Cloud, name: str, admin: Client) -> None:
    foreign = cloud.client("elbv2").create_target_group(
        Name=unique("other")[:32], Protocol="HTTP", Port=80, TargetType="ip"
    )
    group = foreign["TargetGroups"][0]["TargetGroupArn"]
    spec = {"targetGroupARN": group, "targetType": "ip", "serviceRef": {"name": "web", "port": 80}}
    binding = {"apiVersion": "eks.amazonaws.com/v1", "kind": "TargetGroupBinding", "metadata": {"name": "foreign"}}
    assert admin.ask("POST", BINDINGS, {**binding, "spec": spec}).status == 201

    def said() -> str:
        events = admin.ask("GET", "/api/v1/namespaces/default/events").body["items"]
        return " ".join(event["message"] for event in events if event["involvedObject"]["name"] == "foreign")

    assert until("an event", said).startswith("AccessDenied: not authorized to perform")
    assert cloud.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"] == []


def test_a_second_entry_of_a_role_is_refused(cloud: Cloud, name: str) -> None:
    with pytest.raises(ClientError, match="already exists"):
        cloud.client("eks").create_access_entry(clusterName=name, principalArn=ADMIN)
