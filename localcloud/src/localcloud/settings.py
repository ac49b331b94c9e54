"""The settings of the local cloud: port, account, region, folders. Read from the environment once."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SUBNET = "169.254.170"  # botocore takes task credentials from 169.254.170.2 and no other: change it for tests only
LABEL = "localcloud"
INNER = "localcloud-inner"  # in the user agent of what the cloud asks of itself: faults.py leaves it alone
_PORTS = range(1, 65_536)
_SWITCH = {"": True, "1": True, "0": False}


class SettingsError(ValueError):
    """A setting has no usable value; the message says which, and what to write."""


@dataclass(frozen=True)
class Settings:
    """The settings shared by the launcher, the server and the adapters."""

    port: int = 4701
    account: str = "111122223333"
    region: str = "us-east-1"
    state: Path = field(default_factory=lambda: Path.cwd() / ".localcloud")
    docker: bool = True
    subnet: str = SUBNET
    build_variables: Mapping[str, str] = field(default_factory=dict)
    """Values that replace those of builds, for variables that a buildspec declares: images of a machine
    that reaches no registry, for instance."""

    function_variables: Mapping[str, str] = field(default_factory=dict)
    """Variables of every Lambda function whose stack does not set them. Values may name `${address}` (of the cloud, as
    functions reach it), `${console_url}`, `${database_authority}` (a certificate in PEM) and `${github_api}`."""

    extensions: tuple[str, ...] = ()
    """Modules of applications that are served beside the cloud (`localcloud.extensions`)."""
    extensions_from: Path | None = None
    """Folder that the extensions are imported from."""
    command: str = "localcloud"
    """The command that takes `up`, `down`, `reset` and `status`; messages quote it."""

    def __post_init__(self) -> None:
        """Checks the values that a user may have mistyped.

        Raises:
            SettingsError: if a value cannot be used.
        """
        if self.port not in _PORTS:
            raise SettingsError(f"The port is {self.port}: write a number from 1 to 65535, such as 4701.")
        if not re.fullmatch(r"\d{12}", self.account):
            raise SettingsError(f"The account is {self.account!r}: write 12 digits, such as 111122223333.")
        if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", self.region):
            raise SettingsError(f"The region is {self.region!r}: write the name of an AWS region, such as us-east-1.")
        if not re.fullmatch(r"\d{1,3}\.\d{1,3}\.\d{1,3}", self.subnet):
            raise SettingsError(f"The subnet is {self.subnet!r}: write the first three numbers, such as {SUBNET}.")

    @property
    def network(self) -> str:
        """Name of the docker network."""
        return "localcloud" if self.subnet == SUBNET else f"localcloud-{self.subnet.rsplit('.', 1)[-1]}"

    @property
    def gateway(self) -> str:
        """Name of the relay container."""
        return f"{self.network}-gateway"

    @property
    def relay_address(self) -> str:
        """Address of the relay container."""
        return f"{self.subnet}.2"

    @property
    def run(self) -> Path:
        """Folder of the process: pid, log, socket."""
        return self.state / "run"

    @property
    def repositories(self) -> Path:
        """Folder of the bare git repositories, `<owner>/<name>.git`."""
        return self.state / "repositories"

    @property
    def socket(self) -> Path:
        """Unix socket the relay container forwards to."""
        return self.run / "sock" / "gateway.sock"

    @property
    def url(self) -> str:
        """Address for this host."""
        return f"http://localhost:{self.port}"

    @property
    def container_url(self) -> str:
        """Address that containers use; the host reaches it too when the docker network exists."""
        return f"http://{self.relay_address}:{self.port}" if self.docker else f"http://127.0.0.1:{self.port}"

    @property
    def github_url(self) -> str:
        """The local GitHub, for people and git on this host: curl and browsers take the name for loopback."""
        return f"http://github.localhost:{self.port}"

    @property
    def github_api(self) -> str:
        """`GITHUB_API_URL` of functions and builds, on this host and in containers."""
        return f"{self.container_url}/_github/api/v3"

    @property
    def console_url(self) -> str:
        """The console of pipelines, at the path of AWS's console."""
        return f"{self.url}/codesuite/codepipeline/pipelines"

    def run_url(self, pipeline: str, execution: str, region: str = "") -> str:
        """Returns the address of a run, with the path of AWS's console."""
        place = f"{pipeline}/executions/{execution}/visualization?region={region or self.region}"
        return f"{self.console_url}/{place}"

    def environment(self) -> dict[str, str]:
        """The same settings, for a child process."""
        return {
            "LOCALCLOUD_PORT": str(self.port),
            "LOCALCLOUD_ACCOUNT": self.account,
            "LOCALCLOUD_REGION": self.region,
            "LOCALCLOUD_STATE": str(self.state),
            "LOCALCLOUD_DOCKER": "1" if self.docker else "0",
            "LOCALCLOUD_SUBNET": self.subnet,
            "LOCALCLOUD_BUILD_VARIABLES": json.dumps(dict(self.build_variables)),
            "LOCALCLOUD_FUNCTION_VARIABLES": json.dumps(dict(self.function_variables)),
            "LOCALCLOUD_EXTENSIONS": ",".join(self.extensions),
            "LOCALCLOUD_EXTENSIONS_FROM": str(self.extensions_from or ""),
            "LOCALCLOUD_COMMAND": self.command,
        }


def current(default: Settings | None = None) -> Settings:
    """Returns the settings of this process: the defaults, overridden by ``LOCALCLOUD_*`` variables.

    Raises:
        SettingsError: if a variable has no usable value.
    """
    default = default or Settings()
    return Settings(
        port=_number("LOCALCLOUD_PORT", default.port),
        account=os.environ.get("LOCALCLOUD_ACCOUNT", default.account),
        region=os.environ.get("LOCALCLOUD_REGION", default.region),
        state=Path(os.environ.get("LOCALCLOUD_STATE", default.state)).absolute(),
        docker=_switch("LOCALCLOUD_DOCKER", on=default.docker),
        subnet=os.environ.get("LOCALCLOUD_SUBNET", default.subnet),
        build_variables=_texts("LOCALCLOUD_BUILD_VARIABLES", default.build_variables),
        function_variables=_texts("LOCALCLOUD_FUNCTION_VARIABLES", default.function_variables),
        extensions=_names("LOCALCLOUD_EXTENSIONS", default.extensions),
        extensions_from=_folder("LOCALCLOUD_EXTENSIONS_FROM", default.extensions_from),
        command=os.environ.get("LOCALCLOUD_COMMAND", default.command),
    )


def _number(variable: str, default: int) -> int:
    text = os.environ.get(variable, str(default))
    if not text.isdecimal():
        raise SettingsError(f"{variable} is {text!r}: write a number, such as {default}.")
    return int(text)


def _switch(variable: str, *, on: bool) -> bool:
    text = os.environ.get(variable)
    if text is None:
        return on
    if text not in _SWITCH:
        raise SettingsError(f"{variable} is {text!r}: write 1 or 0.")
    return _SWITCH[text]


def _texts(variable: str, default: Mapping[str, str]) -> Mapping[str, str]:
    text = os.environ.get(variable)
    if not text:
        return default
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise SettingsError(f"""{variable} is {text!r}: write a JSON object of texts, such as {{"NAME": "value"}}.""")
    return values


def _names(variable: str, default: tuple[str, ...]) -> tuple[str, ...]:
    text = os.environ.get(variable)
    return default if text is None else tuple(name for name in text.split(",") if name)


def _folder(variable: str, default: Path | None) -> Path | None:
    text = os.environ.get(variable)
    return default if text is None else Path(text) if text else None
