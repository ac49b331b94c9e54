"""`python -m slipway_cli.release allthrive staging --source ../allthrive`: one release, by hand."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from products import ManifestError, load
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.flow import Build, prove, publish, release
from slipway_cli.release.target import Target


def main(arguments: list[str] | None = None) -> int:
    """Release; returns the exit code: 0 released, 1 failed, 2 asked wrongly."""
    options = _parser().parse_args(arguments)
    try:
        product = load(options.product)
    except ManifestError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the user reads it
        return 2
    if options.environment not in product.environments:
        known = ", ".join(product.environments)
        print(f"no environment '{options.environment}' in {product.name}; write one of: {known}", file=sys.stderr)  # noqa: T201 - the user reads it
        return 2
    try:
        _release(Target(product, options.environment), options)
    except (ReleaseError, ClientError, BotoCoreError) as error:
        print(f"release failed: {error}", file=sys.stderr)  # noqa: T201 - the user reads it
        return 1
    return 0


def _release(target: Target, options: argparse.Namespace) -> None:
    made = Build.of(
        target.product,
        options.source.resolve(),
        native=options.native,
        build_args=dict(each.split("=", 1) for each in options.build_arg),
    )
    _say(f"{target.product.name} {made.version} to {target.environment}")
    made.images(_say)
    images = made.push(_say)
    release(target, made.version, images, _say)
    publish(target, made.version, made.site(_say), _say)
    prove(target, made.version, images, options.url, _say)
    _say(f"{target.environment} runs {made.version}")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - progress for the user


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m slipway_cli.release", description=__doc__)
    parser.add_argument("product")
    parser.add_argument("environment")
    parser.add_argument("--source", type=Path, required=True, help="the product's checkout")
    parser.add_argument("--url", help="address to verify; by default the one the Edge stack names")
    parser.add_argument("--native", action="store_true", help="build for this machine's architecture")
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
