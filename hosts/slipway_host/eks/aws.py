"""AWS as a function sees it, through boto3 and the role of the function; and the tokens of EKS."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import ServiceId
from botocore.signers import RequestSigner

from slipway_host.cloud import Cloud
from slipway_host.output import Failed

_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 5})
_MISSING = frozenset({"NoSuchKey", "404"})
_PREFIX = "k8s-aws-v1."
_SIGNED_SECONDS = 60


class Aws(Cloud):
    """The services that a release needs."""

    def __init__(self, region: str, bucket: str) -> None:
        self._region, self._bucket = region, bucket
        self._clients: dict[str, Any] = {}

    def parameter(self, name: str) -> str:
        """Returns the value of a parameter in Parameter Store."""
        return str(self._ask_aws("ssm", "get_parameter", Name=name)["Parameter"]["Value"])

    def secret(self, arn: str) -> str:
        """Returns the value of a secret."""
        found = self._ask_aws("secretsmanager", "get_secret_value", SecretId=arn)
        if not isinstance(found.get("SecretString"), str):
            raise Failed(f"the secret {arn} has no text: put a value into it")
        return str(found["SecretString"])

    def registry_password(self) -> str:
        """Raises Failed: nodes of EKS pull images with a role of their own."""
        raise Failed("nodes of EKS need no password of the registry: deploy the environment's stacks again")

    def fetch(self, key: str, target: Path) -> bool:
        """Writes an object of the bucket of releases to a file; returns False if there is no such object."""
        content = self.read(key)
        if content is not None:
            target.write_bytes(content)
        return content is not None

    def read(self, key: str) -> bytes | None:
        """Returns an object of the bucket of releases; None if there is none."""
        try:
            content: bytes = self._client("s3").get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"].get("Code") in _MISSING:
                return None
            raise Failed(f"s3://{self._bucket}/{key} cannot be read: {error}") from None
        except BotoCoreError as error:
            raise Failed(f"s3://{self._bucket}/{key} cannot be read: {error}") from None
        return content

    def write(self, key: str, content: bytes) -> None:
        """Writes an object into the bucket of releases."""
        self._ask_aws("s3", "put_object", Bucket=self._bucket, Key=key, Body=content, ContentType="application/json")

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(service, region_name=self._region, config=_CONFIG)
        return self._clients[service]

    def _ask_aws(self, service: str, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client(service), operation)(**arguments)
        except (ClientError, BotoCoreError) as error:
            raise Failed(f"{service}: {error}") from None


def token(cluster: str, region: str) -> str:
    """Returns a token of the API server for the function's role, as `aws eks get-token` prints it.

    It is the signed URL of a request to STS that returns who has signed it.
    """
    session = botocore.session.get_session()
    signer = RequestSigner(
        ServiceId("sts"), region, "sts", "v4", session.get_credentials(), session.get_component("event_emitter")
    )
    request = {
        "method": "GET",
        "url": f"https://sts.{region}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {},
        "headers": {"x-k8s-aws-id": cluster},
        "context": {},
    }
    url = signer.generate_presigned_url(request, "GetCallerIdentity", expires_in=_SIGNED_SECONDS, region_name=region)
    return _PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
