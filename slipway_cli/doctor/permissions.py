"""The only actions that `slipway doctor` uses: all of them read."""

from __future__ import annotations

from typing import Any

ACTIONS = (
    "acm:DescribeCertificate",
    "cloudformation:DescribeStacks",
    "cloudformation:ListStackResources",
    "cloudfront:ListDistributions",
    "codeconnections:GetConnection",
    "codestar-connections:GetConnection",
    "ec2:DescribeAddresses",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeInstanceTypeOfferings",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeManagedPrefixLists",
    "ec2:DescribeVpcs",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:ListAttachedRolePolicies",
    "iam:ListOpenIDConnectProviders",
    "kms:DescribeKey",
    "route53:GetHostedZone",
    "route53:ListResourceRecordSets",
    "secretsmanager:DescribeSecret",
    "servicequotas:GetAWSDefaultServiceQuota",
    "servicequotas:GetServiceQuota",
    "servicequotas:ListServiceQuotas",
    "sns:ListSubscriptionsByTopic",
    "ssm:GetParameter",
)
_VERSION = "arn:aws:ssm:*:*:parameter/cdk-bootstrap/*"
_READS_A_VALUE = "ssm:GetParameter"


def policy() -> dict[str, Any]:
    """Returns the policy of a role that may run `slipway doctor` and nothing else.

    No action returns a secret: `secretsmanager:DescribeSecret` returns names and dates. `ssm:GetParameter` could, so it
    is restricted to the number of the bootstrap's version.
    """
    described = [action for action in ACTIONS if action != _READS_A_VALUE]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Describe", "Effect": "Allow", "Action": described, "Resource": "*"},
            {"Sid": "BootstrapVersion", "Effect": "Allow", "Action": _READS_A_VALUE, "Resource": _VERSION},
        ],
    }
