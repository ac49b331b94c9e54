"""The CloudFormation custom resource that prepares a cluster: namespace, rights of the releases, nodes, targets.

Its role administers the cluster. It applies the objects of the template and nothing else, and no pipeline calls it.
Delete does nothing: the objects end with the cluster. The protocol of custom resources:
docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html.
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from typing import Any

from slipway_host.eks import kinds
from slipway_host.eks.api import Api, Refused, Server
from slipway_host.eks.aws import token
from slipway_host.output import Failed

_REASON_LIMIT = 2000  # the whole response may have 4096 bytes
_SECONDS = 300  # until EKS knows a new access entry, and serves the kinds of Auto Mode
_PAUSE_SECONDS = 3.0
_LATER = frozenset({401, 403, 404, 409})
_QUERY = {"fieldManager": "slipway-prepare", "force": "true"}


def main(event: dict[str, Any], _context: object) -> None:
    """Answers a request of CloudFormation."""
    response = {"Status": "SUCCESS", "Reason": "", "PhysicalResourceId": f"{os.environ['CLUSTER']}/objects"}
    try:
        if event["RequestType"] != "Delete":
            server = Server(os.environ["ENDPOINT"], os.environ["AUTHORITY"])
            api = Api(server, lambda: token(os.environ["CLUSTER"], os.environ["AWS_REGION"]))
            apply(api, json.loads(event["ResourceProperties"]["Objects"]))
    except Exception as error:  # noqa: BLE001 - without a response CloudFormation waits an hour
        response.update(Status="FAILED", Reason=f"{type(error).__name__}: {error}"[:_REASON_LIMIT])
        print(response["Reason"])  # noqa: T201 - the log of the function
    response.update({key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")})
    # CloudFormation signs the URL for a request without a content type.
    content = json.dumps(response).encode()
    request = urllib.request.Request(event["ResponseURL"], content, {"Content-Type": ""}, method="PUT")  # noqa: S310 - CloudFormation's own
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - the same


def apply(api: Api, objects: list[dict[str, Any]], seconds: float = _SECONDS) -> None:
    """Applies objects in their order; waits for a cluster that does not know its entries or kinds yet.

    Raises:
        Failed: if the API server refuses one until the time is over; the message is the server's.
    """
    deadline = time.monotonic() + seconds
    for thing in objects:
        while True:
            try:
                api.ask("PATCH", kinds.path_of(thing, ""), _QUERY, thing)
                break
            except Refused as error:
                if error.status not in _LATER or time.monotonic() > deadline:
                    named = f"{thing['kind']} {thing['metadata']['name']}"
                    raise Failed(f"the cluster refuses {named}: {error}") from None
            time.sleep(_PAUSE_SECONDS)
