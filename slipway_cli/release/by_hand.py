"""`slipway release`: a manual release from a checkout of the product."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from slipway_cli.errors import usage
from slipway_cli.release.flow import Build, applier, prove, publish, release
from slipway_cli.release.target import Target

Say = Callable[[str], None]


def arguments(given: list[str]) -> dict[str, str]:
    """Returns build arguments by name.

    Raises:
        CommandError: if an argument has no `=`.
    """
    for argument in given:
        if "=" not in argument:
            raise usage(f"--build-arg {argument} has no value", f"--build-arg {argument}=VALUE")
    return dict(argument.split("=", 1) for argument in given)


def run(
    target: Target, source: Path, build_args: dict[str, str], say: Say, *, native: bool = False, url: str | None = None
) -> None:
    """Build, push, deploy, publish and verify one release."""
    made = Build.of(target.product, source.resolve(), native=native, build_args=build_args)
    say(f"{target.product.name} {made.version} to {target.environment}")
    made.images(say)
    images = made.push(say)
    applied = applier(target, made.version, images, made.bundle(target.environment, say))
    release(applied, say)
    publish(target, made.version, made.sites(say), say)
    prove(applied, url, say)
    say(f"{target.environment} runs {made.version}")
