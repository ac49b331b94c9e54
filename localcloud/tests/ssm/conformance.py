"""The documented behaviours of Systems Manager: the page of the documentation, and the test of the local cloud."""

from __future__ import annotations

from dataclasses import dataclass

GUIDE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/"
API = "https://docs.aws.amazon.com/systems-manager/latest/APIReference/"
TEMPLATES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
EVENTS = "https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html"


@dataclass(frozen=True)
class Row:
    """A documented behaviour."""

    behaviour: str
    source: str
    test: str


_SCHEMA = GUIDE + "documents-schemas-features.html"
_PARAMETERS = GUIDE + "documents-syntax-data-elements-parameters.html"
_PLUGINS = GUIDE + "documents-command-ssm-plugin-reference.html"
_STATUS = GUIDE + "monitor-commands.html"
_SCALE = GUIDE + "send-commands-multiple.html"
_STATE_MANAGER = GUIDE + "state-manager-about.html"
_TIERS = GUIDE + "parameter-store-advanced-parameters.html"
_ACCESS = GUIDE + "run-command-setting-up.html"
_AUTHORIZATION = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html"

DOCUMENTS, COMMANDS, TARGETS = "test_documents.py::", "test_commands.py::", "test_targets.py::"
ASSOCIATIONS, SESSIONS, PARAMETERS = "test_associations.py::", "test_sessions.py::", "test_parameters.py::"

