"""Reads the deployed templates from CloudFormation, or from the local cloud if AWS_ENDPOINT_URL is set."""

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
    """Returns the deployed stacks with the names of an assembly, and the reason for each that cannot be read.

    Raises:
        ReviewError: if AWS does not answer, or rejects the credentials.
    """
    stacks, unread = [], {}
    for name, found in _templates(like):
        if isinstance(found, Stack):
            stacks.append(found)
        elif found:
            unread[name] = found
    return Assembly(tuple(stacks), like.version), unread


def _templates(like: Assembly) -> Iterator[tuple[str, Stack | str]]:
    clients: dict[str, Any] = {}
    for stack in like.stacks:
        try:
            if stack.region not in clients:
                clients[stack.region] = boto3.client("cloudformation", region_name=stack.region)
            body = clients[stack.region].get_template(StackName=stack.name, TemplateStage="Original")["TemplateBody"]
        except ClientError as error:
            yield stack.name, _refused(stack, error)
        except BotoCoreError as error:
            raise ReviewError(f"the deployed templates cannot be read: {error}; check the credentials") from None
        else:
            yield stack.name, _read(stack, body)


def _read(stack: Stack, body: object) -> Stack | str:
    """Returns the deployed stack, or why its template is unusable. boto3 parses JSON templates, but not YAML ones."""
    try:
        template = yaml.safe_load(body) if isinstance(body, str) else body
    except yaml.YAMLError:
        template = None
    if not isinstance(template, dict):
        return f"the deployed template of {stack.name} was not written by CDK; the stack is left out"
    return replace(stack, template=template)


def _refused(stack: Stack, error: ClientError) -> str:
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    if code == "ValidationError" and "does not exist" in message:
        return ""  # not deployed yet: the whole stack is new
    if code in ("AccessDenied", "AccessDeniedException"):
        return f"these credentials may not read {stack.name} (cloudformation:GetTemplate); the stack is left out"
    raise ReviewError(f"CloudFormation does not return the template of {stack.name}: {code}: {message}")
