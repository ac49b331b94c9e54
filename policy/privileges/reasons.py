"""The reasons to keep statements whose removal no test notices. A reason without such a statement fails a test."""

from __future__ import annotations

from fnmatch import fnmatchcase

from policy.privileges.roles import Statement

_OTHERS = (
    "Protect",
    "Promote",
    "PublishBuild",
    "PublishBranchBuild",
    "PublishRelease",
    "CancelSuperseded",
    "Notify",
    "ReportFailure",
)
_FUNCTIONS = (
    *(f"delivery: Environment{task}Role" for task in ("Deploy", "Migrate", "Verify", "Invalidate")),
    *(f"delivery: {name}Role" for name in _OTHERS),
    "services: PasswordRotationHandlerRole",
    "data: DatabaseUsersFunctionRole",
)
_IN_A_VPC = ("services: PasswordRotationHandlerRole", "data: DatabaseUsersFunctionRole")
_LOG = (
    "Lambda writes the function's log with this role, but the local cloud does so without it: "
    "docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html"
)

JUSTIFIED: dict[tuple[str, str], str] = {
    **dict.fromkeys([(role, "WriteLog") for role in _FUNCTIONS], _LOG),
    **dict.fromkeys(
        [(role, name) for role in _IN_A_VPC for name in ("NetworkInterfaces", "LookAtNetwork", "NotTheCodeItself")],
        "Lambda attaches the function to the VPC with this role, but the code itself may not; the local cloud has "
        "only one network: docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
    ),
    **dict.fromkeys(
        [("services: PasswordRotationHandlerRole", "Master"), ("data: DatabaseUsersFunctionRole", "Secrets")],
        "the function logs in to the database with what it reads, but the statements are removed in a test without "
        "containers: tests/end_to_end/allthrive/test_changes.py, test_a_rotated_password_reaches_the_tasks",
    ),
    **dict.fromkeys(
        [
            (f"delivery: {name}Role", "sqs:GetQueueAttributes,sqs:GetQueueUrl,sqs:SendMessage")
            for name in ("CancelSuperseded", "Notify", "ReportFailure")
        ],
        "Lambda sends an event there with this role after three failed tries, but the local cloud does so without it: "
        "docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",
    ),
    ("access: Deploy", "ReadParametersOfTheStack"): (
        "CloudFormation reads parameters of type AWS::SSM::Parameter::Value with the permissions of the caller; "
        "the local cloud reads them without: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
        "cloudformation-supplied-parameter-types.html"
    ),
    ("access: Deploy", "SeeAlarms"): (
        "a release waits while an alarm rings; without the right it fails: tests/lambda/test_release_gate.py, "
        "test_a_release_waits_until_no_alarm_rings"
    ),
    ("delivery: EnvironmentDeployRole", "SeeRuns"): (
        "a rollback does not wait for alarms, and is looked for only while one rings: "
        "tests/lambda/test_release_gate.py, test_alarms_do_not_hold_a_rollback_back"
    ),
    ("delivery: NotifyRole", "ReadSecret"): (
        "the addresses of Slack and Discord are secrets; the end-to-end tests have no such server: "
        "tests/lambda/test_notify.py, test_a_release_sends_a_message"
    ),
    ("access: Migrate", "ListTasks"): (
        "to find and stop a task whose start was never confirmed: tests/lambda/test_run_migrations.py, "
        "test_a_task_whose_start_was_never_confirmed_is_found_and_stopped_at_the_deadline"
    ),
    ("delivery: Flow*Role", "SeeArtifacts"): (
        "CodeBuild and CodePipeline check the artifacts' bucket before they use it, but the local cloud does not: "
        "docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html"
    ),
    ("delivery: FlowRole", "PassArtifacts"): (
        "CodePipeline passes artifacts between actions with the pipeline's role, but the local cloud does so without "
        "it: "
        "docs.aws.amazon.com/codepipeline/latest/userguide/how-to-custom-role.html"
    ),
    ("delivery: Flow*Action", "FindFunctions"): (
        "AWS documents it for actions that call functions: "
        "docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Lambda.html"
    ),
    ("services: *TaskTaskRole", "ssmmessages:*"): (
        "for a shell in a running task, if the manifest allows it; the local cloud opens one without it: "
        "docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html"
    ),
    ("edenco access: Deploy", "TakeHostsOut"): (
        "the only host stays behind the load balancer, and Edenco has one in each environment; with two, "
        "each is taken out and in again: tests/lambda/test_deploy_hosts.py, test_a_release_reaches_host_after_host"
    ),
    **dict.fromkeys(
        [("edenco hosts: Role", "ListReleases"), ("edenco access: Deploy", "ListReleases")],
        "without it, S3 answers 403 instead of 404 before the first release; the local cloud answers 404 in any case: "
        "docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html",
    ),
    **dict.fromkeys(
        [("edenco hosts: Role", "FindLogGroups"), ("edenco hosts: Role", "WriteMetrics")],
        "the agent of CloudWatch calls with this role; hosts of the local cloud have a stand-in, which sends nothing: "
        "docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/create-iam-roles-for-cloudwatch-agent.html",
    ),
}
"""The reasons by kind of role and statement, both with wildcards."""


def reason(statement: Statement) -> str | None:
    """Returns why a statement is kept without evidence; None if there is no reason."""
    return next(
        (why for (role, name), why in JUSTIFIED.items() if _fits(statement, role, name)),
        None,
    )


def _fits(statement: Statement, role: str, name: str) -> bool:
    return fnmatchcase(statement.role, role) and fnmatchcase(statement.name, name)


def without_a_statement(statements: set[Statement]) -> list[tuple[str, str]]:
    """Returns the keys of reasons without a statement."""
    return [
        (role, name) for role, name in JUSTIFIED if not any(_fits(statement, role, name) for statement in statements)
    ]
