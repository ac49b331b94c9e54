"""Plans of AWS Backup are created with their selection and deleted."""

from __future__ import annotations

import pytest

from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def test_a_backup_plan_has_its_selection(plain: Plain) -> None:
    stack = unique("backup")
    rule = {"RuleName": "daily", "TargetBackupVault": {"Ref": "Vault"}}
    selection = {
        "SelectionName": "all",
        "IamRoleArn": plain.role(unique("backup")),
        "Resources": [f"arn:aws:rds:{REGION}:{ACCOUNT}:db:*"],
    }
    made = plain.deploy(
        resources(
            Vault=("AWS::Backup::BackupVault", {"BackupVaultName": stack}),
            Plan=("AWS::Backup::BackupPlan", {"BackupPlan": {"BackupPlanName": stack, "BackupPlanRule": [rule]}}),
            Selection=("AWS::Backup::BackupSelection", {"BackupPlanId": {"Ref": "Plan"}, "BackupSelection": selection}),
        ),
        stack,
    )
    listed = plain.client("backup").list_backup_selections(BackupPlanId=made["Plan"])["BackupSelectionsList"]
    assert [item["SelectionName"] for item in listed] == ["all"]
    assert plain.delete(stack) == "DELETE_COMPLETE"
