"""Reads the resources of the templates, with references replaced by the names that CloudFormation will generate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policy.execution.arns import arn
from policy.templates import Read, templates
from products import Product

ANY = "*"
_HASH = re.compile(r"[0-9A-F]{8}$")  # that the CDK adds to a logical id; CloudFormation may cut it off a name
SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a type
# The property that names a resource; CloudFormation names resources of other types.
_NAMES = {
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::CodeBuild::Project": "Name",
    "AWS::CodePipeline::Pipeline": "Name",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::ECS::Service": "ServiceName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Logs::LogGroup": "LogGroupName",
}
_ARNS = {
    "AWS::IAM::Role": arn("iam", "role/{name}", account="{account}"),
    "AWS::Lambda::Function": arn("lambda", "function:{name}", region="{region}", account="{account}"),
    "AWS::S3::Bucket": arn("s3", "{name}"),
    "AWS::SNS::Topic": arn("sns", "{name}", region="{region}", account="{account}"),
    "AWS::SQS::Queue": arn("sqs", "{name}", region="{region}", account="{account}"),
}
_FUNCTIONS = {
    "Ref": "reference",
    "GetAtt": "attribute",
    "Sub": "substituted",
    "Join": "joined",
    "ImportValue": "imported",
    **dict.fromkeys(("If", "Select", "GetAZs", "Json", "Split", "Base64", "Equals"), "unknown"),
}


@dataclass(frozen=True)
class Resource:
    """One resource of one stack of one product."""

    product: Product
    stack: str
    logical_id: str
    kind: str
    props: Mapping[str, Any]
    account: str
    region: str

    @property
    def name(self) -> str:
        """Returns a pattern of the generated name."""
        if self.kind == SECRET:
            return _begin(self.logical_id)  # the name does not contain the stack's name
        return f"{self.stack}-{_begin(self.logical_id)}"


def _begin(logical_id: str) -> str:
    """Returns a pattern of the part of a generated name that comes from a logical id."""
    return f"{_HASH.sub('', logical_id)}{ANY}"


def of(product: Product, read: Read = templates) -> Iterator[Resource]:
    """Yields the resources of a product's templates, by default of the committed ones."""
    found = read(product.name)
    fillings = {stack: _filling(product, stack, template) for stack, template in found.items()}
    exports = {
        output["Export"]["Name"]: (fillings[stack], output["Value"])
        for stack, template in found.items()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }
    for stack, filling in fillings.items():
        filling.exports.update(exports)
        for logical_id, resource in filling.resources.items():
            props = filling.value(resource.get("Properties", {}))
            yield Resource(product, stack, logical_id, resource["Type"], props, filling.account, filling.region)


def _filling(product: Product, stack: str, template: Mapping[str, Any]) -> _Filling:
    environment = stack.removesuffix(f"-{product.name}-{stack.rpartition('-')[2]}")
    place = product.environments.get(environment) or product.tooling
    return _Filling(stack, template["Resources"], place.account, place.region, {})


@dataclass(frozen=True)
class _Filling:
    stack: str
    resources: Mapping[str, Any]
    account: str
    region: str
    exports: dict[str, tuple[_Filling, Any]]
    """Values that the product's stacks export, each with the stack that resolves it."""

    def value(self, value: Any) -> Any:
        """Returns a value with its functions resolved; `*` replaces values known only after the deployment."""
        if isinstance(value, list):
            return [self.value(element) for element in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in _FUNCTIONS:
                return getattr(self, _FUNCTIONS[name])(argument)
        return {key: self.value(element) for key, element in value.items()}

    def reference(self, name: str) -> str:
        """Resolves `!Ref`."""
        return self._pseudo(name) or self._physical(name)

    def attribute(self, place: str) -> str:
        """Resolves `!GetAtt`."""
        return self._attribute(*place.split(".", 1))

    def joined(self, argument: list[Any]) -> str:
        """Resolves `!Join`."""
        separator, parts = argument
        return str(separator).join(str(self.value(part)) for part in parts)

    def imported(self, export: str) -> str:
        """Resolves `!ImportValue`."""
        filling, value = self.exports[export]
        return str(filling.value(value))

    def unknown(self, _: Any) -> str:
        """Returns `*` for a function whose value is known only after the deployment."""
        return ANY

    def substituted(self, text: Any) -> str:
        """Resolves `!Sub`, with the notation `import` of our snapshots for an imported value; `*` for a document."""
        if not isinstance(text, str):
            return ANY
        first, *rest = text.split("${")
        found = first
        for part in rest:
            name, _, after = part.partition("}")
            if name.startswith("import "):
                value = self.imported(name.removeprefix("import "))
            else:
                value = self.attribute(name) if "." in name else self.reference(name)
            found += value + after
        return found

    def _pseudo(self, name: str) -> str:
        known = {"AWS::AccountId": self.account, "AWS::Region": self.region, "AWS::Partition": "aws"}
        return known.get(name, "")

    def _physical(self, logical_id: str) -> str:
        resource = self.resources.get(logical_id)
        if resource is None:
            return ANY  # a parameter
        kind = resource["Type"]
        named = self.value(resource.get("Properties", {}).get(_NAMES.get(kind, ""), ""))
        if kind == SECRET:
            return arn("secretsmanager", f"secret:{_begin(logical_id)}", region=self.region, account=self.account)
        if kind == "AWS::SecretsManager::SecretTargetAttachment":  # its reference is the secret's ARN
            return str(self.value(resource["Properties"]["SecretId"]))
        return str(named or f"{self.stack}-{_begin(logical_id)}")

    def _attribute(self, logical_id: str, attribute: str) -> str:
        kind = self.resources.get(logical_id, {}).get("Type", "")
        if attribute not in ("Arn", "TopicArn") or kind not in _ARNS:
            return self._physical(logical_id)
        return _ARNS[kind].format(account=self.account, region=self.region, name=self._physical(logical_id))
