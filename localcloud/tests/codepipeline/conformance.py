"""The documented behaviours of CodePipeline: the page of the documentation, and the test of the local cloud."""

from __future__ import annotations

from dataclasses import dataclass

GUIDE = "https://docs.aws.amazon.com/codepipeline/latest/userguide/"
API = "https://docs.aws.amazon.com/codepipeline/latest/APIReference/"


@dataclass(frozen=True)
class Row:
    """A documented behaviour."""

    behaviour: str
    source: str
    test: str


_HOW = GUIDE + "concepts-how-it-works.html"
_STOP = GUIDE + "pipelines-stop.html"
_ROLLBACK = GUIDE + "stage-rollback.html"
_FILTER = GUIDE + "pipelines-filter.html"
_GLOB = GUIDE + "syntax-glob.html"
_CONDITIONS = GUIDE + "stage-conditions.html"
_VARIABLES = GUIDE + "reference-variables.html"
_LAMBDA = GUIDE + "action-reference-Lambda.html"
_LIMITS = GUIDE + "limits.html"
_STRUCTURE = GUIDE + "reference-pipeline-structure.html"
_EVENTS = GUIDE + "detect-state-changes-cloudwatch-events.html"
_CONNECTION = GUIDE + "action-reference-CodestarConnectionSource.html"

RUNS, ACTIONS, PROVIDERS = "test_runs.py::", "test_actions.py::", "test_providers.py::"

