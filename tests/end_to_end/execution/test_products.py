"""The CDK CLI deploys, changes and destroys every product with only the shipped policies."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from localcloud import process, shell
from localcloud.settings import Settings
from localcloud.testing.plain import ACCOUNT, REGION, Plain, free_port
from products import load
from slipway_cli.demo.infrastructure import Cdk
from tests.support.synthesis import PRODUCTS

pytestmark = [pytest.mark.local, pytest.mark.long]

# A local cloud serves one account; tests/end_to_end/hosts_products deploys those of others, each in a cloud of its own.
HERE = [name for name in PRODUCTS if load(name).tooling.account == ACCOUNT]
ROLE = f"cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-{REGION}"
# For each type, a property that CloudFormation updates without replacing the resource.
CHANGED: dict[str, tuple[str, Any]] = {
    "AWS::CloudWatch::Alarm": ("AlarmDescription", "changed"),
    "AWS::CodeBuild::Project": ("Description", "changed"),
    "AWS::EC2::SecurityGroupIngress": ("Description", "changed"),
    "AWS::EC2::VPC": ("EnableDnsSupport", True),
    "AWS::IAM::Role": ("Description", "changed"),
    "AWS::Lambda::Function": ("Description", "changed"),
    "AWS::Logs::LogGroup": ("RetentionInDays", 3),
    "AWS::RDS::DBInstance": ("BackupRetentionPeriod", 8),
    "AWS::SNS::Topic": ("DisplayName", "changed"),
    "AWS::SQS::Queue": ("MessageRetentionPeriod", 600),
    "AWS::SecretsManager::Secret": ("Description", "changed"),
}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    """A local cloud with every stack of every product in its account."""
    settings = Settings(port=free_port(), state=tmp_path_factory.mktemp("products"), docker=False)
    process.start(settings)
    shell.write(settings)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**settings.environment(), **shell.variables(settings)}.items():
            patch.setenv(name, value)
        for product in HERE:
            cdk = Cdk(settings, product)
            cdk.synth()
            cdk.bootstrap(ACCOUNT, REGION)
            cdk.deploy(["*/*"], lambda _: None)
    yield Plain(settings.port, settings.state)
    process.stop(settings)


def stacks(cloud: Plain) -> dict[str, str]:
    """Returns the ids of the products' stacks, by name."""
    found = cloud.client("cloudformation").describe_stacks()["Stacks"]
    return {stack["StackName"]: stack["StackId"] for stack in found if stack["StackName"] != "CDKToolkit"}


def test_cloudformation_has_no_other_rights(deployed: Plain) -> None:
    iam = deployed.client("iam")
    attached = [policy["PolicyName"] for policy in iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]]

    assert attached
    assert {name.rpartition("-")[0] for name in attached} == {"slipway-execution"}
    assert iam.list_role_policies(RoleName=ROLE)["PolicyNames"] == []


def test_every_stack_of_every_product_is_deployed(deployed: Plain) -> None:
    found = stacks(deployed)

    assert {name.split("-")[1] for name in found} == set(HERE)
    assert {deployed.settled(name) for name in found} <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def test_every_stack_can_be_updated(deployed: Plain) -> None:
    s3, client = deployed.client("s3"), deployed.client("cloudformation")
    s3.create_bucket(Bucket="changed-templates")
    kinds = set()
    for stack in stacks(deployed):
        template = client.get_template(StackName=stack)["TemplateBody"]
        whole = template if isinstance(template, dict) else json.loads(template)
        changed = copy.deepcopy(whole)
        for resource in changed["Resources"].values():
            if resource["Type"] in CHANGED:
                name, value = CHANGED[resource["Type"]]
                resource["Properties"][name] = value
                kinds.add(resource["Type"])
        if changed == whole:
            continue
        s3.put_object(Bucket="changed-templates", Key=stack, Body=json.dumps(changed).encode())
        kept = client.describe_stacks(StackName=stack)["Stacks"][0].get("Parameters", [])
        client.update_stack(
            StackName=stack,
            TemplateURL=f"{deployed.url}/changed-templates/{stack}",
            Parameters=[{"ParameterKey": parameter["ParameterKey"], "UsePreviousValue": True} for parameter in kept],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        assert deployed.settled(stack) == "UPDATE_COMPLETE", deployed.failures(stack)

    assert kinds == set(CHANGED)


@pytest.mark.last
def test_every_stack_can_be_destroyed(deployed: Plain) -> None:
    client, rds = deployed.client("cloudformation"), deployed.client("rds")
    for instance in rds.describe_db_instances()["DBInstances"]:  # as the runbook does it before a deletion
        rds.modify_db_instance(
            DBInstanceIdentifier=instance["DBInstanceIdentifier"], DeletionProtection=False, ApplyImmediately=True
        )
    left = stacks(deployed)
    while left:
        gone = [name for name, stack_id in left.items() if _destroyed(deployed, client, name, stack_id)]
        assert gone, {name: deployed.failures(stack_id) for name, stack_id in left.items()}
        left = {name: stack_id for name, stack_id in left.items() if name not in gone}


def _destroyed(cloud: Plain, client: Any, name: str, stack_id: str) -> bool:
    """Deletes a stack; returns False if it could not, for instance because another stack imports from it."""
    client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    try:
        client.delete_stack(StackName=name)
    except client.exceptions.ClientError:
        return False
    return cloud.settled(stack_id) == "DELETE_COMPLETE"
