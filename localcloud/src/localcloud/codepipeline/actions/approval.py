"""Manual approval: waits for a person.

docs.aws.amazon.com/codepipeline/latest/userguide/approvals.html
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

from localcloud import settings
from localcloud.codepipeline.actions.work import Work
from localcloud.codepipeline.errors import ActionError
from localcloud.codepipeline.model import new_id


def run(work: Work) -> dict[str, str]:
    """Creates a token, publishes it to the topic, and waits for a PutApprovalResult with this token."""
    attempt = work.attempt
    work.note(summary=work.configuration.get("CustomData", ""), external_url=_link(work))
    with work.store.changed:
        attempt.token = new_id()
        work.store.save(work.pipeline, work.execution)
    topic = work.configuration.get("NotificationArn")
    if topic:
        subject = f"APPROVAL NEEDED: AWS CodePipeline {work.pipeline.name}"
        work.client("sns").publish(TopicArn=topic, Subject=subject[:100], Message=json.dumps(_message(work)))
    while not work.wait(lambda: bool(attempt.approval)):
        pass
    work.note(summary=attempt.approval["summary"])
    if attempt.approval["status"] != "Approved":
        reason = attempt.approval["summary"] or "no reason was given"
        raise ActionError(f"Rejected by {attempt.updated_by}: {reason}", "ApprovalRejected")
    return {}


def _link(work: Work) -> str:
    return work.configuration.get("ExternalEntityLink", "")


def _message(work: Work) -> dict[str, object]:
    """Returns the documented body: docs.aws.amazon.com/codepipeline/latest/userguide/approvals-json-format.html."""
    region = work.pipeline.place[1]
    console = f"{settings.current().url}/codepipeline/home?region={region}#/view/{work.pipeline.name}"
    path = f"{work.attempt.stage}/{work.attempt.action}"
    expires = datetime.fromtimestamp(time.time() + work.seconds, UTC).strftime("%Y-%m-%dT%H:%MZ")
    approval = {
        "pipelineName": work.pipeline.name,
        "stageName": work.attempt.stage,
        "actionName": work.attempt.action,
        "token": work.attempt.token,
        "expires": expires,
        "externalEntityLink": _link(work) or None,
        "approvalReviewLink": f"{console}/{path}/approve/{work.attempt.token}",
        "customData": work.configuration.get("CustomData"),
    }
    return {"region": region, "consoleLink": console, "approval": approval}