TABLE: tuple[Row, ...] = (
    # execution modes
    Row(
        "A stage is locked while a run is in it",
        _HOW,
        "test_modes.py::test_a_stage_is_locked_while_a_run_is_in_it",
    ),
    Row(
        "SUPERSEDED: a newer run replaces a waiting one",
        _HOW,
        RUNS + "test_in_superseded_mode_a_newer_run_replaces_a_waiting_one",
    ),
    Row(
        "QUEUED: runs wait for a locked stage and enter in their order",
        _HOW,
        RUNS + "test_queued_runs_enter_a_stage_one_after_the_other_in_their_order",
    ),
    Row(
        "PARALLEL: runs are independent of one another",
        _HOW,
        RUNS + "test_parallel_runs_are_in_the_same_stage_at_the_same_time",
    ),
    Row(
        "PARALLEL: no stage rollback, no ROLLBACK result",
        GUIDE + "execution-modes.html",
        RUNS + "test_a_pipeline_in_parallel_mode_has_no_rollback",
    ),
    Row(
        "QUEUED, PARALLEL, triggers and variables need type V2",
        _HOW,
        "test_api.py::test_a_declaration_with_an_invalid_structure_is_refused",
    ),
    Row(
        "The limit of concurrent runs has its own error",
        API + "API_StartPipelineExecution.html",
        RUNS + "test_a_pipeline_can_have_fifty_concurrent_runs",
    ),
    Row(
        "A changed definition cancels runs in progress",
        API + "API_PipelineExecution.html",
        RUNS + "test_a_change_of_the_pipeline_cancels_its_runs",
    ),
    # actions of a stage
    Row(
        "Actions of one runOrder run in parallel, orders in sequence",
        _STRUCTURE,
        RUNS + "test_actions_of_the_same_run_order_run_in_parallel_and_the_next_order_waits_for_them",
    ),
    Row(
        "A failed action ends the run",
        _HOW,
        RUNS + "test_a_failed_action_does_not_stop_parallel_actions_but_prevents_later_ones",
    ),
    Row(
        "An input artifact is the output of an earlier action; outputs are unique",
        _STRUCTURE,
        "test_api.py::test_a_declaration_with_an_invalid_structure_is_refused",
    ),
    # stop, transitions
    Row(
        "Stop and wait: Stopping until actions have ended, then Stopped",
        _STOP,
        RUNS + "test_stop_and_wait_lets_actions_end_and_starts_no_further_ones",
    ),
    Row(
        "Stop and abandon, also after stop and wait: actions are Abandoned",
        _STOP,
        RUNS + "test_stop_and_abandon_does_not_wait_for_actions",
    ),
    Row("An inbound run can be stopped", _STOP, RUNS + "test_a_waiting_run_can_be_stopped"),
    Row("A stopped stage can be retried", _STOP, RUNS + "test_a_stopped_stage_can_be_retried"),
    Row(
        "A disabled transition holds runs before the stage, with its reason",
        GUIDE + "transitions.html",
        RUNS + "test_a_disabled_transition_holds_runs_until_it_is_enabled",
    ),
    # retry
    Row(
        "FAILED_ACTIONS retries the failed actions, ALL_ACTIONS the whole stage; then the run continues",
        GUIDE + "actions-retry.html",
        RUNS + "test_a_failed_stage_is_retried_and_the_run_continues",
    ),
    Row(
        "Only the latest run of a stage can be retried, and only in the same version",
        API + "API_RetryStageExecution.html",
        RUNS + "test_only_a_failed_stage_of_its_latest_run_can_be_retried",
    ),
    Row(
        "OnFailure RETRY retries the stage once",
        GUIDE + "stage-retry.html",
        RUNS + "test_a_stage_with_automatic_retry_is_retried_once",
    ),
    # rollback
    Row(
        "A rollback is a new run with the target's artifacts and variables",
        _ROLLBACK,
        RUNS + "test_a_stage_is_rolled_back_to_the_artifacts_and_variables_of_a_successful_run",
    ),
    Row(
        "No rollback of a source stage, to a rollback, or to another version",
        _ROLLBACK,
        RUNS + "test_a_rollback_that_is_not_possible_is_refused",
    ),
    Row(
        "OnFailure ROLLBACK rolls back to the most recent successful run",
        GUIDE + "stage-rollback-auto.html",
        RUNS + "test_a_failed_stage_is_rolled_back_automatically",
    ),
    Row(
        "Without a successful run there is no automatic rollback",
        GUIDE + "stage-rollback-auto.html",
        RUNS + "test_without_a_successful_run_there_is_no_automatic_rollback",
    ),
    # conditions
    Row(
        "All rules of a condition must succeed",
        _CONDITIONS,
        RUNS + "test_a_condition_succeeds_if_all_its_rules_do",
    ),
    Row(
        "Entry: FAIL or SKIP",
        _CONDITIONS,
        RUNS + "test_an_entry_condition_can_skip_a_stage_and_the_run_continues",
    ),
    Row(
        "Success: FAIL or ROLLBACK",
        _CONDITIONS,
        RUNS + "test_a_failed_success_condition_can_roll_the_stage_back",
    ),
    Row("Failure: ROLLBACK", _CONDITIONS, RUNS + "test_a_failure_condition_decides_if_the_stage_is_rolled_back"),
    Row(
        "Conditions can be overridden, but not SKIP",
        API + "API_OverrideStageCondition.html",
        RUNS + "test_a_failed_entry_condition_can_be_overridden_and_the_run_continues",
    ),
    Row(
        "VariableCheck compares with EQ, NE, CONTAINS, MATCHES",
        GUIDE + "rule-reference-VariableCheck.html",
        "test_rules.py::test_variables_are_compared",
    ),
    Row(
        "DeploymentWindow: six fields and an optional year",
        GUIDE + "rule-reference-DeploymentWindow.html",
        "test_rules.py::test_a_deployment_window_is_open_at_the_times_of_its_cron_expression",
    ),
    Row(
        "CloudWatchAlarm waits for the desired states",
        GUIDE + "rule-reference-CloudWatchAlarm.html",
        RUNS + "test_an_alarm_must_be_in_its_desired_state",
    ),
    # triggers
    Row("Globs: *, **, ?, [], {}, \\", _GLOB, "test_globs.py::test_a_pattern_matches_the_whole_name"),
    Row("Excludes win over includes", _FILTER, "test_globs.py::test_excludes_win_over_includes"),
    Row(
        "Push filters: branches, tags, file paths",
        _FILTER,
        "test_filters.py::test_pushes_are_filtered_by_branch_tag_and_file",
    ),
    Row(
        "Pull request filters match the target branch",
        _FILTER,
        "test_filters.py::test_pull_requests_are_filtered_by_target_branch_event_and_file",
    ),
    Row(
        "A push starts a run of the commit of the pushed branch",
        _FILTER,
        ACTIONS + "test_a_push_starts_a_run_of_the_pushed_branch",
    ),
    Row(
        "A pull request starts a run of the commit of its source branch",
        _FILTER,
        ACTIONS + "test_a_pull_request_starts_a_run_of_the_newest_commit_of_its_source_branch",
    ),
    Row(
        "With triggers, BranchName is used for manual starts only",
        _FILTER,
        "test_filters.py::test_with_triggers_the_actions_branch_does_not_count",
    ),
    Row(
        "Without triggers changes of the branch are detected, unless DetectChanges is false",
        _CONNECTION,
        "test_filters.py::test_with_detect_changes_false_a_push_does_not_start_the_pipeline",
    ),
    # variables
    Row(
        "Namespaces of actions, `variables`, `codepipeline`",
        _VARIABLES,
        RUNS + "test_variables_of_pipeline_run_and_actions_reach_later_actions",
    ),
    Row(
        "Source actions cannot use variables",
        _VARIABLES,
        "test_api.py::test_a_declaration_with_an_invalid_structure_is_refused",
    ),
    # actions
    Row(
        "Output variables of a connection source",
        _CONNECTION,
        ACTIONS + "test_a_manual_run_uses_the_branch_of_the_source_action",
    ),
    Row(
        "A run can be started for another commit",
        API + "API_SourceRevisionOverride.html",
        ACTIONS + "test_a_run_can_be_started_for_another_commit",
    ),
    Row("The JSON of a Lambda job", _LAMBDA, PROVIDERS + "test_a_job_has_the_documented_structure"),
    Row(
        "After a continuation token CodePipeline invokes the function again",
        _LAMBDA,
        ACTIONS + "test_a_function_is_invoked_again_until_it_returns_no_continuation_token",
    ),
    Row(
        "Without a result for 20 minutes the action times out",
        _LIMITS,
        PROVIDERS + "test_a_function_that_sends_no_result_fails_the_action_with_the_documented_hint",
    ),
    Row(
        "Timeouts: approval 7 days and configurable, CloudFormation 3 days, Lambda 24 hours, others 1 hour",
        _LIMITS,
        PROVIDERS + "test_only_the_timeout_of_an_approval_is_configurable",
    ),
    Row(
        "The JSON of the notification of an approval",
        GUIDE + "approvals-json-format.html",
        ACTIONS + "test_an_approval_publishes_the_documented_message_to_its_topic",
    ),
    Row(
        "An approval is answered once, with its token",
        API + "API_PutApprovalResult.html",
        ACTIONS + "test_an_approval_can_be_answered_once_with_its_token",
    ),
    Row(
        "CodeBuild: artifacts, PrimarySource, variables, exported variables",
        GUIDE + "action-reference-CodeBuild.html",
        PROVIDERS + "test_further_artifacts_are_secondary_ones_with_their_names",
    ),
    Row(
        "CloudFormation: modes, overrides, output variables",
        GUIDE + "action-reference-CloudFormation.html",
        ACTIONS + "test_a_stack_is_created_updated_and_deleted",
    ),
    Row(
        "ECS: imagedefinitions.json, a new revision, a steady service",
        GUIDE + "action-reference-ECS.html",
        PROVIDERS + "test_a_service_gets_the_new_image_and_the_action_waits_for_its_deployment",
    ),
    Row(
        "S3 deploy: Extract, ObjectKey, CacheControl",
        GUIDE + "action-reference-S3Deploy.html",
        ACTIONS + "test_an_artifact_is_extracted_into_a_bucket",
    ),
    # roles, events, API
    Row(
        "The role of the pipeline assumes the role of an action",
        API + "API_ActionDeclaration.html",
        ACTIONS + "test_the_role_of_the_pipeline_assumes_the_role_of_an_action",
    ),
    Row(
        "Events of runs, stages and actions",
        _EVENTS,
        "test_events.py::test_state_changes_of_a_run_its_stages_and_actions_are_sent",
    ),
    Row(
        "A retry sends RESUMED with the number of the attempt",
        _EVENTS,
        "test_events.py::test_the_event_of_a_failure_contains_the_reason_and_a_retry_sends_resumed",
    ),
    Row(
        "The commands of the AWS CLI's reference",
        "https://docs.aws.amazon.com/cli/latest/reference/codepipeline/",
        "test_cli.py::test_the_documented_commands_work",
    ),
    Row(
        "Ref is the name, Version an attribute, another name a replacement",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-codepipeline-pipeline.html",
        "test_template.py::test_another_name_replaces_the_pipeline",
    ),
    Row(
        "A client request token starts one run",
        API + "API_StartPipelineExecution.html",
        RUNS + "test_the_same_request_token_starts_one_run",
    ),
)
