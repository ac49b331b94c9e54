"""Daily backups of disks."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from slipway.host_backups import DiskBackups
from tests.support.stack import empty_stack, only, properties


@pytest.fixture(scope="module")
def template() -> Template:
    stack = empty_stack()
    volume = ec2.Volume(stack, "Disk", availability_zone="us-east-1a", size=cdk.Size.gibibytes(20))
    DiskBackups(stack, "Backups", volumes=[volume], days=30)
    return Template.from_stack(stack)


def test_each_disk_is_backed_up_daily_and_each_backup_is_kept_for_the_days(template: Template) -> None:
    (rule,) = properties(template, "AWS::Backup::BackupPlan")["BackupPlan"]["BackupPlanRule"]
    selection = properties(template, "AWS::Backup::BackupSelection")["BackupSelection"]

    assert rule["ScheduleExpression"] == "cron(0 2 * * ? *)"
    assert rule["Lifecycle"] == {"DeleteAfterDays": 30}
    assert len(selection["Resources"]) == 1
    assert "Disk" in str(selection["Resources"])


def test_backups_outlive_their_stack(template: Template) -> None:
    assert only(template, "AWS::Backup::BackupVault")["DeletionPolicy"] == "Retain"


def test_the_role_cannot_restore_over_what_runs(template: Template) -> None:
    assert "Restores" not in str(properties(template, "AWS::IAM::Role")["ManagedPolicyArns"])
