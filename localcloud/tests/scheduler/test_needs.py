"""CloudFormation needs the permissions that AWS documents for schedules, on the schedule's own name."""

from __future__ import annotations

from localcloud.cloudformation import needs
from localcloud.testing.plain import ACCOUNT, REGION

ROLE = f"arn:aws:iam::{ACCOUNT}:role/starter"
SCHEDULE: dict[str, object] = {"Name": "shop-clear", "GroupName": "shop", "Target": {"RoleArn": ROLE, "Arn": "cluster"}}


def needed(kind: str, verb: str, props: dict[str, object]) -> dict[str, needs.Need]:
    step = needs.Step(kind, verb, props, "stack-x")
    return {need.action: need for need in needs.permissions(step, account=ACCOUNT, region=REGION)}


def test_a_schedule_is_created_under_its_name_in_its_group() -> None:
    found = needed("AWS::Scheduler::Schedule", needs.CREATE, SCHEDULE)

    assert found["scheduler:CreateSchedule"].resource == (
        f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/shop/shop-clear"
    )


def test_the_role_is_passed_to_eventbridge_scheduler_only() -> None:
    for verb in (needs.CREATE, needs.UPDATE):
        need = needed("AWS::Scheduler::Schedule", verb, SCHEDULE)["iam:PassRole"]

        assert need.resource == ROLE
        assert need.context == {"iam:PassedToService": "scheduler.amazonaws.com"}


def test_a_group_is_deleted_under_its_name() -> None:
    found = needed("AWS::Scheduler::ScheduleGroup", needs.DELETE, {"Name": "shop"})

    assert found["scheduler:DeleteScheduleGroup"].resource == (
        f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/shop"
    )
