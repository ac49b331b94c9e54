"""Finds pipelines that have a valid template, but would fail or could deploy too much."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from policy import bootstrap_roles
from policy.registries import of_pull_requests, shared

_WILD = frozenset("*?[{")
# The API that a rule's provider calls: docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference.html
_RULE_CALLS = {
    "CloudWatchAlarm": "cloudwatch:DescribeAlarms",
    "CodeBuild": "codebuild:StartBuild",
    "Commands": "codebuild:StartBuild",
    "LambdaInvoke": "lambda:InvokeFunction",
}
_CONDITIONS = ("BeforeEntry", "OnSuccess", "OnFailure")


@dataclass(frozen=True)
class Finding:
    """A problem of one resource, and what to write instead."""

    rule: str
    resource: str
    """The logical id."""
    message: str


def findings(template: Mapping[str, Any], protected_stages: Collection[str]) -> list[Finding]:
    """Returns the problems of a template's pipelines. Only one named branch may reach `protected_stages`."""
    resources = template.get("Resources", {})
    policies = _Policies(resources)
    shared_repositories = [
        Finding(
            "branches-write-apart",
            project,
            f"it writes {repository}, which a pipeline with a protected stage reads; give other branches a repository "
            "of their own",
        )
        for project, repository in shared(template, protected_stages)
    ]
    candidates = [
        Finding(
            "candidates-apart",
            project,
            f"it builds pull requests and writes {repository}, which another role may use; give candidates a "
            "repository of their own",
        )
        for project, repository in of_pull_requests(template)
    ]
    deploying = [Finding("only-the-assembly-deploys", role, why) for role, why in bootstrap_roles.found(template)]
    return [*shared_repositories, *candidates, *deploying] + [
        Finding(rule, logical_id, message)
        for logical_id, resource in resources.items()
        if resource["Type"] == "AWS::CodePipeline::Pipeline"
        for check in (_parallel, _rules, _connections, _reach)
        for rule, message in check(_Pipeline(resource["Properties"], policies, frozenset(protected_stages)))
    ]


@dataclass(frozen=True)
class _Pipeline:
    properties: Mapping[str, Any]
    policies: _Policies
    protected: frozenset[str]

    @property
    def stages(self) -> list[Mapping[str, Any]]:
        return list(self.properties.get("Stages", []))

    def allows(self, role: object, action: str) -> bool:
        """True if a role, by default the pipeline's own, may call an action."""
        return self.policies.allow(role or self.properties.get("RoleArn"), action)


class _Policies:
    """The allowed actions of each role of a template."""

    def __init__(self, resources: Mapping[str, Any]) -> None:
        self._allowed: dict[str, set[str]] = {}
        for logical_id, resource in resources.items():
            properties = resource.get("Properties", {})
            if resource["Type"] == "AWS::IAM::Policy":
                for role in properties.get("Roles", []):
                    self._add(_referred(role), properties["PolicyDocument"])
            if resource["Type"] == "AWS::IAM::Role":
                for policy in properties.get("Policies", []):
                    self._add(logical_id, policy["PolicyDocument"])

    def _add(self, role: str | None, document: Mapping[str, Any]) -> None:
        for statement in _listed(document["Statement"]):
            if role and statement["Effect"] == "Allow":
                self._allowed.setdefault(role, set()).update(_listed(statement.get("Action", [])))

    def allow(self, role: object, action: str) -> bool:
        """True if a role may call an action; roles of other templates are not checked."""
        logical_id = _referred(role)
        if logical_id is None:
            return True
        return any(fnmatchcase(action.lower(), given.lower()) for given in self._allowed.get(logical_id, ()))


Found = Iterator[tuple[str, str]]


def _parallel(pipeline: _Pipeline) -> Found:
    if pipeline.properties.get("ExecutionMode") != "PARALLEL":
        return
    for stage in pipeline.stages:
        if "ROLLBACK" in _results(stage):
            message = f"stage {stage['Name']} rolls back, which CodePipeline rejects in mode PARALLEL; use QUEUED"
            yield "parallel-without-rollback", message


def _results(stage: Mapping[str, Any]) -> set[str]:
    found = {str(stage.get("OnFailure", {}).get("Result"))}
    for place in _CONDITIONS:
        found |= {str(condition.get("Result")) for condition in stage.get(place, {}).get("Conditions", [])}
    return found


def _rules(pipeline: _Pipeline) -> Found:
    for stage in pipeline.stages:
        for place in _CONDITIONS:
            for condition in stage.get(place, {}).get("Conditions", []):
                for rule in condition.get("Rules", []):
                    yield from _rule(pipeline, f"rule {rule['Name']} of stage {stage['Name']}", rule)


def _rule(pipeline: _Pipeline, name: str, rule: Mapping[str, Any]) -> Found:
    kind = rule["RuleTypeId"]
    if not kind.get("Version"):
        yield "rule-has-version", f"{name} has no version, which CodePipeline rejects; write version='1'"
    call = _RULE_CALLS.get(kind["Provider"])
    if call and not pipeline.allows(rule.get("RoleArn"), call):
        yield (
            "rule-has-grants",
            f"{name} calls {call}, which its role may not; grant it: CDK creates no role or grant for a rule",
        )


def _connections(pipeline: _Pipeline) -> Found:
    for stage in pipeline.stages:
        for action in stage.get("Actions", []):
            if action["ActionTypeId"]["Provider"] != "CodeStarSourceConnection":
                continue
            for call in ("codeconnections:UseConnection", "codestar-connections:UseConnection"):
                if not pipeline.allows(action.get("RoleArn"), call):
                    message = (
                        f"action {action['Name']} may not call {call}; connections, old and new, need both action names"
                    )
                    yield "source-uses-connection", message


def _reach(pipeline: _Pipeline) -> Found:
    reached = [str(stage["Name"]) for stage in pipeline.stages if stage["Name"] in pipeline.protected]
    if not reached:
        return
    for trigger in pipeline.properties.get("Triggers", []):
        git = trigger.get("GitConfiguration", {})
        wide = ["a pull request" for _ in git.get("PullRequest", [])]
        for push in git.get("Push", []):
            branches = push.get("Branches", {}).get("Includes", [])
            wide += [f"branch pattern {branch}" for branch in branches if _WILD & set(branch)]
            wide += ["any branch's tag" for _ in push.get("Tags", {}).get("Includes", [])]
            if not branches and not push.get("Tags"):
                wide.append("every branch")
        for source in wide:
            yield (
                "branch-reaches-production",
                f"{source} can reach {reached[0]}; name the one branch that may, without wildcards",
            )


def _referred(role: object) -> str | None:
    """Returns the logical id of a Ref or GetAtt; None for a role of another template."""
    if isinstance(role, Mapping):
        if "Ref" in role:
            return str(role["Ref"])
        if "Fn::GetAtt" in role:
            return str(role["Fn::GetAtt"][0])
    return None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
