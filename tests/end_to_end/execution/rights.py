"""CloudFormation in a local cloud without containers, with the rights in `policy/execution` or without some of them."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from localcloud.cloudformation import needs
from localcloud.testing.plain import ACCOUNT, Plain
from policy.execution import resources
from policy.execution.account import put
from policy.execution.document import policies, products
from policy.execution.resources import Resource
from policy.templates import templates
from products import names
from tests.support.synthesis import Synthesis, listed
from tests.support.synthesis import shipped as synthesized

Json = dict[str, Any]
VERBS = (needs.CREATE, needs.UPDATE, needs.DELETE)
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
TRUST = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}


_templates = cache(templates)


@cache
def shipped() -> dict[str, Json]:
    """Returns the policies, computed from the committed templates."""
    return policies(products(), ACCOUNT, _templates)


def without(action: str) -> dict[str, Json]:
    """Returns the policies of the execution role that contain an action, without that action."""
    found = {}
    for name, policy in shipped().items():
        if name == names.BOUNDARY:
            continue
        kept = copy.deepcopy(policy)
        for statement in kept["Statement"]:
            statement["Action"] = [granted for granted in statement["Action"] if granted != action]
        kept["Statement"] = [statement for statement in kept["Statement"] if statement["Action"]]
        if kept != policy:
            found[name] = kept
    return found


def actions() -> list[str]:
    """Returns every action that the execution role is allowed."""
    return sorted(
        {
            action
            for name, policy in shipped().items()
            if name != names.BOUNDARY
            for statement in policy["Statement"]
            for action in statement["Action"]
        }
    )


@dataclass(frozen=True)
class Witness:
    """A step (create, update or delete) of a resource in the templates that needs an action."""

    action: str
    verb: str
    resource: Resource


@cache
def witnesses() -> dict[str, list[Witness]]:
    """Returns the steps that need each action."""
    found: dict[str, list[Witness]] = {action: [] for action in actions()}
    for product in products():
        # The other accounts have policies of their own.
        ours = [resource for resource in resources.of(product, _templates) if resource.account == ACCOUNT]
        for resource in ours:
            for verb in VERBS:
                step = needs.Step(resource.kind, verb, resource.props, resource.name)
                for need in needs.permissions(step, account=resource.account, region=resource.region):
                    found[need.action].append(Witness(need.action, verb, resource))
    return found


class Executed:
    """A cloud whose stacks act with the execution role."""

    def __init__(self, cloud: Plain) -> None:
        self.cloud = cloud
        self._iam = cloud.client("iam")
        self.root = cloud.role("slipway-tests-root", EVERYTHING, trust=TRUST)
        documents = {name: json.dumps(policy) for name, policy in shipped().items()}
        arns = put(self._iam, ACCOUNT, documents)
        self.role = cloud.role("slipway-tests-execution", trust=TRUST)
        for arn in arns:
            self._iam.attach_role_policy(RoleName="slipway-tests-execution", PolicyArn=arn)

    @contextmanager
    def lacking(self, action: str) -> Iterator[None]:
        """Removes an action from the role during the `with` block."""
        changed = without(action)
        assert changed, f"{action} is not in the policies"
        put(self._iam, ACCOUNT, {name: json.dumps(policy) for name, policy in changed.items()})
        try:
            yield
        finally:
            whole = shipped()
            put(self._iam, ACCOUNT, {name: json.dumps(whole[name]) for name in changed})

    def refused(self, witness: Witness) -> str:
        """Returns the reason why the step of the witness fails; empty if it succeeds."""
        # The role is checked before a resource is created, so a stack with only this resource is enough.
        if witness.verb == needs.CREATE:
            return self._made(f"{witness.resource.stack}-alone", alone(witness.resource), self.role)
        stack = f"{witness.resource.stack}-alone"
        if self._made(stack, alone(witness.resource), self.root):
            return self._refused_in_its_stack(witness)
        return self._changed(stack, alone(witness.resource), witness.resource.logical_id, witness.verb)

    def attempt(self, stack: str, template: Json) -> str:
        """Creates or updates a stack; returns the reason if that fails."""
        client = self.cloud.client("cloudformation")
        known = stack in {deployed["StackName"] for deployed in client.describe_stacks()["Stacks"]}
        return self._made(stack, template, self.role, "update_stack" if known else "create_stack")

    def _refused_in_its_stack(self, witness: Witness) -> str:
        """Like `refused`, for a resource that needs others: deploys the whole stack and the stacks that it imports."""
        app = synthesized(witness.resource.product.name)
        *before, own = _with_imports(app, witness.resource.stack)
        template = _deployable(app[own])
        (logical_id, *_) = [
            name
            for name, resource in template["Resources"].items()
            if resource["Type"] == witness.resource.kind and name.startswith(witness.resource.logical_id)
        ]
        _keep(template, logical_id)
        try:
            for stack, content in [*((name, _deployable(app[name])) for name in before), (own, template)]:
                self._put_assets(content)
                failed = self._made(stack, content, self.root)
                assert not failed, failed
            return self._changed(own, template, logical_id, witness.verb)
        finally:
            for stack in (own, *reversed(before)):
                self._delete(stack)

    def _changed(self, stack: str, template: Json, logical_id: str, verb: str) -> str:
        """Updates or deletes a resource as the execution role, then deletes the stack as root. Returns the error."""
        client = self.cloud.client("cloudformation")
        stack_id = client.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        try:
            if verb == needs.DELETE:
                client.delete_stack(StackName=stack, RoleARN=self.role)
                status = self.cloud.settled(stack_id)
                return "" if status == "DELETE_COMPLETE" else f"{status}: {'; '.join(self.cloud.failures(stack_id))}"
            changed = copy.deepcopy(template)
            changed["Resources"][logical_id]["Properties"]["Tags"] = [{"Key": "probe", "Value": "1"}]
            return self._made(stack, changed, self.role, "update_stack")
        finally:
            self._delete(stack_id)

    def _made(self, stack: str, template: Json, role: str, operation: str = "create_stack") -> str:
        """Creates or updates a stack. Returns the error, if any. Deletes a stack whose creation failed."""
        client = self.cloud.client("cloudformation")
        known = [deployed for deployed in client.describe_stacks()["Stacks"] if deployed["StackName"] == stack]
        if known and operation == "create_stack":
            return ""
        body = json.dumps(template)
        getattr(client, operation)(StackName=stack, TemplateBody=body, Capabilities=CAPABILITIES, RoleARN=role)
        stack_id = client.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        status = self.cloud.settled(stack_id)
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return ""
        failures = "; ".join(self.cloud.failures(stack_id)) or status
        if operation == "create_stack":
            self._delete(stack_id)
        return failures

    def _delete(self, stack_id: str) -> None:
        """Deletes a stack as root, unless another stack imports from it."""
        client = self.cloud.client("cloudformation")
        with suppress(ClientError):
            client.delete_stack(StackName=stack_id, RoleARN=self.root)
            self.cloud.settled(stack_id)

    def _put_assets(self, template: Json) -> None:
        """Uploads the assets of the template's functions."""
        s3 = self.cloud.client("s3")
        for resource in template["Resources"].values():
            code = resource.get("Properties", {}).get("Code", {})
            if resource["Type"] == "AWS::Lambda::Function" and "S3Bucket" in code:
                with suppress(ClientError):
                    s3.create_bucket(Bucket=code["S3Bucket"])
                s3.put_object(Bucket=code["S3Bucket"], Key=code["S3Key"], Body=_archive())


