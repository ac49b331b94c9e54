"""An environment on EKS: a private cluster in Auto Mode, who gets in, and what a release may do there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.on_hosts import REMOVED
from tests.support.on_kubernetes import PLACE, product
from tests.support.synthesis import Json, Synthesis, listed, statements

STACK = "production-shop-kubernetes"
EKS: dict[str, Any] = {f"{PLACE}/cluster": "eks", f"{PLACE}/host": REMOVED}


@pytest.fixture(scope="module")
def shop() -> Synthesis:
    return Synthesis(product(EKS))


def text(value: Any) -> str:
    """Returns a joined text, with the logical ids in place of what only AWS knows."""
    if isinstance(value, str):
        return value
    return "".join(
        part if isinstance(part, str) else json.dumps(part).replace('"', "'") for part in value["Fn::Join"][1]
    )


def objects(app: Synthesis) -> dict[str, Json]:
    """Returns the objects that the deployment applies, by their kinds."""
    found = json.loads(text(app.resource("Custom::ClusterObjects", STACK)["Objects"]))
    return {thing["kind"]: thing for thing in found}


def test_the_cluster_is_private_encrypted_logged_and_in_auto_mode(shop: Synthesis) -> None:
    cluster = shop.resource("AWS::EKS::Cluster", STACK)

    assert cluster["Name"] == "production-shop"
    network = cluster["ResourcesVpcConfig"]
    assert (network["EndpointPrivateAccess"], network["EndpointPublicAccess"]) == (True, False)
    assert cluster["AccessConfig"] == {
        "AuthenticationMode": "API",
        "BootstrapClusterCreatorAdminPermissions": False,
    }
    assert cluster["ComputeConfig"] == {"Enabled": True, "NodePools": []}
    assert cluster["EncryptionConfig"][0]["Resources"] == ["secrets"]
    assert len(cluster["Logging"]["ClusterLogging"]["EnabledTypes"]) == 5
    assert cluster["DeletionProtection"] is True


def test_only_the_function_that_prepares_administers_the_cluster(shop: Synthesis) -> None:
    entries = {
        entry["Properties"]["PrincipalArn"]["Fn::GetAtt"][0]: entry["Properties"]
        for entry in shop.resources("AWS::EKS::AccessEntry", STACK).values()
    }
    rights = {
        name[: name.rindex("Role") + 4]: [
            policy["PolicyArn"].rpartition("/")[2] for policy in entry.get("AccessPolicies", [])
        ]
        or entry["KubernetesGroups"]
        for name, entry in entries.items()
    }

    assert rights == {
        "ClusterNodeRole": ["AmazonEKSAutoNodePolicy"],
        "FunctionsReleaseRole": ["slipway:releases"],
        "FunctionsPrepareRole": ["AmazonEKSClusterAdminPolicy"],
    }


def test_a_release_has_rights_in_its_namespace_only_and_none_over_rights(shop: Synthesis) -> None:
    found = objects(shop)

    assert found["RoleBinding"]["subjects"] == [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "slipway:releases"}
    ]
    assert found["Role"]["metadata"]["namespace"] == found["RoleBinding"]["metadata"]["namespace"] == "shop"
    named = {
        (group, kind) for rule in found["Role"]["rules"] for group in rule["apiGroups"] for kind in rule["resources"]
    }
    assert ("apps", "deployments") in named
    assert not {kind for _, kind in named} & {"*", "roles", "rolebindings", "pods/exec", "namespaces"}
    assert not {verb for rule in found["Role"]["rules"] for verb in rule["verbs"]} & {"*", "impersonate", "escalate"}


def test_the_namespace_takes_no_pod_with_rights_over_its_node(shop: Synthesis) -> None:
    labels = objects(shop)["Namespace"]["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"


def test_nodes_have_the_products_architecture_and_an_end(shop: Synthesis) -> None:
    spec = objects(shop)["NodePool"]["spec"]
    requirements = {found["key"]: found["values"] for found in spec["template"]["spec"]["requirements"]}

    assert requirements["kubernetes.io/arch"] == ["arm64"]
    assert spec["limits"] == {"cpu": "8"}


def test_pods_of_the_service_are_the_targets_of_the_load_balancer(shop: Synthesis) -> None:
    group = shop.resource("AWS::ElasticLoadBalancingV2::TargetGroup", STACK)

    assert (group["TargetType"], group["HealthCheckPath"]) == ("ip", "/health/")
    assert {"Key": "eks:eks-cluster-name", "Value": "production-shop"} in group["Tags"]
    binding = objects(shop)["TargetGroupBinding"]
    assert binding["spec"]["serviceRef"] == {"name": "django-app", "port": 80}
    assert "LoadBalancerPods" in binding["spec"]["targetGroupARN"]


def test_the_function_reads_only_the_secrets_in_its_configuration(shop: Synthesis) -> None:
    readable = [
        resource
        for place, statement in statements(shop[STACK])
        if place.startswith("FunctionsRelease") and statement.get("Sid") == "ReadSecrets"
        for resource in listed(statement["Resource"])
    ]

    assert len(readable) == 3  # the mail key, Django's key, and the database's login


def test_nodes_pull_the_products_images_and_need_no_password(shop: Synthesis) -> None:
    pulled = [
        statement
        for place, statement in statements(shop[STACK])
        if place.startswith("ClusterNodeRole") and statement.get("Sid") == "PullImages"
    ]
    configuration = json.loads(text(shop.resource("AWS::SSM::Parameter", STACK)["Value"]))

    assert [listed(statement["Resource"]) for statement in pulled] == [
        ["arn:aws:ecr:us-east-1:111122223333:repository/shop/app"]
    ]
    assert (configuration["registry"], configuration["verify"]) == ("", None)


def test_the_pipeline_may_call_one_function_and_no_api_of_eks(shop: Synthesis) -> None:
    found = [statement for place, statement in statements(shop["production-shop-access"]) if place.startswith("Deploy")]
    actions = {action for statement in found for action in listed(statement["Action"])}

    assert "lambda:InvokeFunction" in actions
    assert not {action for action in actions if action.startswith(("eks:", "ssm:", "ec2:"))}


def test_the_application_gets_its_role_by_pod_identity(shop: Synthesis) -> None:
    association = shop.resource("AWS::EKS::PodIdentityAssociation", STACK)
    trusted = [
        role["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
        for name, role in shop.resources("AWS::IAM::Role", STACK).items()
        if "/ApplicationRole" in name
    ]

    assert (association["Namespace"], association["ServiceAccount"]) == ("shop", "default")
    assert trusted[0]["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert "ArnLike" in trusted[0]["Condition"]


def test_a_failed_call_of_the_function_is_not_repeated(shop: Synthesis) -> None:
    found = shop.resource("AWS::Lambda::EventInvokeConfig", STACK)

    assert found["MaximumRetryAttempts"] == 0
