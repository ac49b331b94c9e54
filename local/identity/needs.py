"""The IAM actions CloudFormation needs for a resource: the first call of its handler, and the roles it passes on.

Taken from the documented permissions of each type's handlers, cut to the action that changes something; reads are
left out. Resources are named as the template names them, else by their physical id, which at creation is still the
stack's and the logical id's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

CREATE, UPDATE, DELETE = "create", "update", "delete"


@dataclass(frozen=True)
class Need:
    """One question to the policies of the role."""

    action: str
    resource: str = "*"
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One step of a stack operation: what happens to which resource."""

    kind: str
    verb: str
    props: Mapping[str, Any]
    name: str


# Type -> actions to create, update, delete; then how the template names the resource, if it can.
_NEEDS: dict[str, tuple[str, str, str, str]] = {
    "AWS::IAM::Role": ("iam:CreateRole", "iam:UpdateRole", "iam:DeleteRole", "iam::role/{Path}{RoleName}"),
    "AWS::IAM::ManagedPolicy": (
        "iam:CreatePolicy",
        "iam:CreatePolicyVersion",
        "iam:DeletePolicy",
        "iam::policy/{Path}{ManagedPolicyName}",
    ),
    "AWS::IAM::OIDCProvider": (
        "iam:CreateOpenIDConnectProvider",
        "iam:UpdateOpenIDConnectProviderThumbprint",
        "iam:DeleteOpenIDConnectProvider",
        "",
    ),
    "AWS::IAM::InstanceProfile": (
        "iam:CreateInstanceProfile",
        "iam:AddRoleToInstanceProfile",
        "iam:DeleteInstanceProfile",
        "",
    ),
    "AWS::S3::Bucket": ("s3:CreateBucket", "s3:PutBucketTagging", "s3:DeleteBucket", "s3:::{BucketName}"),
    "AWS::S3::BucketPolicy": ("s3:PutBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:::{Bucket}"),
    "AWS::ECR::Repository": (
        "ecr:CreateRepository",
        "ecr:PutImageTagMutability",
        "ecr:DeleteRepository",
        "ecr:*:repository/{RepositoryName}",
    ),
    "AWS::Logs::LogGroup": (
        "logs:CreateLogGroup",
        "logs:PutRetentionPolicy",
        "logs:DeleteLogGroup",
        "logs:*:log-group:{LogGroupName}:log-stream:",
    ),
    "AWS::Lambda::Function": (
        "lambda:CreateFunction",
        "lambda:UpdateFunctionConfiguration",
        "lambda:DeleteFunction",
        "lambda:*:function:{FunctionName}",
    ),
    "AWS::KMS::Key": ("kms:CreateKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", ""),
    "AWS::SecretsManager::Secret": (
        "secretsmanager:CreateSecret",
        "secretsmanager:UpdateSecret",
        "secretsmanager:DeleteSecret",
        "",
    ),
    "AWS::SSM::Parameter": ("ssm:PutParameter", "ssm:PutParameter", "ssm:DeleteParameter", "ssm:*:parameter{Name}"),
    "AWS::SNS::Topic": ("sns:CreateTopic", "sns:SetTopicAttributes", "sns:DeleteTopic", "sns:*:{TopicName}"),
    "AWS::SQS::Queue": ("sqs:CreateQueue", "sqs:SetQueueAttributes", "sqs:DeleteQueue", "sqs:*:{QueueName}"),
    "AWS::Events::Rule": ("events:PutRule", "events:PutRule", "events:DeleteRule", "events:*:rule/{Name}"),
    "AWS::CloudWatch::Alarm": (
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:DeleteAlarms",
        "cloudwatch:*:alarm:{AlarmName}",
    ),
    "AWS::ECS::Cluster": ("ecs:CreateCluster", "ecs:UpdateCluster", "ecs:DeleteCluster", ""),
    "AWS::ECS::TaskDefinition": (
        "ecs:RegisterTaskDefinition",
        "ecs:RegisterTaskDefinition",
        "ecs:DeregisterTaskDefinition",
        "",
    ),
    "AWS::ECS::Service": ("ecs:CreateService", "ecs:UpdateService", "ecs:DeleteService", ""),
    "AWS::RDS::DBInstance": ("rds:CreateDBInstance", "rds:ModifyDBInstance", "rds:DeleteDBInstance", ""),
    "AWS::ElastiCache::ReplicationGroup": (
        "elasticache:CreateReplicationGroup",
        "elasticache:ModifyReplicationGroup",
        "elasticache:DeleteReplicationGroup",
        "",
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": (
        "elasticloadbalancing:CreateLoadBalancer",
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:DeleteLoadBalancer",
        "",
    ),
    "AWS::CloudFront::Distribution": (
        "cloudfront:CreateDistribution",
        "cloudfront:UpdateDistribution",
        "cloudfront:DeleteDistribution",
        "",
    ),
    "AWS::WAFv2::WebACL": ("wafv2:CreateWebACL", "wafv2:UpdateWebACL", "wafv2:DeleteWebACL", ""),
    "AWS::EC2::VPC": ("ec2:CreateVpc", "ec2:ModifyVpcAttribute", "ec2:DeleteVpc", ""),
    "AWS::EC2::SecurityGroup": (
        "ec2:CreateSecurityGroup",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:DeleteSecurityGroup",
        "",
    ),
    "AWS::CodeBuild::Project": (
        "codebuild:CreateProject",
        "codebuild:UpdateProject",
        "codebuild:DeleteProject",
        "codebuild:*:project/{Name}",
    ),
    "AWS::CodePipeline::Pipeline": (
        "codepipeline:CreatePipeline",
        "codepipeline:UpdatePipeline",
        "codepipeline:DeletePipeline",
        "codepipeline:*:{Name}",
    ),
}

