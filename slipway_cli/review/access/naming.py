"""Renders values with references as comparable, readable text: `arn:aws:s3:::{Media}/*`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from slipway_cli.review.assembly import Assembly, Stack
from slipway_cli.review.canonical import split_attribute

_INTERPOLATED = re.compile(r"\$\{([^}]+)\}")
# Services whose ARN prefix is not the service name of the resource type in lower case.
_SERVICES = {
    "CertificateManager": "acm",
    "ElasticLoadBalancingV2": "elasticloadbalancing",
    "KinesisFirehose": "firehose",
    "OpenSearchService": "es",
    "StepFunctions": "states",
}
_NO_REGION = frozenset({"cloudfront", "iam", "route53", "s3"})
_NO_ACCOUNT = frozenset({"route53", "s3"})
_NAME_IS_ALL = {"AWS::S3::Bucket": "BucketName", "AWS::SNS::Topic": "TopicName", "AWS::SQS::Queue": "QueueName"}
_REF_IS_ARN = ("Topic", "Secret", "TargetGroup", "LoadBalancer", "Listener", "ManagedPolicy", "TaskDefinition")


class Names:
    """Renders the values of one stack. Imports are replaced by the values that other stacks export."""

    def __init__(self, stack: Stack, assembly: Assembly | None = None) -> None:
        self._stack = stack
        self._assembly = assembly
        self._pseudo = {
            "AWS::Partition": "aws",
            "AWS::AccountId": stack.account or "{account}",
            "AWS::Region": stack.region or "{region}",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": stack.name,
        }

    def text(self, value: Any) -> str:
        """Returns a value as text; parts that are known only after the deployment are put in braces."""
        if isinstance(value, bool):
            return str(value).lower()
        if not isinstance(value, Mapping):
            return ",".join(self.text(item) for item in value) if isinstance(value, list) else str(value)
        if len(value) != 1:
            return "{…}"
        ((name, argument),) = value.items()
        return self._function(str(name), argument)

    def _function(self, name: str, argument: Any) -> str:  # noqa: PLR0911 - one return for each function
        if name == "Ref":
            return self._reference(str(argument))
        if name == "Fn::GetAtt":
            return self._attribute(*split_attribute(argument))
        if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:  # noqa: PLR2004 - its two arguments
            parts = argument[1] if isinstance(argument[1], list) else [argument[1]]
            return str(argument[0]).join(self.text(part) for part in parts)
        if name == "Fn::Sub":
            text, given = argument if isinstance(argument, list) else (argument, {})
            return _INTERPOLATED.sub(lambda match: self._interpolated(match[1], given), str(text))
        if name == "Fn::ImportValue":
            return self._imported(self.text(argument))
        if name == "Fn::Select" and isinstance(argument, list):
            return f"{{{self.text(argument[-1])}[{argument[0]}]}}"
        return f"{{{name.removeprefix('Fn::')} {self.text(argument)}}}"

    def _interpolated(self, name: str, given: Mapping[str, Any]) -> str:
        if name in given:
            return self.text(given[name])
        logical_id, _, attribute = name.partition(".")
        return self._attribute(logical_id, attribute) if attribute else self._reference(logical_id)

    def _reference(self, name: str) -> str:
        if name in self._pseudo:
            return self._pseudo[name]
        resource = self._stack.resources.get(name)
        if resource is None:
            return f"{{{name}}}"
        if resource["Type"].endswith(_REF_IS_ARN):
            return self._attribute(name, "Arn")
        return self._name(name, resource)

    def _attribute(self, logical_id: str, attribute: str) -> str:
        resource = self._stack.resources.get(logical_id)
        if resource is None:
            return f"{{{logical_id}.{attribute}}}"
        if not attribute.endswith("Arn"):
            return (
                f"{{{self._stack.path(logical_id)}}}" if attribute.endswith("Id") else f"{{{logical_id}.{attribute}}}"
            )
        service = resource["Type"].split("::")[1] if resource["Type"].count("::") > 1 else "lambda"
        service = _SERVICES.get(service, service.lower())
        region = "" if service in _NO_REGION else self._pseudo["AWS::Region"]
        account = "" if service in _NO_ACCOUNT else self._pseudo["AWS::AccountId"]
        return f"arn:aws:{service}:{region}:{account}:{self._name(logical_id, resource)}"

    def _name(self, logical_id: str, resource: Mapping[str, Any]) -> str:
        given = (resource.get("Properties") or {}).get(_NAME_IS_ALL.get(resource["Type"], ""))
        return given if isinstance(given, str) else f"{{{self._stack.path(logical_id)}}}"

    def _imported(self, name: str) -> str:
        for stack in self._assembly.stacks if self._assembly else ():
            for output in (stack.template.get("Outputs") or {}).values():
                exported = (output.get("Export") or {}).get("Name")
                if isinstance(exported, str) and exported == name and stack.name != self._stack.name:
                    return Names(stack, self._assembly).text(output.get("Value"))
        return f"{{{name}}}"
