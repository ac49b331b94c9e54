"""Lambda: the properties MiniStack drops, an environment of the function's own, and a way without an image.

With Docker a function runs in the image of its runtime. If that image is not on this machine, or without Docker, it
runs as a process of this machine's Python or Node: same credentials, same logs, but no layers below `/opt` and the
Python version of the local cloud.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from docker.errors import DockerException
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local import adapter, settings, trust
from local.resources import completion

SYMBOLS: tuple[str, ...] = (
    *completion.SYMBOLS,
    "ministack.core.lambda_runtime:os",
    "ministack.services.lambda_svc:_docker_image_for_runtime",
    "ministack.services.lambda_svc:_execute_function_docker",
    "ministack.services.lambda_svc:_execute_function_warm",
    "ministack.services.lambda_svc:_get_docker_client",
    "ministack.services.lambda_svc:os",
)

FUNCTION = "AWS::Lambda::Function"
_REFUSED = ("CodeSigningConfigArn", "FileSystemConfigs", "FunctionScalingConfig", "TenancyConfig")

# --- the environment -------------------------------------------------------------------------------------------------

# What a function's process inherits of the server's environment; all else is the server's own business.
_INHERITED = {
    "PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TZ",
    "SSL_CERT_FILE",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_EC2_METADATA_DISABLED",
}


class Inherited(Mapping[str, str]):
    """The server's environment, of which a copy holds only what functions may see."""

    def __getitem__(self, name: str) -> str:
        return os.environ[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in os.environ if name in _INHERITED)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class GuardedOs:
    """The `os` module as MiniStack's Lambda sees it."""

    def __init__(self) -> None:
        self.environ = Inherited()

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


# --- without an image ------------------------------------------------------------------------------------------------

_present: set[str] = set()


def has_image(runtime: str) -> bool:
    """Whether the image of a runtime is on this machine."""
    image = lambda_svc._docker_image_for_runtime(runtime)
    client = lambda_svc._get_docker_client()
    if not image or client is None:
        return False
    if image not in _present:
        try:
            client.images.get(image)
        except DockerException:
            return False
        _present.add(image)
    return True


def _placed(function: Mapping[str, Any]) -> Mapping[str, Any]:
    """The function, told where GitHub, the console and the sites are here; its own variables win."""
    chosen = settings.current()
    here = {
        "CA_PEM": trust.database_authority(),
        "GITHUB_API_URL": chosen.github_api,
        "RESOLVE": f"*.localhost={chosen.relay_address if chosen.docker else '127.0.0.1'}",
        "RUN_URL": chosen.run_url("{pipeline}", "{execution}", "{region}"),
    }
    config = function.get("config") or function
    own = (config.get("Environment") or {}).get("Variables") or {}
    placed = {**config, "Environment": {"Variables": {**here, **own}}}
    return {**function, "config": placed} if "config" in function else placed


def _placing(plain: Any) -> Any:
    return lambda function, event, request_id: plain(_placed(function), event, request_id)


def _falling_back(plain: Any) -> Any:
    def execute(function: Mapping[str, Any], event: Any, request_id: str) -> Any:
        config = function.get("config") or function
        runtime = str(config.get("Runtime", ""))
        here = config.get("PackageType") != "Image" and runtime.startswith(("python", "nodejs"))
        if here and not has_image(runtime):
            return lambda_svc._execute_function_warm(function, event, request_id)
        return plain(function, event, request_id)

    return execute


_STARTED = re.compile(r"^START RequestId: (\S+)", re.MULTILINE)


def _with_one_id(plain: Any) -> Any:
    """A call's id is also the one of its log: the image of the runtime makes up another one."""

    def execute(function: Mapping[str, Any], event: Any, request_id: str) -> Any:
        result = plain(function, event, request_id)
        if isinstance(result, dict) and (started := _STARTED.search(str(result.get("log") or ""))):
            result = {**result, "log": result["log"].replace(started[1], request_id)}
        return result

    return execute


# --- properties ------------------------------------------------------------------------------------------------------


def _configured(member: str, empty: Any) -> completion.Setter:
    def put(name: str, value: Any, _props: adapter.Props) -> None:
        wanted = {"FunctionName": name, member: value if value else empty}
        adapter.call(
            "lambda", "update_function_configuration", wanted, ignore={"VpcConfig.SecurityGroupReferencingEnabled"}
        )

    return put


def _concurrency(name: str, value: Any, _props: adapter.Props) -> None:
    client = adapter.client("lambda")
    if value is None:
        client.delete_function_concurrency(FunctionName=name)
    else:
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=int(value))


def install() -> None:
    """Correct the executor and complete the function."""
    lambda_runtime.os = GuardedOs()
    lambda_svc.os = GuardedOs()
    lambda_svc._execute_function_warm = _placing(lambda_svc._execute_function_warm)
    lambda_svc._execute_function_docker = _falling_back(_placing(_with_one_id(lambda_svc._execute_function_docker)))
    setters: dict[str, completion.Setter] = {
        "VpcConfig": _configured("VpcConfig", {"SubnetIds": [], "SecurityGroupIds": []}),
        "DeadLetterConfig": _configured("DeadLetterConfig", {"TargetArn": ""}),
        "KmsKeyArn": _configured("KMSKeyArn", ""),
        "ReservedConcurrentExecutions": _concurrency,
    }
    completion.complete(FUNCTION, setters, refused=_REFUSED)
