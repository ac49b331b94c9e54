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
    "acm:ListTagsForCertificate",
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
    "application-autoscaling:ListTagsForResource",
    "cloudfront:GetDistribution",
    "cloudfront:GetDistributionConfig",
    "cloudfront:GetResponseHeadersPolicy",
    "cloudfront:GetVpcOrigin",
    "cloudfront:ListTagsForResource",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetDashboard",
    "cloudwatch:ListTagsForResource",
    "ec2:DescribeAddresses",
    "ec2:DescribeFlowLogs",
    "ec2:DescribeInstanceAttribute",
    "ec2:DescribeInstanceCreditSpecifications",
    "ec2:DescribeInstances",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeLaunchTemplates",
    "ec2:DescribeNatGateways",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroupRules",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVolumes",
    "ec2:DescribeVpcAttribute",
    "ec2:DescribeVpcEncryptionControls",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
    "ec2:DescribeVpnGateways",
    "ecs:DescribeClusters",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "elasticloadbalancing:DescribeCapacityReservation",
    "elasticloadbalancing:DescribeListenerAttributes",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancerAttributes",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "iam:GetInstanceProfile",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "lambda:GetFunction",
    "lambda:GetFunctionCodeSigningConfig",
    "lambda:GetFunctionRecursionConfig",
    "lambda:GetFunctionScalingConfig",
    "lambda:GetRuntimeManagementConfig",
    "logs:DescribeIndexPolicies",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetDataProtectionPolicy",
    "logs:ListTagsForResource",
    "route53:GetHostedZone",
    "route53:ListHostedZones",
    "route53:ListResourceRecordSets",
    "s3:GetBucketLogging",
    "s3:GetBucketNotification",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "secretsmanager:DescribeSecret",
    "servicediscovery:GetNamespace",
    "servicediscovery:GetService",
    "servicediscovery:GetServiceAttributes",
    "servicediscovery:ListTagsForResource",
    "sns:GetDataProtectionPolicy",
    "sns:GetSubscriptionAttributes",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:ListTagsForResource",
    "ssm:DescribeAssociation",
    "ssm:ListAssociations",
)


# Why the role may have what the policy gate finds, by the rule.
ACCEPTED = {
    "parliament-UNKNOWN_ACTION": (
        "ec2:DescribeVpcEncryptionControls and lambda:GetFunctionScalingConfig are newer than the rule's list of "
        "actions; the handlers of AWS::EC2::VPC and AWS::Lambda::Function name them"
    )
}


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
            actions=list(READS),
            resources=["*"],
            because=(
                "CloudFormation reads the stacks' resources with these rights; they describe, and return neither data "
                "nor secrets, and a name for each resource would not fit into a policy"
            ),
        ),
    ]