# Property -> service the role goes to.
_PASSED: dict[str, tuple[tuple[str, str], ...]] = {
    "AWS::Lambda::Function": (("Role", "lambda.amazonaws.com"),),
    "AWS::ECS::TaskDefinition": (
        ("TaskRoleArn", "ecs-tasks.amazonaws.com"),
        ("ExecutionRoleArn", "ecs-tasks.amazonaws.com"),
    ),
    "AWS::CodeBuild::Project": (("ServiceRole", "codebuild.amazonaws.com"),),
    "AWS::CodePipeline::Pipeline": (("RoleArn", "codepipeline.amazonaws.com"),),
    "AWS::RDS::DBInstance": (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
    "AWS::EC2::FlowLog": (("DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com"),),
}


class _Properties(dict[str, str]):
    """Template properties for names; for a name the template leaves out, the physical one."""

    def __init__(self, step: Step) -> None:
        super().__init__({key: value for key, value in step.props.items() if isinstance(value, str)})
        self._name = step.name.rsplit("/", 1)[-1].rsplit(":", 1)[-1]

    def __missing__(self, key: str) -> str:
        if key == "Path":
            return "/"
        return self._name.lower() if key == "BucketName" else self._name


def _resource(pattern: str, step: Step, account: str, region: str) -> str:
    if not pattern:
        return "*"
    service, place, rest = pattern.split(":", 2)
    owner = "::" if service == "s3" else f"{region if place else ''}:{account}:"
    name = (
        rest.removeprefix(":").format_map(_Properties(step)).replace("role//", "role/").replace("policy//", "policy/")
    )
    return f"arn:aws:{service}:{owner}{name}"


def of(step: Step, *, account: str, region: str) -> Iterator[Need]:
    """What CloudFormation must be allowed to do for that step."""
    if step.kind in _NEEDS:
        *actions, pattern = _NEEDS[step.kind]
        boundary = step.props.get("PermissionsBoundary")
        context = {"iam:PermissionsBoundary": boundary} if boundary else {}
        action = dict(zip((CREATE, UPDATE, DELETE), actions, strict=True))[step.verb]
        yield Need(action, _resource(pattern, step, account, region), context)
    if step.verb == DELETE:
        return
    for name, service in _PASSED.get(step.kind, ()):
        if step.props.get(name):
            yield Need("iam:PassRole", str(step.props[name]), {"iam:PassedToService": service})
