"""Errors in the form that a service's clients parse, also those of defects in a service's handler.

MiniStack reports a handler's exception as JSON. Clients of the query, EC2 and S3 protocols cannot parse that, so their
SDK does not retry it as it retries AWS's `InternalFailure`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from typing import Any

from ministack import app

SYMBOLS: tuple[str, ...] = ("ministack.app:_dispatch_service_request",)

_SCOPE = re.compile(r"Credential=[^/,\s]+/\d{8}/[^/,\s]+/([a-z0-9-]+)/aws4_request")
_OF_MINISTACK = b'{"__type": "InternalError"'
_QUERY = ("cloudformation", "rds", "elasticache", "iam", "sts", "sns", "elasticloadbalancing", "cloudfront", "route53")
_XML = {
    **dict.fromkeys((*_QUERY, "autoscaling", "monitoring"), "<ErrorResponse>{}</ErrorResponse>"),
    "s3": "{}",
    "ec2": "<Response><Errors>{}</Errors></Response>",
}


def service_of(headers: Mapping[str, str]) -> str:
    """Returns the service in the scope of a request's signature; empty for a request without one."""
    found = _SCOPE.search(headers.get("authorization", ""))
    return found[1] if found else ""


def rendered(service: str, code: str, message: str) -> tuple[dict[str, str], bytes]:
    """Returns the headers and the body of an error; `service` is the name in the signature's scope."""
    if service in _XML:
        error = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        body, kind = _XML[service].format(error), "text/xml"
    else:
        body, kind = json.dumps({"__type": code, "message": message}), "application/x-amz-json-1.1"
    return {"Content-Type": kind, "x-amzn-ErrorType": code}, body.encode()


def install() -> None:
    """Answer with AWS's internal error where a handler raises an exception."""
    original = app._dispatch_service_request

    async def dispatch(*request: Any) -> Any:
        """Dispatches a request: method, path, headers, body, query, id."""
        answer = await original(*request)
        status, _, content = answer
        defect = status == HTTPStatus.INTERNAL_SERVER_ERROR and isinstance(content, bytes)
        if not defect or not content.startswith(_OF_MINISTACK):
            return answer
        service = service_of(request[2])
        code = "InternalError" if service in {"ec2", "s3"} else "InternalFailure"
        return (status, *rendered(service, code, str(json.loads(content)["message"])))

    app._dispatch_service_request = dispatch