def _archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return {}\n")
    return content.getvalue()


def alone(resource: Resource) -> Json:
    """Returns a template with one resource."""
    properties = plain_values(resource.props)
    return {"Resources": {resource.logical_id: {"Type": resource.kind, "Properties": properties}}}


def _deployable(template: Json) -> Json:
    """Returns a template without the parts that need a bootstrapped account: the version check, custom resources."""
    found = copy.deepcopy(template)
    found.pop("Rules", None)
    found.get("Parameters", {}).pop("BootstrapVersion", None)
    gone = {name for name, resource in found["Resources"].items() if resource["Type"].startswith("Custom::")}
    found["Resources"] = {name: resource for name, resource in found["Resources"].items() if name not in gone}
    for resource in found["Resources"].values():
        resource["DeletionPolicy"] = "Delete"
        resource.pop("Condition", None)
        before = listed(resource.get("DependsOn", []))
        resource["DependsOn"] = [name for name in before if name not in gone]
        if "DeletionProtection" in resource.get("Properties", {}):
            resource["Properties"]["DeletionProtection"] = False
    return found


def _keep(template: Json, logical_id: str) -> None:
    """Reduces a template to a resource and the resources that it references, without outputs."""
    wanted, found = {logical_id}, set[str]()
    while wanted:
        name = wanted.pop()
        found.add(name)
        text = json.dumps(template["Resources"][name])
        wanted |= {other for other in template["Resources"] if f'"{other}"' in text or f"${{{other}" in text} - found
    template["Resources"] = {name: template["Resources"][name] for name in found}
    template.pop("Outputs", None)


def _with_imports(app: Synthesis, stack: str) -> list[str]:
    """Returns the stacks that a stack imports from, each after those that it imports from itself, and the stack."""
    text = json.dumps(app[stack])
    imported = [name for name in app.templates if f'"Fn::ImportValue": "{name}:' in text and name != stack]
    found = [before for name in imported for before in _with_imports(app, name)]
    return [*dict.fromkeys(found), stack]


def plain_values(value: Any) -> Any:
    """Returns properties in which placeholders replace what only a deployment knows."""
    if isinstance(value, dict):
        return {key: plain_values(element) for key, element in value.items()}
    if isinstance(value, list):
        return [plain_values(element) for element in value]
    if isinstance(value, str) and "{{resolve" in value:
        return "a-value-of-a-secret"
    return value.replace("*", "x") if isinstance(value, str) else value
