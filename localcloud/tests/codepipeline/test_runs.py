"""Runs: their stages, actions and conditions, and how they are stopped, retried and rolled back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.testing.pipelines import World, action, approval, condition, rule, stage, until
from localcloud.testing.plain import unique

pytestmark = pytest.mark.local

FAILS = rule("Never", "VariableCheck", Variable="a", Value="b", Operator="EQ")
HOLDS = rule("Always", "VariableCheck", Variable="a", Value="a", Operator="EQ")


def switch(world: World) -> str:
    """Returns the name of a parameter without which a job fails."""
    return "/" + unique("switch")


def turn_on(world: World, name: str) -> None:
    world.plain.client("ssm").put_parameter(Name=name, Value="on", Type="String", Overwrite=True)


def turn_off(world: World, name: str) -> None:
    world.plain.client("ssm").delete_parameter(Name=name)


# --- run orders and variables ----------------------------------------------------------------------------------------


def test_actions_of_the_same_run_order_run_in_parallel_and_the_next_order_waits_for_them(world: World) -> None:
    name = world.create(
        stage(
            "Work",
            world.job("Slow", {"calls": 2}),
            world.job("Quick"),
            world.job("Last", runOrder=2),
        )
    )
    run = world.executions(name)[0]["pipelineExecutionId"]
    found = world.actions(name, run)
    assert found["Quick"]["startTime"] < found["Slow"]["lastUpdateTime"]
    assert found["Last"]["startTime"] >= max(found["Slow"]["lastUpdateTime"], found["Quick"]["lastUpdateTime"])


def test_a_failed_action_does_not_stop_parallel_actions_but_prevents_later_ones(world: World) -> None:
    name = world.create(
        stage(
            "Work", world.job("Bad", {"fail": "broken"}), world.job("Good", {"calls": 2}), world.job("Next", runOrder=2)
        ),
        stage("After", world.job("Never")),
    )
    run = world.executions(name)[0]
    assert (run["status"], run["statusSummary"]) == ("Failed", "Bad: broken")
    found = world.actions(name, run["pipelineExecutionId"])
    assert {action: attempt["status"] for action, attempt in found.items()} == {
        "Get": "Succeeded",
        "Bad": "Failed",
        "Good": "Succeeded",
    }
    assert world.stage(name, "Work")["latestExecution"]["status"] == "Failed"
    assert "latestExecution" not in world.stage(name, "After")


def test_variables_of_pipeline_run_and_actions_reach_later_actions(world: World) -> None:
    text = "#{variables.level} #{codepipeline.PipelineExecutionId} #{Source.BranchName} #{First.Said}"
    name = world.create(
        stage("Work", world.job("First", {"say": "one"}, namespace="First")),
        stage("More", world.job("Second", {"say": text}, namespace="Second")),
        variables=[{"name": "level", "defaultValue": "low"}],
    )
    run = world.run(name, variables=[{"name": "level", "value": "high"}])
    assert run["variables"] == [{"name": "level", "resolvedValue": "high"}]
    second = world.actions(name, run["pipelineExecutionId"])["Second"]
    assert second["output"]["outputVariables"]["Said"] == f"high {run['pipelineExecutionId']} main one"
    assert json.loads(second["input"]["configuration"]["UserParameters"])["say"] == text


def test_a_variable_without_a_value_fails_the_action_with_its_name(world: World) -> None:
    name = world.create(stage("Work", world.job("Job", {"say": "#{Source.PullRequestId}"})))
    run = world.executions(name)[0]["pipelineExecutionId"]
    error = world.error(name, run, "Job")
    assert error["code"] == "ConfigurationError"
    assert "#{Source.PullRequestId}" in error["message"]


def test_a_start_must_give_values_for_variables_without_a_default(world: World) -> None:
    declaration = world.declare(stage("Work", approval()), variables=[{"name": "level"}])
    world.api.create_pipeline(pipeline=declaration)
    assert world.executions(declaration["name"]) == []
    with pytest.raises(world.api.exceptions.ValidationException, match="level"):
        world.start(declaration["name"])
    with pytest.raises(world.api.exceptions.ValidationException, match="declares no variable other"):
        world.start(declaration["name"], variables=[{"name": "other", "value": "x"}])


def test_the_same_request_token_starts_one_run(world: World) -> None:
    name = world.quiet(stage("Approve", approval()))
    token = unique("token")
    assert world.start(name, clientRequestToken=token) == world.start(name, clientRequestToken=token)
    assert world.start(name, clientRequestToken=unique("token")) != world.start(name, clientRequestToken=token)


# --- modes -----------------------------------------------------------------------------------------------------------


def test_in_superseded_mode_a_newer_run_replaces_a_waiting_one(world: World) -> None:
    name = world.quiet(stage("Approve", approval()))
    first = world.start(name)
    token = world.token(name)
    second = world.start(name)
    until("second waits", lambda: world.stage(name, "Approve").get("inboundExecution"))
    third = world.start(name)
    assert world.ended(name, second)["status"] == "Superseded"
    world.answer(name, token=token)
    assert world.ended(name, first)["status"] == "Succeeded"
    world.answer(name)
    assert world.ended(name, third)["status"] == "Succeeded"


def test_queued_runs_enter_a_stage_one_after_the_other_in_their_order(world: World) -> None:
    name = world.quiet(stage("Approve", approval()), executionMode="QUEUED")
    runs = [world.start(name) for _ in range(3)]
    until("two wait", lambda: len(world.stage(name, "Approve").get("inboundExecutions", [])) == 2)
    waiting = [inbound["pipelineExecutionId"] for inbound in world.stage(name, "Approve")["inboundExecutions"]]
    assert waiting == runs[1:]
    for run in runs:
        _approve_in_turn(world, name, run)


def _approve_in_turn(world: World, name: str, run: str) -> None:
    def in_stage() -> bool:
        return bool(world.stage(name, "Approve")["latestExecution"]["pipelineExecutionId"] == run)

    until("the run enters the stage", in_stage)
    world.answer(name)
    assert world.ended(name, run)["status"] == "Succeeded"


def test_parallel_runs_are_in_the_same_stage_at_the_same_time(world: World) -> None:
    name = world.quiet(stage("Approve", approval()), executionMode="PARALLEL")
    runs = [world.start(name) for _ in range(2)]
    until("both wait", lambda: all("Ask" in world.actions(name, run) for run in runs))
    assert "inboundExecution" not in world.stage(name, "Approve")


def test_a_pipeline_can_have_fifty_concurrent_runs(world: World) -> None:
    name = world.quiet(stage("Approve", approval()), executionMode="QUEUED")
    for _ in range(50):
        world.start(name)
    with pytest.raises(world.api.exceptions.ConcurrentPipelineExecutionsLimitExceededException):
        world.start(name)
    world.api.delete_pipeline(name=name)


# --- stopping --------------------------------------------------------------------------------------------------------


def stop(world: World, name: str, run: str, **more: Any) -> None:
    world.api.stop_pipeline_execution(pipelineName=name, pipelineExecutionId=run, **more)


def test_stop_and_wait_lets_actions_end_and_starts_no_further_ones(world: World) -> None:
    name = world.quiet(stage("Approve", approval()), stage("Next", world.job("Never")))
    run = world.start(name)
    token = world.token(name)
    stop(world, name, run, reason="enough")
    assert world.execution(name, run)["status"] == "Stopping"
    assert world.stage(name, "Approve")["latestExecution"]["status"] == "Stopping"
    with pytest.raises(world.api.exceptions.DuplicatedStopRequestException):
        stop(world, name, run)
    world.answer(name, token=token)
    ended = world.ended(name, run)
    assert ended["status"] == "Stopped"
    assert world.executions(name)[0]["stopTrigger"] == {"reason": "enough"}
    assert set(world.actions(name, run)) == {"Get", "Ask"}
    with pytest.raises(world.api.exceptions.PipelineExecutionNotStoppableException):
        stop(world, name, run)


def test_stop_and_abandon_does_not_wait_for_actions(world: World) -> None:
    name = world.quiet(stage("Work", world.job("Silent", {"silent": True})))
    run = world.start(name)
    until("the action starts", lambda: "Silent" in world.actions(name, run))
    stop(world, name, run)
    stop(world, name, run, abandon=True)
    assert world.ended(name, run)["status"] == "Stopped"
    assert world.actions(name, run)["Silent"]["status"] == "Abandoned"


def test_a_waiting_run_can_be_stopped(world: World) -> None:
    name = world.quiet(stage("Approve", approval()), executionMode="QUEUED")
    first, second = world.start(name), world.start(name)
    until("second waits", lambda: world.stage(name, "Approve").get("inboundExecution"))
    stop(world, name, second)
    assert world.ended(name, second)["status"] == "Stopped"
    assert world.execution(name, first)["status"] == "InProgress"


def test_a_change_of_the_pipeline_cancels_its_runs(world: World) -> None:
    name = world.quiet(stage("Approve", approval()))
    run = world.start(name)
    world.token(name)
    declaration = world.api.get_pipeline(name=name)["pipeline"]
    world.api.update_pipeline(pipeline=declaration)
    assert world.execution(name, run)["status"] == "InProgress"
    declaration["stages"].append(stage("More", approval("Again")))
    world.api.update_pipeline(pipeline=declaration)
    assert world.ended(name, run)["status"] == "Cancelled"


# --- transitions -----------------------------------------------------------------------------------------------------


def test_a_disabled_transition_holds_runs_until_it_is_enabled(world: World) -> None:
    name = world.quiet(stage("Work", world.job("Job")))
    world.api.disable_stage_transition(
        pipelineName=name, stageName="Work", transitionType="Inbound", reason="not on a Friday"
    )
    run = world.start(name)
    waiting = until("the run waits", lambda: world.stage(name, "Work").get("inboundExecution"))
    assert (waiting["pipelineExecutionId"], waiting["status"]) == (run, "InProgress")
    state = world.stage(name, "Work")["inboundTransitionState"]
    assert (state["enabled"], state["disabledReason"]) == (False, "not on a Friday")
    assert state["lastChangedBy"].endswith(":root")
    world.api.enable_stage_transition(pipelineName=name, stageName="Source", transitionType="Outbound")
    assert world.ended(name, run)["status"] == "Succeeded"


# --- retry -----------------------------------------------------------------------------------------------------------


def retry(world: World, name: str, run: str, mode: str = "FAILED_ACTIONS", stage_name: str = "Work") -> None:
    world.api.retry_stage_execution(pipelineName=name, stageName=stage_name, pipelineExecutionId=run, retryMode=mode)


def flaky(world: World, name: str) -> dict[str, Any]:
    return stage("Work", world.job("Good"), world.job("Flaky", {"fail_unless": name}), world.job("Then", runOrder=2))


@pytest.mark.parametrize(("mode", "good"), [("FAILED_ACTIONS", 1), ("ALL_ACTIONS", 2)])
def test_a_failed_stage_is_retried_and_the_run_continues(world: World, mode: str, good: int) -> None:
    on = switch(world)
    name = world.create(flaky(world, on), stage("After", world.job("End")))
    run = world.executions(name)[0]["pipelineExecutionId"]
    turn_on(world, on)
    retry(world, name, run, mode)
    assert world.ended(name, run)["status"] == "Succeeded"
    assert world.attempts(name, run, "Good") == good
    assert world.attempts(name, run, "Flaky") == 2
    assert world.attempts(name, run, "Then") == 1
    assert world.actions(name, run)["End"]["status"] == "Succeeded"
    retried = world.stage(name, "Work")["retryStageMetadata"]
    assert retried == {"manualStageRetryAttempt": 1, "latestRetryTrigger": "ManualStageRetry"}


def test_only_a_failed_stage_of_its_latest_run_can_be_retried(world: World) -> None:
    on = switch(world)
    name = world.create(flaky(world, on))
    first = world.executions(name)[0]["pipelineExecutionId"]
    second = world.run(name)["pipelineExecutionId"]
    errors = world.api.exceptions
    with pytest.raises(errors.NotLatestPipelineExecutionException, match=second):
        retry(world, name, first)
    with pytest.raises(errors.StageNotRetryableException, match="has not failed"):
        retry(world, name, second, stage_name="Source")
    world.api.update_pipeline(pipeline=world.api.get_pipeline(name=name)["pipeline"])
    with pytest.raises(errors.StageNotRetryableException, match="has changed"):
        retry(world, name, second)


def test_a_stopped_stage_can_be_retried(world: World) -> None:
    name = world.quiet(stage("Approve", approval()))
    run = world.start(name)
    world.token(name)
    stop(world, name, run, abandon=True)
    world.ended(name, run)
    retry(world, name, run, stage_name="Approve")
    world.answer(name)
    assert world.ended(name, run)["status"] == "Succeeded"


def test_a_stage_with_automatic_retry_is_retried_once(world: World) -> None:
    job = world.job("Bad", {"fail": "broken"})
    name = world.create(
        stage(
            "Work",
            world.job("Good"),
            job,
            onFailure={"result": "RETRY", "retryConfiguration": {"retryMode": "FAILED_ACTIONS"}},
        )
    )
    run = world.executions(name)[0]
    assert run["status"] == "Failed"
    assert world.attempts(name, run["pipelineExecutionId"], "Bad") == 2
    assert world.attempts(name, run["pipelineExecutionId"], "Good") == 1
    retried = world.stage(name, "Work")["retryStageMetadata"]
    assert retried == {"autoStageRetryAttempt": 1, "latestRetryTrigger": "AutomatedStageRetry"}


# --- rollback --------------------------------------------------------------------------------------------------------


def versioned(world: World, on: str, **more: Any) -> dict[str, Any]:
    parameters = {"fail_unless": on, "say": "#{Source.CommitId} #{variables.level}"}
    return stage("Deploy", world.job("Deploy", parameters, inputs=["Code"], namespace="Deploy"), **more)


def two_runs(world: World, on: str, **more: Any) -> tuple[str, str, str]:
    """Returns a pipeline with a successful run of a first commit and a failed run of a second one."""
    turn_on(world, on)
    declared = [{"name": "level", "defaultValue": "low"}]
    name = world.create(versioned(world, on, **more), variables=declared)
    good = world.executions(name)[0]["pipelineExecutionId"]
    world.commit(f"second for {name}", **{"second.txt": name})
    turn_off(world, on)
    bad = world.run(name, variables=[{"name": "level", "value": "high"}])
    assert bad["status"] == "Failed"
    return name, good, bad["pipelineExecutionId"]


def rollbacks(world: World, name: str) -> list[dict[str, Any]]:
    return [execution for execution in world.executions(name) if execution["executionType"] == "ROLLBACK"]


def test_a_stage_is_rolled_back_to_the_artifacts_and_variables_of_a_successful_run(world: World) -> None:
    on = switch(world)
    name, good, bad = two_runs(world, on)
    turn_on(world, on)
    back = world.api.rollback_stage(pipelineName=name, stageName="Deploy", targetPipelineExecutionId=good)
    run = world.ended(name, back["pipelineExecutionId"])
    assert (run["status"], run["executionType"]) == ("Succeeded", "ROLLBACK")
    assert run["rollbackMetadata"] == {"rollbackTargetPipelineExecutionId": good}
    assert run["trigger"]["triggerType"] == "ManualRollback"
    then, now = world.actions(name, good)["Deploy"], world.actions(name, run["pipelineExecutionId"])
    assert set(now) == {"Deploy"}
    assert now["Deploy"]["output"]["outputVariables"] == then["output"]["outputVariables"]
    assert now["Deploy"]["input"]["inputArtifacts"] == then["input"]["inputArtifacts"]
    assert world.stage(name, "Deploy")["latestExecution"]["type"] == "ROLLBACK"
    assert world.execution(name, bad)["status"] == "Failed"


def test_a_failed_stage_is_rolled_back_automatically(world: World) -> None:
    on = switch(world)
    turn_on(world, on)
    name, good, bad = two_runs(world, on, onFailure={"result": "ROLLBACK"})
    back = until("a rollback starts", lambda: rollbacks(world, name))
    run = world.ended(name, back[0]["pipelineExecutionId"])
    assert run["trigger"] == {"triggerType": "AutomatedRollback", "triggerDetail": bad}
    assert run["rollbackMetadata"]["rollbackTargetPipelineExecutionId"] == good
    assert sum(execution["executionType"] == "ROLLBACK" for execution in world.executions(name)) == 1


def test_without_a_successful_run_there_is_no_automatic_rollback(world: World) -> None:
    name = world.create(stage("Work", world.job("Bad", {"fail": "x"}), onFailure={"result": "ROLLBACK"}))
    assert [execution["status"] for execution in world.executions(name)] == ["Failed"]


def test_a_rollback_that_is_not_possible_is_refused(world: World) -> None:
    on = switch(world)
    name, good, bad = two_runs(world, on)
    errors, api = world.api.exceptions, world.api

    def back(stage_name: str, target: str) -> str:
        found = api.rollback_stage(pipelineName=name, stageName=stage_name, targetPipelineExecutionId=target)
        return str(found["pipelineExecutionId"])

    with pytest.raises(errors.UnableToRollbackStageException, match="source stage"):
        back("Source", good)
    with pytest.raises(errors.UnableToRollbackStageException, match="did not succeed"):
        back("Deploy", bad)
    turn_on(world, on)
    rolled = back("Deploy", good)
    world.ended(name, rolled)
    with pytest.raises(errors.UnableToRollbackStageException, match="itself a rollback"):
        back("Deploy", rolled)
    api.update_pipeline(pipeline=api.get_pipeline(name=name)["pipeline"])
    with pytest.raises(errors.PipelineExecutionOutdatedException):
        back("Deploy", good)
    with pytest.raises(errors.PipelineExecutionNotFoundException):
        back("Deploy", "00000000-0000-0000-0000-000000000000")


def test_a_pipeline_in_parallel_mode_has_no_rollback(world: World) -> None:
    name = world.create(stage("Work", world.job("Job")), executionMode="PARALLEL")
    run = world.executions(name)[0]["pipelineExecutionId"]
    with pytest.raises(world.api.exceptions.UnableToRollbackStageException, match="PARALLEL"):
        world.api.rollback_stage(pipelineName=name, stageName="Work", targetPipelineExecutionId=run)


# --- conditions ------------------------------------------------------------------------------------------------------


def test_an_entry_condition_can_skip_a_stage_and_the_run_continues(world: World) -> None:
    name = world.create(
        stage("Skipped", world.job("Never"), beforeEntry=condition("SKIP", HOLDS, FAILS)),
        stage("After", world.job("Job")),
    )
    run = world.executions(name)[0]
    assert run["status"] == "Succeeded"
    assert set(world.actions(name, run["pipelineExecutionId"])) == {"Get", "Job"}
    state = world.stage(name, "Skipped")
    assert state["latestExecution"]["status"] == "Skipped"
    assert state["beforeEntryConditionState"]["latestExecution"]["status"] == "Failed"
    with pytest.raises(world.api.exceptions.ConditionNotOverridableException, match="skips"):
        override(world, name, run["pipelineExecutionId"], "Skipped", "BEFORE_ENTRY")


def override(world: World, name: str, run: str, stage_name: str, kind: str) -> None:
    world.api.override_stage_condition(
        pipelineName=name, stageName=stage_name, pipelineExecutionId=run, conditionType=kind
    )


def test_a_condition_succeeds_if_all_its_rules_do(world: World) -> None:
    check = rule("OnMain", "VariableCheck", Variable="#{Source.BranchName}", Value="main", Operator="EQ")
    name = world.create(stage("Work", world.job("Job"), beforeEntry=condition("FAIL", HOLDS, check)))
    run = world.executions(name)[0]
    assert run["status"] == "Succeeded"
    found = world.api.list_rule_executions(
        pipelineName=name, filter={"pipelineExecutionId": run["pipelineExecutionId"]}
    )["ruleExecutionDetails"]
    assert [(rule_run["ruleName"], rule_run["status"]) for rule_run in found] == [
        ("OnMain", "Succeeded"),
        ("Always", "Succeeded"),
    ]
    assert found[0]["input"]["resolvedConfiguration"]["Variable"] == "main"


def test_a_failed_entry_condition_can_be_overridden_and_the_run_continues(world: World) -> None:
    name = world.create(stage("Work", world.job("Job"), beforeEntry=condition("FAIL", FAILS)))
    run = world.executions(name)[0]["pipelineExecutionId"]
    assert world.execution(name, run)["status"] == "Failed"
    assert "Never" in world.execution(name, run)["statusSummary"]
    override(world, name, run, "Work", "BEFORE_ENTRY")
    assert world.ended(name, run)["status"] == "Succeeded"
    states = world.stage(name, "Work")["beforeEntryConditionState"]
    assert states["latestExecution"]["status"] == "Overridden"
    with pytest.raises(world.api.exceptions.ConditionNotOverridableException):
        override(world, name, run, "Work", "BEFORE_ENTRY")


def test_a_failed_success_condition_fails_the_run(world: World) -> None:
    name = world.create(stage("Work", world.job("Job"), onSuccess=condition("FAIL", FAILS)), stage("B", approval()))
    run = world.executions(name)[0]
    assert run["status"] == "Failed"
    override(world, name, run["pipelineExecutionId"], "Work", "ON_SUCCESS")
    world.answer(name, stage_name="B")
    assert world.ended(name, run["pipelineExecutionId"])["status"] == "Succeeded"
    assert world.attempts(name, run["pipelineExecutionId"], "Job") == 1


def test_a_failed_success_condition_can_roll_the_stage_back(world: World) -> None:
    on = switch(world)
    turn_on(world, on)
    check = rule("Smoke", "LambdaInvoke", FunctionName=world.function, UserParameters=json.dumps({"fail_unless": on}))
    name = world.create(stage("Work", world.job("Job"), onSuccess=condition("ROLLBACK", check)))
    good = world.executions(name)[0]["pipelineExecutionId"]
    assert world.execution(name, good)["status"] == "Succeeded"
    turn_off(world, on)
    assert world.run(name)["status"] == "Failed"
    back = until("a rollback starts", lambda: rollbacks(world, name))
    assert back[0]["rollbackMetadata"]["rollbackTargetPipelineExecutionId"] == good


@pytest.mark.parametrize(("check", "rolled_back"), [(FAILS, True), (HOLDS, False)])
def test_a_failure_condition_decides_if_the_stage_is_rolled_back(
    world: World, check: dict[str, Any], rolled_back: bool
) -> None:
    on = switch(world)
    name, _, bad = two_runs(world, on, onFailure=condition("ROLLBACK", check))
    kinds = [execution["executionType"] for execution in world.executions(name)]
    assert ("ROLLBACK" in kinds) is rolled_back
    assert world.execution(name, bad)["status"] == "Failed"


def test_an_unknown_rule_provider_fails_its_condition_with_its_name(world: World) -> None:
    name = world.create(stage("Work", world.job("J"), beforeEntry=condition("FAIL", rule("R", "Commands"))))
    run = world.executions(name)[0]
    assert run["status"] == "Failed"
    assert "no rule provider Commands" in run["statusSummary"]


def test_an_alarm_must_be_in_its_desired_state(world: World) -> None:
    alarm, watch = unique("alarm"), world.plain.client("cloudwatch")
    watch.put_metric_alarm(
        AlarmName=alarm,
        MetricName="m",
        Namespace="n",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    check = rule(
        "Alarm", "CloudWatchAlarm", AlarmName=alarm, AlarmStates="ALARM,INSUFFICIENT_DATA"
    )  # a new alarm has no data
    other = rule("Quiet", "CloudWatchAlarm", AlarmName=unique("missing"))
    name = world.create(stage("Work", world.job("J"), onSuccess=condition("FAIL", check, other)))
    run = world.executions(name)[0]
    assert "There is no alarm missing" in run["statusSummary"]
    found = world.api.list_rule_executions(pipelineName=name)["ruleExecutionDetails"]
    assert [(rule_run["ruleName"], rule_run["status"]) for rule_run in found] == [
        ("Quiet", "Failed"),
        ("Alarm", "Succeeded"),
    ]


def test_an_action_can_have_the_artifacts_of_several_actions_as_input(world: World) -> None:
    template = json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}})
    world.commit("template", **{"template.json": template})
    made = action(
        "Stack",
        "Deploy",
        "CloudFormation",
        {"ActionMode": "CREATE_UPDATE", "StackName": unique("made"), "TemplatePath": "Code::template.json"},
        inputs=["Code"],
        outputs=["Out"],
        namespace="Stack",
    )
    name = world.create(stage("Make", made), stage("Use", world.job("Both", inputs=["Code", "Out"], namespace="Both")))
    run = world.executions(name)[0]
    assert run["status"] == "Succeeded", world.actions(name, run["pipelineExecutionId"])
    used = world.actions(name, run["pipelineExecutionId"])["Both"]
    assert [artifact["name"] for artifact in used["input"]["inputArtifacts"]] == ["Code", "Out"]
    assert used["output"]["outputVariables"]["Read"].isdigit()
