"""Lambda: properties that MiniStack ignores, each function's own environment and credentials, a mode without Docker.

With Docker a function runs only in the image of its runtime; if the image is missing, the error names it. Without
Docker it runs as a process of this machine's Python or Node, with the same credentials and logs, but without layers in
`/opt` and with the local cloud's Python version.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from string import Template
from typing import Any

from docker.errors import DockerException
from ministack.core import lambda_runtime
from ministack.services import lambda_svc, sts

from localcloud import adapter, certificate_authorities, containers, settings, symbols
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = (
    *completion.SYMBOLS,
    "ministack.core.lambda_runtime:_account_region_from_function_config",
    "ministack.core.lambda_runtime:execution_credentials",
    "ministack.core.lambda_runtime:os",
    "ministack.services.lambda_svc:_docker_image_for_runtime",
    "ministack.services.lambda_svc:_execute_function_docker",
    "ministack.services.lambda_svc:_execute_function_warm",
    "ministack.services.sts:register_session",
    "ministack.services.lambda_svc:_get_docker_client",
    "ministack.services.lambda_svc:os",
)

FUNCTION = "AWS::Lambda::Function"
_REFUSED = ("CodeSigningConfigArn", "FileSystemConfigs", "FunctionScalingConfig", "TenancyConfig")

# --- the environment -------------------------------------------------------------------------------------------------

# The server's environment variables that a function's process inherits.
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
    """The server's environment; a copy contains only the variables that functions inherit."""

    def __getitem__(self, name: str) -> str:
        return os.environ[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in os.environ if name in _INHERITED)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class GuardedOs:
    """Replaces the `os` module in MiniStack's Lambda."""

    def __init__(self) -> None:
        self.environ = Inherited()

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


# --- credentials ------------------------------------------------------------------------------------------------------

_credentials: dict[tuple[str, str], dict[str, str]] = {}


def _own_credentials(config: Mapping[str, Any]) -> dict[str, str]:
    """Returns random credentials of a function's role; MiniStack's could be computed from the function's name."""
    account, _region = lambda_runtime._account_region_from_function_config(config)
    role, name = str(config.get("Role", "")), str(config.get("FunctionName", "function"))[:64]
    created = {
        "AWS_ACCESS_KEY_ID": f"ASIA{secrets.token_hex(8).upper()}",
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
        "AWS_SESSION_TOKEN": secrets.token_hex(64),
    }
    own = _credentials.setdefault((str(config.get("FunctionArn", "")), role), created)
    role_name = role.rsplit("/", 1)[-1]
    session = {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{name}",
        "UserId": f"{role_name}:{name}",
        "SecretAccessKey": own["AWS_SECRET_ACCESS_KEY"],
        "SessionToken": own["AWS_SESSION_TOKEN"],
    }
    sts.register_session(own["AWS_ACCESS_KEY_ID"], session)
    return dict(own)


# --- the image of the runtime ----------------------------------------------------------------------------------------

_present: set[str] = set()


def missing_image(config: Mapping[str, Any]) -> str:
    """Returns the image of a function's runtime if it can neither be found nor pulled; else an empty string."""
    runtime = str(config.get("Runtime", ""))
    image = None if config.get("PackageType") == "Image" else lambda_svc._docker_image_for_runtime(runtime)
    client = lambda_svc._get_docker_client()
    if not image or client is None or image in _present:
        return ""
    try:
        containers.require(client, image)
    except DockerException:
        return str(image)
    _present.add(image)
    return ""


def _needing_image(original: Any) -> Any:
    def execute(function: Mapping[str, Any], event: Any, request_id: str) -> Any:
        config = function.get("config") or function
        image = missing_image(config)
        if image:
            message = f"the image of runtime {config.get('Runtime')} is not on this machine. Type: docker pull {image}"
            return {
                "body": {"errorMessage": message, "errorType": "Runtime.ImageMissing"},
                "error": True,
                "log": message,
            }
        return original(function, event, request_id)

    return execute


def _variables_of_settings() -> dict[str, str]:
    chosen = settings.current()
    values = {
        "address": chosen.relay_address if chosen.docker else "127.0.0.1",
        "console_url": chosen.console_url,
        "database_authority": certificate_authorities.database_authority(),
        "github_api": chosen.github_api,
    }
    declared = {name: Template(text).safe_substitute(values) for name, text in chosen.function_variables.items()}
    return {"GITHUB_API_URL": chosen.github_api, **declared}


def _with_local_urls(function: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the function with the URL of the local GitHub and the variables of the settings; its own win."""
    local = _variables_of_settings()
    config = function.get("config") or function
    own = (config.get("Environment") or {}).get("Variables") or {}
    changed = {**config, "Environment": {"Variables": {**local, **own}}}
    return {**function, "config": changed} if "config" in function else changed


def _setting_urls(original: Any) -> Any:
    return lambda function, event, request_id: original(_with_local_urls(function), event, request_id)


_STARTED = re.compile(r"^START RequestId: (\S+)", re.MULTILINE)


def _with_request_id(original: Any) -> Any:
    """Use the request ID of the invocation in its log too; the runtime's image generates another one."""

    def execute(function: Mapping[str, Any], event: Any, request_id: str) -> Any:
        result = original(function, event, request_id)
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
    """Correct the execution of functions, and complete `AWS::Lambda::Function`."""
    lambda_runtime.os = GuardedOs()
    lambda_svc.os = GuardedOs()
    symbols.replace_everywhere(lambda_runtime, "execution_credentials", lambda _original: _own_credentials)
    lambda_svc._execute_function_warm = _setting_urls(lambda_svc._execute_function_warm)
    in_docker = _setting_urls(_with_request_id(lambda_svc._execute_function_docker))
    lambda_svc._execute_function_docker = _needing_image(in_docker)
    setters: dict[str, completion.Setter] = {
        "VpcConfig": _configured("VpcConfig", {"SubnetIds": [], "SecurityGroupIds": []}),
        "DeadLetterConfig": _configured("DeadLetterConfig", {"TargetArn": ""}),
        "KmsKeyArn": _configured("KMSKeyArn", ""),
        "ReservedConcurrentExecutions": _concurrency,
    }
    completion.complete(FUNCTION, setters, refused=_REFUSED)
