"""Daily backups of disks."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_backup as backup
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from slipway.accepted import accept, accept_aws_key


class DiskBackups(Construct):
    """A vault with a snapshot of each disk for each of the last `days` days; docs/runbook.md says how to restore one.

    The vault is kept when its stack is deleted: it holds the only copies of data that somebody deleted by mistake.
    """

    def __init__(self, scope: Construct, construct_id: str, *, volumes: Sequence[ec2.IVolume], days: int) -> None:
        super().__init__(scope, construct_id)
        vault = backup.BackupVault(self, "Vault", removal_policy=cdk.RemovalPolicy.RETAIN)
        plan = backup.BackupPlan(self, "Plan", backup_vault=vault)
        plan.add_rule(
            backup.BackupPlanRule(
                rule_name="Daily",
                schedule_expression=events.Schedule.cron(hour="2", minute="0"),
                delete_after=cdk.Duration.days(days),
            )
        )
        stack = cdk.Stack.of(self)
        role = iam.Role(
            self,
            "Role",
            description="AWS Backup: snapshots of the data disks",
            assumed_by=iam.ServicePrincipal("backup.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name("service-role/AWSBackupServiceRolePolicyForBackup")
            ],
        )
        plan.add_selection(
            "Disks",
            role=role,
            disable_default_backup_policy=True,
            resources=[
                backup.BackupResource.from_arn(
                    stack.format_arn(service="ec2", resource="volume", resource_name=volume.volume_id)
                )
                for volume in volumes
            ],
        )
        accept_aws_key(vault, "CKV_AWS_166")
        accept(
            role,
            "AWS keeps the policy up to date with what its snapshots need; the boundary leaves of it only that",
            "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup]",
        )
