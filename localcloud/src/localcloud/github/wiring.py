"""Connects the local GitHub to the local cloud: it triggers CodePipeline, and reads secrets and KMS keys."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from botocore.exceptions import ClientError
from ministack.core.responses import request_scope

from localcloud import adapter, settings
from localcloud.codepipeline import triggers
from localcloud.codepipeline.state import STORE
from localcloud.github.hub import Hub, PullRequest, Push, Started, Triggers
from localcloud.github.repositories import Repositories
from localcloud.github.server import HOOK, PREFIX
from localcloud.github.store import Store

SYMBOLS = ("ministack.core.responses:request_scope",)


@cache
def hub() -> Hub:
    """Returns the hub of this process."""
    chosen = settings.current()
    return Hub(
        repositories=Repositories(chosen.repositories),
        store=Store(chosen.state / "github" / "github.sqlite"),
        triggers=Triggers(_push, _pull_request),
        read_secret=_read_secret,
        verify=_verify,
        url=chosen.github_url,
        hook_url=f"http://127.0.0.1:{chosen.port}{PREFIX}{HOOK}",
    )


def _push(change: Push) -> list[Started]:
    return _started(triggers.push(change.repository, change.ref, change.after, change.before, change.files))


def _pull_request(change: PullRequest) -> list[Started]:
    started = triggers.pull_request(
        change.repository,
        change.event,
        number=str(change.number),
        title=change.title,
        source=change.source,
        destination=change.destination,
        commit=change.commit,
        files=change.files,
    )
    return _started(started)


def _started(executions: list[str]) -> list[Started]:
    with STORE.changed:
        names = {
            run.id: (pipeline.place[1], pipeline.name)
            for pipeline in STORE.pipelines.values()
            for run in pipeline.executions[-20:]
        }
    chosen = settings.current()
    found = [(*names.get(execution, (chosen.region, "a pipeline")), execution) for execution in executions]
    return [Started(name, chosen.run_url(name, execution, region)) for region, name, execution in found]


def _read_secret(name: str) -> str | None:
    with _scope(name):
        try:
            return str(adapter.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
        except (ClientError, KeyError):
            return None


def _verify(key: str, digest: bytes, signature: bytes) -> bool:
    with _scope(key):
        try:
            answer = adapter.client("kms").verify(
                KeyId=key,
                Message=digest,
                MessageType="DIGEST",
                Signature=signature,
                SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256",
            )
        except ClientError:
            return False
        return bool(answer["SignatureValid"])


def _scope(name: str) -> AbstractContextManager[None]:
    """Sets the account and region of an ARN, or the local cloud's own for a name."""
    chosen = settings.current()
    parts = name.split(":")
    account, region = (parts[4], parts[3]) if name.startswith("arn:") else (chosen.account, chosen.region)
    scope: AbstractContextManager[None] = request_scope(account, region)
    return scope
