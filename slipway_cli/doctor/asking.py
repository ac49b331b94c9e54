"""Asks AWS all questions about a place at once, and turns what AWS refuses into findings."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from slipway_cli.doctor.model import Finding, unknown
from slipway_cli.doctor.permissions import ACTIONS
from slipway_cli.doctor.scene import Check, Scene
from slipway_cli.operate.errors import DENIED, code, message_of, passing, unusable
from slipway_cli.texts import plain

_AT_ONCE = 8


def ask(scene: Scene, checks: Iterable[Check]) -> list[Finding]:
    """Returns the findings of all checks, in their order.

    Raises:
        ClientError: if AWS does not accept the credentials.
        BotoCoreError: if there are no credentials any more.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = [pool.submit(_answered, scene, check) for check in checks]
        return [finding for answer in answers for finding in answer.result()]


def _answered(scene: Scene, check: Check) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check.ask(scene))
    except ClientError as error:
        if unusable(error):
            raise
        found.append(_refused(check, error))
    except BotoCoreError as error:
        if not passing(error):
            raise
        found.append(_unanswered(check, error))
    except OSError as error:  # the download of an image's configuration
        found.append(_unanswered(check, error))
    return found


def _unanswered(check: Check, error: Exception) -> Finding:
    return unknown(check.name, f"AWS does not answer: {plain(error)}")


def _refused(check: Check, error: ClientError) -> Finding:
    if code(error).isdigit():  # no answer of the API, but of what is in front of it, perhaps a page of HTML
        return unknown(check.name, f"{error.operation_name} was answered with HTTP status {code(error)}")
    if code(error) not in DENIED:
        return unknown(check.name, f"AWS refused {error.operation_name} with {code(error)}: {message_of(error)}")
    action = next((action for action in ACTIONS if action.partition(":")[2] == error.operation_name), "")
    action = next((action for action in ACTIONS if action in message_of(error)), action)
    return unknown(check.name, f"needs the action {action or error.operation_name}")
