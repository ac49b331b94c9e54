"""The identity of a build: a session of the project's service role, for its commands and for CodeBuild's own calls."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from localcloud import clients, settings
from localcloud.codebuild.errors import ACCESS_DENIED, BuildError
from localcloud.ecs import credentials

PRINCIPAL = "codebuild.amazonaws.com"
_RENEW_AFTER_SECONDS = 3000  # a session lasts 3600


STORES = "cloudfront-kvs.localhost"
"""The name of the endpoint of CloudFront's key value stores in a build's container. SDKs put the account before it, and
glibc resolves no name that consists of digits and dots only, such as an account before an address."""


class Role:
    """The service role of one build. The role must exist and trust CodeBuild."""

    def __init__(self, arn: str, project_arn: str, build_uuid: str, region: str) -> None:
        self.arn = arn
        self._project_arn = project_arn
        self.region = region
        self._session_name = f"AWSCodeBuild-{build_uuid}"
        self._keys: dict[str, str] = {}
        self._since = 0.0
        self._clients: dict[str, Any] = {}
        self._offered: dict[str, str] = {}

    def keys(self) -> dict[str, str]:
        """Returns credentials of the role, which are valid for at least some minutes.

        Raises:
            BuildError: if the role does not exist or does not trust CodeBuild.
        """
        if not self._keys or time.monotonic() - self._since > _RENEW_AFTER_SECONDS:
            try:
                self._keys = credentials.session(
                    self.arn, self._session_name, principal=PRINCIPAL, source_arn=self._project_arn
                )
            except credentials.AssumeError as error:
                message = f"CodeBuild is not authorized to perform: sts:AssumeRole on {self.arn}. {error}"
                raise BuildError(ACCESS_DENIED, message) from error
            self._since = time.monotonic()
            self._clients = {}
        return self._keys

    def client(self, service: str) -> Any:
        """Returns a boto3 client that acts as the role, so IAM authorizes each call."""
        keys = self.keys()
        if service not in self._clients:
            self._clients[service] = clients.client(service, keys, self.region, read_timeout=300)
        return self._clients[service]

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Calls an operation that only CodeBuild's own agent uses; no SDK has it.

        Raises:
            ClientError: as a boto3 client does.
        """
        keys = self.keys()
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"CodeBuild_20161006.{operation}"}
        sent = json.dumps(request).encode()
        signed = AWSRequest("POST", _endpoint() + "/", data=sent, headers=headers)
        identity = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["Token"])
        SigV4Auth(identity, "codebuild", self.region).add_auth(signed)
        prepared = signed.prepare()
        wanted = urllib.request.Request(  # noqa: S310 - our own loopback address
            prepared.url, data=sent, headers=dict(prepared.headers.items()), method="POST"
        )
        try:
            with urllib.request.urlopen(wanted, timeout=30) as answer:  # noqa: S310 - our own loopback address
                return dict(json.loads(answer.read() or b"{}"))
        except HTTPError as error:
            body = json.loads(error.read() or b"{}")
            message = body.get("message") or body.get("Message") or str(error)
            raise ClientError({"Error": {"Code": str(body.get("__type")), "Message": message}}, operation) from error

    def variables(self) -> dict[str, str]:
        """Returns the variables with which an SDK or the AWS CLI in the build acts as the role."""
        chosen = settings.current()
        common = {
            "AWS_ENDPOINT_URL": chosen.container_url,
            "AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE": f"http://{STORES}:{chosen.port}",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        if chosen.subnet != settings.SUBNET:  # SDKs accept a credentials endpoint only at that address
            keys = self.keys()
            return {
                **common,
                "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
                "AWS_SESSION_TOKEN": keys["Token"],
            }
        if not self._offered:
            self._offered = credentials.offer(
                self.arn, self._session_name, principal=PRINCIPAL, source_arn=self._project_arn
            )
        return {**common, **self._offered}

    def end(self) -> None:
        """Stops the credentials endpoint of the build, in case one of its processes still runs."""
        credentials.withdraw(self._offered)


def _endpoint() -> str:
    return f"http://127.0.0.1:{settings.current().port}"
