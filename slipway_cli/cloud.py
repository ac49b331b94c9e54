"""The cloud that commands use: the local cloud of this checkout while it runs, else AWS."""

from __future__ import annotations

import dataclasses
import os
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from localcloud import process, settings, shell
from paths import ROOT, STATE
from slipway_cli import typed
from slipway_cli.errors import CommandError

EXTENSIONS = ("slipway_cli.console",)
COMMAND = "slipway local"
# The functions read these (docs/pipelines.md#functions); the placeholders are those of localcloud.settings.
FUNCTION_VARIABLES = {
    "CA_PEM": "${database_authority}",
    "RESOLVE": "*.localhost=${address}",
    "RUN_URL": "${console_url}/{pipeline}/executions/{execution}/visualization?region={region}",
}
OURS = settings.Settings(
    state=STATE,
    function_variables=FUNCTION_VARIABLES,
    extensions=EXTENSIONS,
    extensions_from=ROOT,
    command=COMMAND,
)
_HERE = {"localhost", "127.0.0.1", "::1"}
_KEPT = {"AWS_PAGER", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"}
_FORGET = "unset AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY"


def chosen() -> settings.Settings:
    """Returns the settings of this checkout's local cloud: state in `.slipway`, overridden by `LOCALCLOUD_*`."""
    return settings.current(dataclasses.replace(OURS, command=f"{typed.program()} local"))


@dataclass(frozen=True)
class Cloud:
    """The cloud that a command uses."""

    local: settings.Settings | None = None
    """The settings of this checkout's local cloud; None for any other."""
    endpoint: str = ""
    """The address of another cloud that answers instead of AWS, named by AWS_ENDPOINT_URL."""
    account: str = ""
    """The account of the credentials; empty if it is unknown, or for the local cloud, which has all accounts."""

    def enter(self, account: str, region: str) -> str:
        """Make boto3 and child processes use an account; returns a description of it for the first line of output.

        Raises:
        CommandError: if the credentials belong to another account.
        """
        if self.local is not None:
            become(dataclasses.replace(self.local, account=account, region=region))
            return f"local cloud, account {account}, {region}"
        if self.account not in ("", account):
            raise CommandError(
                f"the credentials are those of {self.name}, but the manifest says account {account}",
                f"AWS_PROFILE=<a profile of account {account}> {typed.again()}",
            )
        return f"{self.name}, {region}"

    def reaches(self, account: str) -> bool:
        """True if the credentials may belong to an account."""
        return self.local is not None or self.account in ("", account)

    @property
    def name(self) -> str:
        """A name for messages, e.g. `AWS account 111122223333`."""
        if self.local is not None:
            return f"the local cloud at {self.local.url}"
        place = f"cloud at {self.endpoint}, account" if self.endpoint else "AWS account"
        return f"{place} {self.account}" if self.account else place.removesuffix(", account").removesuffix(" account")


def connected(*, aws: bool = False) -> Cloud:
    """Returns the running local cloud of this checkout, or AWS if there is none or `aws` is set.

    Raises:
        CommandError: if the shell is set to another local cloud, the local cloud does not answer, or AWS does not
            accept the credentials.
    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    found = None if aws else running()
    if found is not None:
        _refuse_another(found, endpoint)
        become(found)
        return Cloud(local=found)
    if urlsplit(endpoint).hostname in _HERE:
        _refuse_local(endpoint, aws=aws)
    return Cloud(endpoint=endpoint, account=_account(endpoint))


def running() -> settings.Settings | None:
    """Returns the settings of this checkout's local cloud if it runs.

    Raises:
        CommandError: if it runs but does not answer.
    """
    found = process.placed(chosen())
    if process.running(found) is None:
        return None
    if not process.healthy(found):
        raise CommandError(
            f"the local cloud of this checkout is running but does not answer at {found.url}; its log: "
            f"{typed.shown(process.log_file(found))}",
            f"{typed.command('local down')}, then {typed.command('local up')}",
        )
    return found


def local() -> settings.Settings:
    """Returns the settings of this checkout's running local cloud, for commands that never talk to AWS.

    Raises:
        CommandError: if it does not run.
    """
    found = running()
    if found is None:
        raise CommandError("the local cloud of this checkout is not running", typed.command("demo"))
    return found


def become(place: settings.Settings) -> None:
    """Make boto3 and child processes use the local cloud, and remove every AWS credential from the environment."""
    for name in [name for name in os.environ if name.startswith("AWS_") and name not in _KEPT]:
        del os.environ[name]
    os.environ.update(shell.variables(place))
    # Profiles hold keys, roles and endpoints of AWS, which must not reach the local cloud.
    os.environ.update({"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull})
    import boto3  # noqa: PLC0415 - takes as long as the rest of the start

    boto3.DEFAULT_SESSION = None  # it would keep its credentials


def _refuse_another(found: settings.Settings, endpoint: str) -> None:
    named = urlsplit(endpoint)
    if named.hostname in _HERE and named.port != found.port:
        raise CommandError(
            f"this shell is set to a cloud at {endpoint}, and the local cloud of this checkout runs at {found.url}",
            f"{_FORGET}, or a new shell",
            exit_code=2,
        )


def _refuse_local(endpoint: str, *, aws: bool) -> None:
    """Refuse the variables of `source .slipway/local.env` if that cloud is down, or with --aws."""
    if aws:
        raise CommandError(
            f"--aws was given, but this shell is set to a cloud on this machine: AWS_ENDPOINT_URL is {endpoint}",
            f"{_FORGET}, or a new shell",
            exit_code=2,
        )
    named = urlsplit(endpoint)
    with socket.socket() as probe:
        probe.settimeout(2)
        if probe.connect_ex(("127.0.0.1", named.port or 80)) == 0:
            return
    raise CommandError(
        f"this shell is set to a local cloud that is down: nothing answers at {endpoint} (AWS_ENDPOINT_URL)",
        f"{typed.command('local up')}; or, for AWS: {_FORGET}",
    )


def _account(endpoint: str) -> str:
    """Returns the account of the credentials; empty if STS accepts them but refuses to name it."""
    import boto3  # noqa: PLC0415 - takes as long as the rest of the start
    from botocore.config import Config  # noqa: PLC0415 - as boto3
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as boto3

    from slipway_cli.operate.errors import explained, passing, unusable  # noqa: PLC0415 - imports botocore

    attempts = {} if "AWS_MAX_ATTEMPTS" in os.environ else {"max_attempts": 2}  # the user's own number comes first
    patience = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", **attempts})
    try:
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or _configured() or "us-east-1"
        client: Any = boto3.client("sts", region_name=region, config=patience)
        return str(client.get_caller_identity()["Account"])
    except (ClientError, BotoCoreError) as error:
        if not unusable(error):
            return ""
        failure = explained(error)
        if passing(error):
            failure.then = f"{typed.again()} in a minute"
        if urlsplit(endpoint).hostname in _HERE:
            failure.then = f"{_FORGET}, or a new shell: these keys do not belong to the cloud at {endpoint}"
        raise failure from None


def _configured() -> str:
    """Returns the region of the profile."""
    import boto3  # noqa: PLC0415 - takes as long as the rest of the start

    return str((boto3.DEFAULT_SESSION or boto3.session.Session()).region_name or "")
