"""The rules that a condition can have, by provider.

docs.aws.amazon.com/codepipeline/latest/userguide/rule-reference.html
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from localcloud.codepipeline import windows
from localcloud.codepipeline.actions import codebuild, invoke
from localcloud.codepipeline.actions.work import Provider, Work
from localcloud.codepipeline.errors import ActionError

_OPERATORS = ("EQ", "NE", "CONTAINS", "MATCHES")


def compare(variable: str, operator: str, value: str) -> bool:
    """Returns the result of a VariableCheck. The regular expression of MATCHES must match the whole value.

    Raises:
        ActionError: for an unknown operator.
    """
    if operator == "EQ":
        return variable == value
    if operator == "NE":
        return variable != value
    if operator == "CONTAINS":
        return value in variable
    if operator == "MATCHES":
        return re.fullmatch(value, variable) is not None
    raise ActionError(f"Operator must be one of {', '.join(_OPERATORS)}, not {operator}", "ConfigurationError")


def _variable(work: Work) -> dict[str, str]:
    variable, value = work.configuration.get("Variable", ""), work.configuration.get("Value", "")
    operator = work.option("Operator", "EQ")
    if not compare(variable, operator, value):
        raise ActionError(f"'{variable}' {operator} '{value}' is false")
    return {}


def _alarm(work: Work) -> dict[str, str]:
    """Succeeds as soon as the alarm is in one of the desired states; fails after the wait time."""
    name, minutes = work.option("AlarmName"), float(work.option("WaitTime", "0"))
    desired = {state.strip() for state in work.option("AlarmStates", "OK").split(",")}
    deadline = time.monotonic() + 60 * minutes
    while True:
        found = work.client("cloudwatch").describe_alarms(AlarmNames=[name])
        alarms = [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])]
        if not alarms:
            raise ActionError(f"There is no alarm {name}", "ConfigurationError")
        state = alarms[0]["StateValue"]
        if state in desired:
            return {}
        if time.monotonic() >= deadline:
            raise ActionError(
                f"The alarm {name} is {state} after {minutes:g} minutes, not {' or '.join(sorted(desired))}"
            )
        work.pause()


def _window(work: Work) -> dict[str, str]:
    zone = work.option("TimeZone", "UTC")
    try:
        now = datetime.now(UTC).astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ActionError(f"There is no time zone {zone}", "ConfigurationError") from error
    cron = work.option("Cron")
    if not windows.is_open(cron, now):
        raise ActionError(f"{now:%Y-%m-%d %H:%M} {zone} is outside the deployment window {cron}")
    return {}


PROVIDERS: dict[str, Provider] = {
    "VariableCheck": _variable,
    "LambdaInvoke": invoke.run,
    "CodeBuild": codebuild.run,
    "CloudWatchAlarm": _alarm,
    "DeploymentWindow": _window,
}


def provider(name: str) -> Provider:
    """Returns a rule provider.

    Raises:
        ActionError: if the local cloud does not have it.
    """
    if name not in PROVIDERS:
        known = ", ".join(sorted(PROVIDERS))
        raise ActionError(f"The local cloud has no rule provider {name}. It has: {known}", "ConfigurationError")
    return PROVIDERS[name]
