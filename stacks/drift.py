"""The rights with which CloudFormation detects drift: it reads each resource with those of the role that asks."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from slipway.rights import Allow
from stacks.scope import EnvironmentScope

# docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html: "read permission for each resource
# that supports drift detection". They are the read permissions of the types' handlers, without those that return data:
# secretsmanager:GetSecretValue, kms:Decrypt, s3:GetObject and the parameters' values. What needs one is not checked.
READS = (
    "acm:DescribeCertificate",
    "application-autoscaling:Describe*",
    "cloudfront:DescribeFunction",
    "cloudfront:Get*",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetDashboard",
    "ec2:Describe*",
    "ecs:Describe*",
    "elasticache:Describe*",
    "elasticloadbalancing:Describe*",
    "events:DescribeRule",
    "events:ListTargetsByRule",
    "iam:GetInstanceProfile",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "lambda:GetFunction*",
    "lambda:GetPolicy",
    "lambda:GetRuntimeManagementConfig",
    "logs:Describe*",
    "logs:GetDataProtectionPolicy",
    "rds:Describe*",
    "route53:GetHostedZone",
    "route53:List*",
    "s3:GetBucket*",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "secretsmanager:DescribeSecret",
    "servicediscovery:GetNamespace",
    "servicediscovery:GetService",
    "servicediscovery:GetServiceAttributes",
    "sns:Get*",
    "sns:ListSubscriptionsByTopic",
    "sqs:GetQueueAttributes",
    "ssm:DescribeAssociation",
    "ssm:ListAssociations",
)
_LISTS_TAGS = (
    "acm",
    "application-autoscaling",
    "cloudfront",
    "cloudwatch",
    "elasticache",
    "events",
    "logs",
    "rds",
    "servicediscovery",
    "sns",
)


def rights(access: cdk.Stack, environment_scope: EnvironmentScope) -> list[iam.PolicyStatement]:
    """Returns the statements that let a role detect drift in the stacks of an environment, and change nothing."""
    stacks = access.format_arn(
        service="cloudformation", resource="stack", resource_name=f"{environment_scope.prefix}-*"
    )
    return [
        Allow(
            sid="DetectDrift",
            actions=[
                "cloudformation:DescribeStackResourceDrifts",
                "cloudformation:DescribeStacks",
                "cloudformation:DetectStackDrift",
                "cloudformation:DetectStackResourceDrift",
            ],
            resources=[stacks],
            because="every stack of the environment is checked; CloudFormation ends their ARNs with ids",
        ),
        Allow(
            sid="ReadResources",
            actions=[*READS, *(f"{service}:ListTags*" for service in _LISTS_TAGS)],
            resources=["*"],
            because=(
                "CloudFormation reads the stacks' resources with these rights; they describe, and return neither data "
                "nor secrets, and a name for each resource would not fit into a policy"
            ),
        ),
    ]