TABLE: tuple[Row, ...] = (
    # documents
    Row(
        "A document is described with owner, status, schema version, parameters and hash",
        API + "API_DocumentDescription.html",
        DOCUMENTS + "test_a_document_is_described_with_its_parameters_and_versions",
    ),
    Row(
        "Documents are written in JSON or YAML, and GetDocument returns either",
        API + "API_GetDocument.html",
        DOCUMENTS + "test_a_document_in_yaml_can_be_read_as_json",
    ),
    Row(
        "Any update of a document creates a version, and one version is the default",
        _SCHEMA,
        DOCUMENTS + "test_an_update_is_a_new_version_that_becomes_the_default_when_asked",
    ),
    Row(
        "UpdateDocument takes the latest version, and content that differs (DuplicateDocumentContent)",
        API + "API_UpdateDocument.html",
        DOCUMENTS + "test_an_update_with_the_same_content_or_of_an_old_version_is_refused",
    ),
    Row(
        "A version that is not the default can be deleted alone",
        API + "API_DeleteDocument.html",
        DOCUMENTS + "test_the_default_version_cannot_be_deleted_but_others_and_the_document_can",
    ),
    Row(
        "A name is used once (DocumentAlreadyExists)",
        API + "API_CreateDocument.html",
        DOCUMENTS + "test_a_second_document_of_a_name_is_refused",
    ),
    Row(
        "aws, amazon and amzn are no prefixes of a document's name",
        API + "API_CreateDocument.html#systemsmanager-CreateDocument-request-Name",
        DOCUMENTS + "test_the_prefixes_of_aws_are_reserved",
    ),
    Row(
        "ListDocuments filters by owner, name and tag (InvalidFilterKey)",
        API + "API_ListDocuments.html",
        DOCUMENTS + "test_documents_are_listed_by_owner_name_and_tag",
    ),
    Row(
        "Documents have tags (InvalidResourceId)",
        API + "API_AddTagsToResource.html",
        DOCUMENTS + "test_tags_of_a_document_are_added_and_removed",
    ),
    Row(
        "Content, schema version and size have their own errors",
        API + "API_CreateDocument.html#API_CreateDocument_Errors",
        DOCUMENTS + "test_content_that_is_not_valid_or_would_not_run_here_is_refused",
    ),
    Row(
        "A document has steps for several platforms",
        _SCHEMA,
        DOCUMENTS + "test_a_step_for_windows_is_accepted_beside_one_for_linux",
    ),
    Row(
        "Requests are validated against the documented constraints",
        API + "CommonErrors.html",
        DOCUMENTS + "test_a_request_that_breaks_the_model_and_an_unsupported_operation_are_refused",
    ),
    # parameters of a document
    Row(
        "allowedValues, allowedPattern, minItems, maxItems, minChars and maxChars bind values (InvalidParameters)",
        _PARAMETERS,
        "test_interpolation.py::test_a_value_that_the_declaration_forbids_is_refused",
    ),
    Row(
        "A parameter without a value has its default",
        _PARAMETERS,
        "test_interpolation.py::test_a_parameter_without_a_value_has_its_default",
    ),
    Row(
        "You can only supply values to parameters defined in the document",
        API + "API_SendCommand.html#API_SendCommand_Errors",
        "test_interpolation.py::test_a_value_for_an_unknown_parameter_is_refused",
    ),
    Row(
        "{{ Name }} is replaced by the value",
        _PARAMETERS,
        "test_interpolation.py::test_references_are_replaced_and_everything_else_in_braces_stays",
    ),
    # steps
    Row(
        "Steps run in the order of the document",
        _SCHEMA,
        COMMANDS + "test_the_steps_run_in_their_order_and_a_failed_one_does_not_stop_the_next",
    ),
    Row(
        "onFailure exit leaves the remaining steps out, but finallyStep",
        _PLUGINS,
        COMMANDS + "test_on_failure_exit_leaves_the_other_steps_out_but_the_final_one",
    ),
    Row(
        "onFailure successAndExit shows the failed step as successful",
        _PLUGINS,
        COMMANDS + "test_success_and_exit_makes_a_failed_step_successful",
    ),
    Row(
        "A precondition on platformType or a parameter decides whether a step runs",
        GUIDE + "document-schemas-features.html",
        COMMANDS + "test_a_step_whose_precondition_is_not_met_is_skipped",
    ),
    Row(
        "workingDirectory is the folder of the script",
        _PLUGINS,
        COMMANDS + "test_a_command_runs_in_the_working_directory_and_fails_if_there_is_none",
    ),
    Row(
        "timeoutSeconds of a step: Execution Timed Out, which counts as an error",
        _STATUS,
        COMMANDS + "test_a_command_that_exceeds_its_execution_timeout_is_killed_with_its_children",
    ),
    # commands
    Row(
        "SendCommand answers Pending; the response code is -1 and the output empty until the step is over",
        API + "API_GetCommandInvocation.html",
        COMMANDS + "test_send_command_answers_pending_and_the_response_code_is_minus_one_until_the_end",
    ),
    Row(
        "A result code that is not zero fails the invocation",
        _STATUS,
        COMMANDS + "test_an_exit_code_other_than_zero_fails_the_invocation_and_the_command",
    ),
    Row(
        "With several steps GetCommandInvocation needs the step's name (InvalidPluginName)",
        API + "API_GetCommandInvocation.html#systemsmanager-GetCommandInvocation-request-PluginName",
        COMMANDS + "test_the_steps_run_in_their_order_and_a_failed_one_does_not_stop_the_next",
    ),
    Row(
        "The output is cut after 24,000 and 8,000 characters, in lists after 2,500",
        API + "API_GetCommandInvocation.html#API_GetCommandInvocation_ResponseSyntax",
        COMMANDS + "test_output_is_cut_at_the_documented_lengths",
    ),
    Row(
        "Details returns the output of each step",
        API + "API_ListCommandInvocations.html",
        COMMANDS + "test_details_list_the_output_of_each_step",
    ),
    Row(
        "The output goes to a log group, in the streams COMMAND/NODE/STEP/stdout and stderr",
        GUIDE + "sysman-rc-setting-up-cwlogs.html",
        COMMANDS + "test_all_of_the_output_goes_to_the_log_group_as_the_hosts_role",
    ),
    Row(
        "CancelCommand ends the process",
        API + "API_CancelCommand.html",
        COMMANDS + "test_a_cancelled_command_is_killed",
    ),
    Row(
        "CancelCommand takes a list of nodes",
        API + "API_CancelCommand.html#systemsmanager-CancelCommand-request-InstanceIds",
        TARGETS + "test_cancelling_reaches_waiting_nodes_and_only_the_named_ones",
    ),
    Row(
        "InvalidDocument: the document does not exist",
        API + "API_SendCommand.html#API_SendCommand_Errors",
        COMMANDS + "test_an_unknown_document_is_refused_and_reports_no_success",
    ),
    Row(
        "DocumentVersion is $DEFAULT, $LATEST or a number (InvalidDocumentVersion)",
        API + "API_SendCommand.html#systemsmanager-SendCommand-request-DocumentVersion",
        COMMANDS + "test_a_chosen_version_of_the_document_runs",
    ),
    Row(
        "InvocationDoesNotExist, InvalidCommandId",
        API + "API_GetCommandInvocation.html#API_GetCommandInvocation_Errors",
        COMMANDS + "test_invocations_and_commands_that_do_not_exist",
    ),
    Row(
        "Commands are filtered by status, stage, document and time",
        API + "API_CommandFilter.html",
        COMMANDS + "test_commands_are_listed_by_node_status_and_document_newest_first",
    ),
    Row(
        "Status changes of commands and invocations are events",
        EVENTS,
        "test_events.py::test_eventbridge_gets_the_status_changes_of_a_command_and_its_invocation",
    ),
    # nodes and targets
    Row(
        "PingStatus is Online or ConnectionLost",
        API + "API_InstanceInformation.html",
        TARGETS + "test_a_node_is_online_while_its_host_runs_and_else_has_lost_its_connection",
    ),
    Row(
        "A node needs permission to register and to connect",
        GUIDE + "setup-instance-permissions.html",
        TARGETS + "test_a_host_whose_role_does_not_let_the_agent_connect_is_no_managed_node",
    ),
    Row(
        "InvalidInstanceId: the agent does not run",
        API + "API_SendCommand.html#systemsmanager-SendCommand-request-InstanceIds",
        TARGETS + "test_an_unknown_or_stopped_node_is_refused",
    ),
    Row(
        "Targets are tags; several keys must all match, one value of each is enough",
        _SCALE,
        TARGETS + "test_targets_are_all_nodes_with_the_tags",
    ),
    Row(
        "A tag without nodes: No Instances In Tag",
        _STATUS,
        TARGETS + "test_targets_without_a_node_succeed_with_no_instances_in_tag",
    ),
    Row(
        "MaxConcurrency is a number or a percentage",
        _SCALE,
        TARGETS + "test_not_more_nodes_than_allowed_run_a_command_at_once",
    ),
    Row(
        "After MaxErrors the remaining invocations are Terminated",
        _SCALE,
        TARGETS + "test_after_too_many_errors_the_waiting_nodes_get_nothing",
    ),
    Row(
        "Fewer errors than MaxErrors: Incomplete",
        _STATUS,
        TARGETS + "test_errors_within_the_limit_leave_the_command_incomplete",
    ),
    Row(
        "Undeliverable: the node does not exist; it does not count",
        _STATUS,
        TARGETS + "test_a_node_that_was_terminated_while_it_waited_is_undeliverable",
    ),
    Row(
        "Delayed, then Delivery Timed Out, which does not count as an error",
        _STATUS,
        TARGETS + "test_a_node_without_connection_gets_the_command_when_it_returns_or_it_times_out",
    ),
    # authorization
    Row(
        "SendCommand is authorized for the document and the nodes, with their tags",
        _ACCESS,
        "test_authorization.py::test_a_command_needs_the_document_and_each_instance_with_its_tags",
    ),
    Row(
        "Listing invocations has no resource",
        _AUTHORIZATION,
        "test_authorization.py::test_reading_invocations_needs_a_permission_without_a_resource",
    ),
    Row(
        "StartSession is authorized for the node, with its tags",
        GUIDE + "getting-started-restrict-access-examples.html",
        SESSIONS + "test_a_session_needs_the_instance_with_its_tags",
    ),
    # State Manager
    Row(
        "An association runs when it is created",
        _STATE_MANAGER,
        ASSOCIATIONS + "test_an_association_runs_on_the_matching_nodes_when_it_is_created",
    ),
    Row(
        "A node that comes online gets its associations",
        _STATE_MANAGER,
        ASSOCIATIONS + "test_a_host_that_joins_later_gets_the_association",
    ),
    Row(
        "A schedule runs it again",
        GUIDE + "reference-cron-and-rate-expressions.html",
        ASSOCIATIONS + "test_a_schedule_runs_the_association",
    ),
    Row(
        "ApplyOnlyAtCronInterval: only the schedule runs it",
        API + "API_CreateAssociation.html#systemsmanager-CreateAssociation-request-ApplyOnlyAtCronInterval",
        ASSOCIATIONS + "test_with_apply_only_at_cron_interval_nothing_runs_at_once",
    ),
    Row(
        "InvalidSchedule; an association runs every 30 minutes at most",
        GUIDE + "reference-cron-and-rate-expressions.html#reference-cron-and-rate-expressions-association",
        ASSOCIATIONS + "test_a_schedule_that_is_not_valid_is_refused",
    ),
    Row(
        "Another default version of the document runs its associations",
        API + "API_UpdateDocumentDefaultVersion.html",
        ASSOCIATIONS + "test_a_new_default_version_runs_the_association",
    ),
    Row(
        "StartAssociationsOnce runs it at once",
        API + "API_StartAssociationsOnce.html",
        ASSOCIATIONS + "test_a_failed_run_is_shown_and_the_association_can_be_started_again",
    ),
    Row(
        "UpdateAssociation creates a version and runs it",
        API + "API_UpdateAssociation.html",
        ASSOCIATIONS + "test_an_update_is_a_new_version_that_runs",
    ),
    Row(
        "AssociatedInstances: a document with associations is not deleted",
        API + "API_DeleteDocument.html#API_DeleteDocument_Errors",
        ASSOCIATIONS + "test_a_document_with_an_association_cannot_be_deleted",
    ),
    Row(
        "Errors of CreateAssociation",
        API + "API_CreateAssociation.html#API_CreateAssociation_Errors",
        ASSOCIATIONS + "test_an_association_that_is_not_valid_is_refused",
    ),
    # sessions
    Row(
        "StartSession returns an ID, a token and an address",
        API + "API_StartSession.html",
        SESSIONS + "test_a_session_is_an_address_that_the_plugin_opens",
    ),
    Row(
        "A terminated session cannot be resumed",
        API + "API_TerminateSession.html",
        SESSIONS + "test_a_terminated_session_is_history_and_cannot_be_resumed",
    ),
    Row(
        "TargetNotConnected",
        API + "API_StartSession.html#API_StartSession_Errors",
        SESSIONS + "test_a_node_without_connection_or_without_the_data_channel_has_no_session",
    ),
    # Parameter Store
    Row(
        "Standard holds 4 KB, advanced 8 KB; Intelligent-Tiering chooses",
        _TIERS,
        PARAMETERS + "test_a_tier_holds_its_size_and_intelligent_tiering_chooses_by_size",
    ),
    Row(
        "An advanced parameter does not become a standard one",
        _TIERS,
        PARAMETERS + "test_an_advanced_parameter_cannot_become_a_standard_one",
    ),
    Row(
        "Overwrite makes a version (ParameterAlreadyExists)",
        API + "API_PutParameter.html",
        PARAMETERS + "test_a_parameter_is_overwritten_only_when_asked_and_keeps_its_versions",
    ),
    Row(
        "HierarchyTypeMismatchException",
        API + "API_PutParameter.html#API_PutParameter_Errors",
        PARAMETERS + "test_the_type_of_a_parameter_cannot_change",
    ),
    Row(
        "AllowedPattern binds the value",
        API + "API_PutParameter.html#systemsmanager-PutParameter-request-AllowedPattern",
        PARAMETERS + "test_a_value_must_match_the_allowed_pattern",
    ),
    Row(
        "A hundred versions are kept; a labelled one is not deleted",
        GUIDE + "sysman-paramstore-versions.html",
        PARAMETERS + "test_the_oldest_of_a_hundred_versions_makes_room_unless_it_has_a_label",
    ),
    Row(
        "A label belongs to one version, and begins with no digit, aws or ssm",
        GUIDE + "sysman-paramstore-labels.html",
        PARAMETERS + "test_a_label_moves_to_another_version_and_can_be_removed",
    ),
    Row(
        "ParameterVersionLabelLimitExceeded, ParameterNotFound, ParameterVersionNotFound",
        API + "API_LabelParameterVersion.html#API_LabelParameterVersion_Errors",
        PARAMETERS + "test_a_version_has_ten_labels_at_most",
    ),
    # templates
    Row(
        "UpdateMethod NewVersion makes a default version",
        TEMPLATES + "aws-resource-ssm-document.html",
        "test_resources.py::test_with_new_version_an_update_makes_a_new_default_version",
    ),
    Row(
        "UpdateMethod Replace makes another document",
        TEMPLATES + "aws-resource-ssm-document.html#cfn-ssm-document-updatemethod",
        "test_resources.py::test_with_replace_an_update_makes_another_document",
    ),
    Row(
        "WaitForSuccessTimeoutSeconds fails the stack with the association",
        TEMPLATES + "aws-resource-ssm-association.html",
        ASSOCIATIONS + "test_a_stack_that_waits_for_an_association_fails_with_it",
    ),
)
