"""The ARNs on which CloudFormation's resource handlers act, by resource type and action.

The name in an ARN is the template's if it gives one, else the physical ID. At creation, CloudFormation makes the
physical ID from the names of the stack and the logical ID (docs.aws.amazon.com/AWSCloudFormation, "Name type"), and for
a secret from the logical ID alone. `*` stands for an ID that AWS generates, and for a generated name that AWS shortens
so much that nothing of the stack's name remains.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

CREATE, UPDATE, DELETE = "create", "update", "delete"


@dataclass(frozen=True)
class Step:
    """One step of a stack operation: the creation, update or deletion of a resource."""

    kind: str
    verb: str
    props: Mapping[str, Any]
    name: str
    """The physical ID; at creation, its expected beginning."""
    logical_id: str = ""
    old: Mapping[str, Any] = field(default_factory=dict)
    """The properties before an update."""


_ELB = "arn:aws:elasticloadbalancing:{region}:{account}:*"
_FUNCTION = "arn:aws:lambda:{region}:{account}:function:{FunctionName}"
_SECRET = "arn:aws:secretsmanager:{region}:{account}:secret:{SecretId}*"  # noqa: S105 - an ARN, with a random suffix
_RDS = "arn:aws:rds:{region}:{account}:*:"
_CACHE = "arn:aws:elasticache:{region}:{account}:*"
_CLOUDFRONT = "arn:aws:cloudfront::{account}:*"
_SCALING = "arn:aws:application-autoscaling:{region}:{account}:*"
_WAF = "arn:aws:wafv2:{region}:{account}:*"

# Type -> service of the action -> ARN of the resource; a name in braces is a property, or the physical ID without it.
_PATTERNS: Mapping[str, Mapping[str, str]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": {
        "application-autoscaling": _SCALING,
        "cloudwatch": "arn:aws:cloudwatch:{region}:{account}:alarm:TargetTracking-*",
    },
    "AWS::ApplicationAutoScaling::ScalingPolicy": {"application-autoscaling": _SCALING},
    "AWS::CloudFront::Distribution": {"cloudfront": _CLOUDFRONT},
    "AWS::CloudFront::Function": {"cloudfront": _CLOUDFRONT},
    "AWS::CloudFront::KeyValueStore": {"cloudfront": _CLOUDFRONT},
    "AWS::CloudFront::OriginAccessControl": {"cloudfront": _CLOUDFRONT},
    "AWS::CloudFront::ResponseHeadersPolicy": {"cloudfront": _CLOUDFRONT},
    "AWS::CloudFront::VpcOrigin": {"cloudfront": _CLOUDFRONT},
    "AWS::CloudWatch::Alarm": {"cloudwatch": "arn:aws:cloudwatch:{region}:{account}:alarm:{AlarmName}"},
    "AWS::CloudWatch::Dashboard": {"cloudwatch": "arn:aws:cloudwatch::{account}:dashboard/{DashboardName}"},
    "AWS::CodeBuild::Project": {"codebuild": "arn:aws:codebuild:{region}:{account}:project/{Name}"},
    "AWS::CodePipeline::Pipeline": {"codepipeline": "arn:aws:codepipeline:{region}:{account}:{Name}"},
    "AWS::ECR::PublicRepository": {"ecr-public": "arn:aws:ecr-public::{account}:repository/{RepositoryName}"},
    "AWS::ECR::Repository": {"ecr": "arn:aws:ecr:{region}:{account}:repository/{RepositoryName}"},
    "AWS::ECS::Cluster": {"ecs": "arn:aws:ecs:{region}:{account}:cluster/{ClusterName}"},
    "AWS::ECS::Service": {"ecs": "arn:aws:ecs:{region}:{account}:service/{Cluster}/{ServiceName}"},
    "AWS::ECS::TaskDefinition": {"ecs": "arn:aws:ecs:{region}:{account}:task-definition/{Family}:*"},
    "AWS::ElastiCache::ParameterGroup": {"elasticache": _CACHE},
    "AWS::ElastiCache::ReplicationGroup": {"elasticache": _CACHE},
    "AWS::ElastiCache::SubnetGroup": {"elasticache": _CACHE},
    "AWS::ElasticLoadBalancingV2::Listener": {"elasticloadbalancing": _ELB},
    "AWS::ElasticLoadBalancingV2::ListenerRule": {"elasticloadbalancing": _ELB},
    "AWS::ElasticLoadBalancingV2::TargetGroup": {"elasticloadbalancing": _ELB},
    "AWS::ElasticLoadBalancingV2::LoadBalancer": {
        "elasticloadbalancing": "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/{Name}/*"
    },
    "AWS::Events::Rule": {"events": "arn:aws:events:{region}:{account}:rule/{Name}"},
    "AWS::IAM::InstanceProfile": {"iam": "arn:aws:iam::{account}:instance-profile/{InstanceProfileName}"},
    "AWS::IAM::ManagedPolicy": {"iam": "arn:aws:iam::{account}:policy/{ManagedPolicyName}"},
    "AWS::IAM::OIDCProvider": {"iam": "arn:aws:iam::{account}:oidc-provider/{Url}"},
    "AWS::IAM::Policy": {"iam": "arn:aws:iam::{account}:role/{Roles}"},
    "AWS::IAM::Role": {"iam": "arn:aws:iam::{account}:role/{RoleName}"},
    "AWS::IAM::RolePolicy": {"iam": "arn:aws:iam::{account}:role/{RoleName}"},
    "AWS::KMS::Key": {},
    "AWS::Lambda::EventInvokeConfig": {"lambda": _FUNCTION},
    "AWS::Lambda::Function": {"lambda": _FUNCTION, "s3": "arn:aws:s3:::{Code.S3Bucket}/*"},
    "AWS::Lambda::Permission": {"lambda": _FUNCTION},
    "AWS::Logs::LogGroup": {"logs": "arn:aws:logs:{region}:{account}:log-group:{LogGroupName}:log-stream:"},
    "AWS::RDS::DBInstance": {"rds": _RDS + "{DBInstanceIdentifier}"},
    "AWS::RDS::DBParameterGroup": {"rds": _RDS + "{DBParameterGroupName}"},
    "AWS::RDS::DBSubnetGroup": {"rds": _RDS + "{DBSubnetGroupName}"},
    "AWS::S3::Bucket": {"s3": "arn:aws:s3:::{BucketName}"},
    "AWS::S3::BucketPolicy": {"s3": "arn:aws:s3:::{Bucket}"},
    "AWS::SNS::Subscription": {"sns": "arn:aws:sns:{region}:{account}:{TopicArn}"},
    "AWS::SNS::Topic": {"sns": "arn:aws:sns:{region}:{account}:{TopicName}"},
    "AWS::SNS::TopicPolicy": {"sns": "arn:aws:sns:{region}:{account}:{Topics}"},
    "AWS::SQS::Queue": {"sqs": "arn:aws:sqs:{region}:{account}:{QueueName}"},
    "AWS::SQS::QueuePolicy": {"sqs": "arn:aws:sqs:{region}:{account}:{Queues}"},
    "AWS::SSM::Association": {"ssm": "arn:aws:ssm:{region}:{account}:association/*"},
    "AWS::SSM::Document": {"ssm": "arn:aws:ssm:{region}:{account}:document/{Name}"},
    "AWS::SSM::Parameter": {"ssm": "arn:aws:ssm:{region}:{account}:parameter{Name}"},
    "AWS::Scheduler::Schedule": {"scheduler": "arn:aws:scheduler:{region}:{account}:schedule/{GroupName}/{Name}"},
    "AWS::Scheduler::ScheduleGroup": {"scheduler": "arn:aws:scheduler:{region}:{account}:schedule-group/{Name}"},
    "AWS::SecretsManager::RotationSchedule": {"secretsmanager": _SECRET},
    "AWS::SecretsManager::Secret": {"secretsmanager": _SECRET.replace("SecretId", "Name")},
    "AWS::SecretsManager::SecretTargetAttachment": {"secretsmanager": _SECRET, "rds": _RDS + "{TargetId}"},
    "AWS::WAFv2::LoggingConfiguration": {"wafv2": _WAF},
    "AWS::WAFv2::WebACL": {"wafv2": _WAF},
}
# Actions on a resource of another kind than the type's own.
_OTHER: Mapping[str, str] = {
    "ecs:DescribeServiceDeployments": "arn:aws:ecs:{region}:{account}:service-deployment/{Cluster}/{ServiceName}/*",
    "ecs:StopServiceDeployment": "arn:aws:ecs:{region}:{account}:service-deployment/{Cluster}/{ServiceName}/*",
}
# The actions on a database are also authorized for the option group, here the default one of its engine.
# An association is also authorized for its document.
_ADDITIONAL: Mapping[str, str] = {
    **{
        f"rds:{action}": "arn:aws:rds:{region}:{account}:og:default:*"
        for action in ("CreateDBInstance", "ModifyDBInstance")
    },
    "ssm:CreateAssociation": "arn:aws:ssm:{region}:{account}:document/{Name}",
}
_PATHS = {"AWS::IAM::Role": "RoleName", "AWS::IAM::ManagedPolicy": "ManagedPolicyName"}


def values(props: Any, path: str) -> list[Any]:
    """Returns the values at a path of the properties; the path continues in every element of a list."""
    found = [props]
    for part in path.split("."):
        found = [value[part] for value in _flat(found) if isinstance(value, Mapping) and value.get(part)]
    return _flat(found)


def _flat(values: list[Any]) -> list[Any]:
    return [element for value in values for element in (value if isinstance(value, list) else [value])]


def resources(action: str, step: Step, *, account: str, region: str) -> Iterator[str]:
    """Yields the ARNs of the resources for which a step needs permission for an action."""
    service = action.partition(":")[0]
    pattern = _OTHER.get(action) or _PATTERNS.get(step.kind, {}).get(service, "*")
    yield from _filled(pattern, step, account, region)
    if action in _ADDITIONAL:
        yield from _filled(_ADDITIONAL[action], step, account, region)


def _filled(pattern: str, step: Step, account: str, region: str) -> Iterator[str]:
    known = {"account": account, "region": region}
    text = pattern
    for key, value in known.items():
        text = text.replace(f"{{{key}}}", value)
    names = [part.partition("}")[0] for part in text.split("{")[1:]]
    found = [text]
    for name in names:
        found = [arn.replace(f"{{{name}}}", value) for arn in found for value in _names(name, step)]
    # AWS's own documents belong to no account.
    yield from (arn.replace(f":{account}:document/AWS-", "::document/AWS-") for arn in found)


def _names(name: str, step: Step) -> list[str]:
    """Returns the values of a property as parts of an ARN; the physical ID if the property is not set."""
    given = [_last(value, name) for value in values(step.props, name) if isinstance(value, str)]
    if given and _PATHS.get(step.kind) == name:
        path = str(step.props.get("Path", "/")).strip("/")
        return [f"{path}/{value}" if path else value for value in given]
    if given:
        return given
    physical = _last(step.name, name)
    if step.kind == "AWS::SecretsManager::Secret" and step.verb == CREATE and step.logical_id:
        physical = f"{step.logical_id}-"
    return [physical.lower() if name in ("BucketName", "Bucket") else physical]


def _last(value: str, name: str) -> str:
    """Returns the resource's name from a name, an ARN or a URL."""
    if name in ("LogGroupName", "RepositoryName", "Name") and not value.startswith("arn:"):
        return value
    if name == "LogGroupName":
        return value.partition(":log-group:")[2].removesuffix(":*")
    if name in ("SecretId", "Name") and ":secret:" in value:
        return value.partition(":secret:")[2]
    if name == "Url":
        return value.removeprefix("https://")
    return value.rsplit("/", 1)[-1].rsplit(":", 1)[-1]
