"""What AWS's documentation says of CodePipeline, where it says it, and the test that holds the local one to it."""

from __future__ import annotations

from dataclasses import dataclass

GUIDE = "https://docs.aws.amazon.com/codepipeline/latest/userguide/"
API = "https://docs.aws.amazon.com/codepipeline/latest/APIReference/"


@dataclass(frozen=True)
class Row:
    """One documented behaviour."""

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
        "SUPERSEDED: a waiting run makes way for a newer one",
        _HOW,
        RUNS + "test_superseded_a_newer_run_takes_the_place_of_one_that_waits",
    ),
    Row(
        "QUEUED: runs wait before a locked stage and enter in their order",
        _HOW,
        RUNS + "test_queued_runs_pass_one_by_one_in_their_order",
    ),
    Row(
        "PARALLEL: runs are independent of one another",
        _HOW,
        RUNS + "test_parallel_runs_are_in_one_stage_together",
    ),
    Row(
        "PARALLEL: no stage rollback, no ROLLBACK result",
        GUIDE + "execution-modes.html",
        RUNS + "test_parallel_pipelines_have_no_rollback",
    ),
    Row(
        "QUEUED, PARALLEL, triggers and variables need type V2",
        _HOW,
        "test_api.py::test_a_declaration_that_does_not_hold_together_is_refused",
    ),
    Row(
        "The limit of concurrent runs has its own error",
        API + "API_StartPipelineExecution.html",
        RUNS + "test_a_pipeline_has_room_for_fifty_runs",
    ),
    Row(
        "A changed definition cancels runs under way",
        API + "API_PipelineExecution.html",
        RUNS + "test_a_changed_pipeline_cancels_its_runs",
    ),
    # actions of a stage
    Row(
        "Actions of one runOrder run in parallel, orders in sequence",
        _STRUCTURE,
        RUNS + "test_actions_of_one_run_order_run_side_by_side_and_the_next_order_waits_for_all",
    ),
    Row(
        "A failed run goes no further",
        _HOW,
        RUNS + "test_a_failed_action_does_not_stop_its_neighbours_but_what_follows",
    ),
    Row(
        "An input artifact is the output of an earlier action; outputs are unique",
        _STRUCTURE,
        "test_api.py::test_a_declaration_that_does_not_hold_together_is_refused",
    ),
    # stop, transitions
    Row(
        "Stop and wait: Stopping until actions have ended, then Stopped",
        _STOP,
        RUNS + "test_stop_and_wait_lets_actions_end_and_starts_no_more",
    ),
    Row(
        "Stop and abandon, also after stop and wait: actions are Abandoned",
        _STOP,
        RUNS + "test_stop_and_abandon_leaves_actions_behind",
    ),
    Row("An inbound run can be stopped", _STOP, RUNS + "test_a_waiting_run_can_be_stopped"),
    Row("A stopped stage can be retried", _STOP, RUNS + "test_a_stopped_stage_is_retried"),
    Row(
        "A disabled transition holds runs before the stage, with its reason",
        GUIDE + "transitions.html",
        RUNS + "test_a_disabled_transition_holds_runs_until_it_is_enabled",
    ),
    # retry
    Row(
        "FAILED_ACTIONS repeats what failed, ALL_ACTIONS the stage; the run goes on",
        GUIDE + "actions-retry.html",
        RUNS + "test_a_failed_stage_is_retried_and_the_run_goes_on",
    ),
    Row(
        "Only the latest run of a stage, of the same version, is retried",
        API + "API_RetryStageExecution.html",
        RUNS + "test_only_a_failed_stage_of_its_latest_run_is_retried",
    ),
    Row(
        "OnFailure RETRY repeats the stage once",
        GUIDE + "stage-retry.html",
        RUNS + "test_a_stage_with_automatic_retry_tries_once_more",
    ),
    # rollback
    Row(
        "A rollback is a new run with the target's artifacts and variables",
        _ROLLBACK,
        RUNS + "test_a_stage_is_rolled_back_to_the_artifacts_and_variables_of_a_good_run",
    ),
    Row(
        "Not of a source stage, not to a rollback, not across versions",
        _ROLLBACK,
        RUNS + "test_what_cannot_be_rolled_back_is_refused",
    ),
    Row(
        "OnFailure ROLLBACK goes to the most recent successful run",
        GUIDE + "stage-rollback-auto.html",
        RUNS + "test_a_failed_stage_rolls_itself_back",
    ),
    Row(
        "It rolls back only after there was a successful run",
        GUIDE + "stage-rollback-auto.html",
        RUNS + "test_without_a_good_run_the_failure_stands",
    ),
    # conditions
    Row(
        "All rules of a condition must succeed",
        _CONDITIONS,
        RUNS + "test_a_condition_holds_when_all_its_rules_do",
    ),
    Row(
        "Entry: FAIL or SKIP",
        _CONDITIONS,
        RUNS + "test_an_entry_condition_skips_a_stage_and_the_run_goes_on",
    ),
    Row(
        "Success: FAIL or ROLLBACK",
        _CONDITIONS,
        RUNS + "test_a_failed_success_condition_rolls_the_stage_back",
    ),
    Row("Failure: ROLLBACK", _CONDITIONS, RUNS + "test_a_failure_condition_decides_on_the_rollback"),
    Row(
        "Conditions can be overridden, but not SKIP",
        API + "API_OverrideStageCondition.html",
        RUNS + "test_a_failed_entry_condition_is_overridden_and_the_run_goes_on",
    ),
    Row(
        "VariableCheck compares with EQ, NE, CONTAINS, MATCHES",
        GUIDE + "rule-reference-VariableCheck.html",
        "test_rules.py::test_variables_are_compared",
    ),
    Row(
        "DeploymentWindow: six fields and an optional year",
        GUIDE + "rule-reference-DeploymentWindow.html",
        "test_rules.py::test_a_window_is_open_or_not",
    ),
    Row(
        "CloudWatchAlarm waits for the desired states",
        GUIDE + "rule-reference-CloudWatchAlarm.html",
        RUNS + "test_an_alarm_must_be_in_its_desired_state",
    ),
    # triggers
    Row("Globs: *, **, ?, [], {}, \\", _GLOB, "test_globs.py::test_a_pattern_matches_the_whole_name"),
    Row("Excludes win over includes", _FILTER, "test_globs.py::test_excludes_win_over_includes"),
    Row("Push filters: branches, tags, file paths", _FILTER, "test_filters.py::test_pushes_pass_filters"),
    Row(
        "Pull request filters are about the target branch",
        _FILTER,
        "test_filters.py::test_pull_requests_pass_filters_of_their_target",
    ),
    Row("A push runs the pushed branch's commit", _FILTER, ACTIONS + "test_a_push_runs_the_pushed_branch"),
    Row(
        "A pull request runs its source branch's commit",
        _FILTER,
        ACTIONS + "test_a_pull_request_runs_the_newest_commit_of_its_source",
    ),
    Row(
        "With triggers, BranchName counts for manual starts only",
        _FILTER,
        "test_filters.py::test_with_triggers_the_actions_branch_does_not_count",
    ),
    Row(
        "Without triggers changes of the branch are detected, unless DetectChanges is false",
        _CONNECTION,
        "test_filters.py::test_detect_changes_false_switches_that_off",
    ),
    # variables
    Row(
        "Namespaces of actions, `variables`, `codepipeline`",
        _VARIABLES,
        RUNS + "test_variables_of_pipeline_run_and_actions_reach_later_actions",
    ),
    Row(
        "Source actions take no variables",
        _VARIABLES,
        "test_api.py::test_a_declaration_that_does_not_hold_together_is_refused",
    ),
    # actions
    Row(
        "Output variables of a connection source",
        _CONNECTION,
        ACTIONS + "test_a_manual_run_builds_the_actions_branch",
    ),
    Row(
        "A run can be started for another commit",
        API + "API_SourceRevisionOverride.html",
        ACTIONS + "test_a_run_of_another_commit_has_that_commits_files",
    ),
    Row("The JSON of a Lambda job", _LAMBDA, PROVIDERS + "test_a_job_is_what_the_documentation_shows"),
    Row(
        "A continuation token makes CodePipeline call again",
        _LAMBDA,
        ACTIONS + "test_a_function_is_called_again_until_it_gives_no_token",
    ),
    Row(
        "Without an answer for 20 minutes the action times out",
        _LIMITS,
        PROVIDERS + "test_a_function_that_says_nothing_fails_the_action_with_the_documented_hint",
    ),
    Row(
        "Time limits: approval 7 days and configurable, CloudFormation 3 days, Lambda 24 hours, others 1 hour",
        _LIMITS,
        PROVIDERS + "test_only_an_approval_can_be_given_another_time",
    ),
    Row(
        "The JSON of an approval's notification",
        GUIDE + "approvals-json-format.html",
        ACTIONS + "test_an_approval_tells_its_topic_what_the_documentation_says",
    ),
    Row(
        "An approval is answered once, with its token",
        API + "API_PutApprovalResult.html",
        ACTIONS + "test_an_approval_is_given_once_with_its_token",
    ),
    Row(
        "CodeBuild: artifacts, PrimarySource, variables, exported variables",
        GUIDE + "action-reference-CodeBuild.html",
        PROVIDERS + "test_more_artifacts_are_secondary_ones_by_name",
    ),
    Row(
        "CloudFormation: modes, overrides, output variables",
        GUIDE + "action-reference-CloudFormation.html",
        ACTIONS + "test_a_stack_is_created_updated_and_deleted",
    ),
    Row(
        "ECS: imagedefinitions.json, a new revision, a steady service",
        GUIDE + "action-reference-ECS.html",
        PROVIDERS + "test_a_service_gets_the_new_image_and_is_waited_for",
    ),
    Row(
        "S3 deploy: Extract, ObjectKey, CacheControl",
        GUIDE + "action-reference-S3Deploy.html",
        ACTIONS + "test_an_artifact_is_unpacked_into_a_bucket",
    ),
    # roles, events, API
    Row(
        "An action's role is assumed by the pipeline's role",
        API + "API_ActionDeclaration.html",
        ACTIONS + "test_an_action_acts_as_its_own_role_which_the_pipelines_role_assumes",
    ),
    Row("Events of runs, stages and actions", _EVENTS, "test_events.py::test_a_run_its_stages_and_actions_are_told"),
    Row(
        "A retry is RESUMED, with the number of the attempt",
        _EVENTS,
        "test_events.py::test_a_failure_says_why_and_a_retry_resumes",
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
