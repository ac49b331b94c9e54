"""The release that a stack runs, as parameters of its template."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk

UNRELEASED = "unreleased"


@dataclass(frozen=True)
class ReleasedImage:
    """An image parameter: its value `uri`, and the condition `released`, which is true from the first release on."""

    uri: str
    released: cdk.CfnCondition

    def count(self, tasks: int | str) -> float:
        """Returns a token for the task count: 0 before the first release, then `tasks`, e.g. a parameter's value."""
        return cdk.Token.as_number(cdk.Fn.condition_if(self.released.logical_id, tasks, 0))

    def when_released(self, value: str, otherwise: str) -> str:
        """Returns a token for `value` from the first release on, and for `otherwise` before."""
        return cdk.Fn.condition_if(self.released.logical_id, value, otherwise).to_string()


class ReleaseParameters:
    """The parameters of a stack that runs releases: one for each image, one for the version.

    A deployment of infrastructure keeps their values, because `cdk deploy` passes the previous ones. A release changes
    only their values: it calls UpdateStack with the previous template. Before the first release an image is
    `unreleased`.
    """

    version: str

    def __init__(self, stack: cdk.Stack, *, version_parameter: str) -> None:
        self._stack = stack
        self.version = cdk.CfnParameter(
            stack, version_parameter, default=UNRELEASED, description="Version of the release, as /status reports it"
        ).value_as_string

    def site(self, parameter: str, how: str) -> str:
        """Define the parameter of the site's domain name, which a later stack decides: the first release sets it.

        CloudFormation refuses to run a release without it; `how` tells the operator how to set it.
        """
        domain = cdk.CfnParameter(
            self._stack,
            parameter,
            default=UNRELEASED,
            allowed_pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
            constraint_description="give the domain name alone, without https:// and path",
            description="Domain name of the site, as releases read it from CloudFront's stack",
        ).value_as_string
        cdk.CfnRule(
            self._stack,
            f"{parameter}IsKnown",
            rule_condition=_released(self.version),
            assertions=[cdk.CfnRuleAssertion(assert_=_released(domain), assert_description=how)],
        )
        return domain

    def image(self, parameter: str) -> ReleasedImage:
        """Define the parameter of an image that services run, and the condition that it has been released."""
        uri = self.image_uri(parameter)
        released = cdk.CfnCondition(
            self._stack,
            f"Has{parameter}",
            expression=_released(uri),
        )
        return ReleasedImage(uri, released)

    def image_uri(self, parameter: str) -> str:
        """Define the parameter of an image: its URI with a digest, or `unreleased`."""
        return cdk.CfnParameter(
            self._stack,
            parameter,
            default=UNRELEASED,
            allowed_pattern=rf"^({UNRELEASED}|.+@sha256:[0-9a-f]{{64}})$",
            constraint_description="give the image by digest: <repository>@sha256:<64 hexadecimal digits>",
            description="Image to run, by digest; unreleased: no tasks",
        ).value_as_string

    def count(self, parameter: str, default: int) -> str:
        """Define the parameter of a scaled service's task count, with which a release keeps the current scale."""
        return cdk.CfnParameter(
            self._stack,
            parameter,
            type="Number",
            default=default,
            min_value=default,
            description="Tasks to start a release with; scaling moves them afterwards",
        ).value_as_string


def _released(parameter: str) -> cdk.ICfnConditionExpression:
    """Returns the expression that a parameter no longer has the value `unreleased`."""
    return cdk.Fn.condition_not(cdk.Fn.condition_equals(parameter, UNRELEASED))
