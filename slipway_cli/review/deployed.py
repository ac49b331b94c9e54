"""What is deployed: each stack's template, asked of CloudFormation. AWS_ENDPOINT_URL leads to the local cloud."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import yaml
from botocore.exceptions import BotoCoreError, ClientError

from slipway_cli.review.assembly import Assembly, Stack
from slipway_cli.review.errors import ReviewError


def deployed(like: Assembly) -> tuple[Assembly, dict[str, str]]:
    """The deployed stacks of the names in an assembly; and by name, why one could not be read.

    Raises:
        ReviewError: if AWS does not answer at all, or takes no credentials.
    """
    stacks, unread = [], {}
    for name, found in _answers(like):
        if isinstance(found, Stack):
            stacks.append(found)
        elif found:
            unread[name] = found
    return Assembly(tuple(stacks), like.version), unread


def _answers(like: Assembly) -> Iterator[tuple[str, Stack | str]]:
    clients: dict[str, Any] = {}
    for stack in like.stacks:
        try:
            if stack.region not in clients:
                clients[stack.region] = boto3.client("cloudformation", region_name=stack.region)
            body = clients[stack.region].get_template(StackName=stack.name, TemplateStage="Original")["TemplateBody"]
        except ClientError as error:
            yield stack.name, _refused(stack, error)
        except BotoCoreError as error:
            raise ReviewError(f"what is deployed cannot be asked for: {error}; look at the credentials") from None
        else:
            yield stack.name, _read(stack, body)


def _read(stack: Stack, body: object) -> Stack | str:
    """CloudFormation gives back JSON as data, and anything else as text."""
    try:
        template = yaml.safe_load(body) if isinstance(body, str) else body
    except yaml.YAMLError:
        template = None
    if not isinstance(template, dict):
        return f"the deployed template of {stack.name} is not one that CDK wrote, and is left out"
    return replace(stack, template=template)


def _refused(stack: Stack, error: ClientError) -> str:
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    if code == "ValidationError" and "does not exist" in message:
        return ""  # not deployed yet: the whole stack is new
    if code in ("AccessDenied", "AccessDeniedException"):
        return f"these credentials may not read {stack.name} (cloudformation:GetTemplate): it is left out"
    raise ReviewError(f"CloudFormation does not give the template of {stack.name}: {code}: {message}")
