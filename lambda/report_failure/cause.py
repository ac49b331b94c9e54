"""The cause of a build's failure, as the build itself says it in its log.

CodePipeline knows only which command failed. The builds of the flow `infrastructure` print a line that begins with
`FAILED: `, and the cause after it, up to the end of their output.
"""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import HERE
from shared.job import log

_BEGINS = "FAILED: "
_AGENT = re.compile(r"^\[Container\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)? ")
_EVENTS = 400  # newest events of the log that are read


def cause(build: str) -> str:
    """Returns the cause in the log of a build with the id `project:uuid`; empty if the log names none."""
    project, _, stream = build.partition(":")
    if not stream:
        return ""
    group = f"/aws/codebuild/{project}"
    try:
        found: dict[str, Any] = HERE.client("logs").get_log_events(
            logGroupName=group, logStreamName=stream, limit=_EVENTS, startFromHead=False
        )
    except ClientError as error:
        log.warning("the log %s of %s cannot be read: %s", stream, group, error)
        return ""
    lines = "\n".join(str(event["message"]).rstrip("\n") for event in found["events"]).splitlines()
    begins = next((number for number, line in enumerate(lines) if line.startswith(_BEGINS)), None)
    if begins is None:
        return ""
    said = [lines[begins].removeprefix(_BEGINS)]
    for line in lines[begins + 1 :]:
        if line.startswith(_BEGINS) or _AGENT.match(line):  # a consequence, or CodeBuild's agent after the command
            break
        said.append(line)
    return "\n".join(said).strip()
