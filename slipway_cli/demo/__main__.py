"""`python -m slipway_cli.demo`: what `make demo` calls."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import build_variables
from localcloud.github.publish import Published
from localcloud.github.repositories import GitError
from paths import ROOT
from products import ManifestError, Product, load, names
from slipway_cli import cloud
from slipway_cli.demo import builds
from slipway_cli.demo.checks import CheckError
from slipway_cli.demo.infrastructure import CdkError
from slipway_cli.demo.progress import Progress
from slipway_cli.demo.run import Demo, DemoError, default_source, has_docker
from slipway_cli.release.errors import ReleaseError

_FAILURES = (DemoError, GitError, CdkError, ReleaseError, CheckError, ClientError, BotoCoreError, OSError)


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        product = load(options.product)
    except ManifestError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the user reads it
        return 2
    chosen = dataclasses.replace(cloud.chosen(), account=product.tooling.account, region=product.tooling.region)
    build_variables.write(chosen, builds.variables())
    progress = Progress()
    demo = Demo(
        settings=chosen,
        product=product,
        source=(options.source or default_source(product.name)).resolve(),
        environments=tuple(options.environment or product.environments),
        progress=progress,
        containers=chosen.docker and has_docker(),
    )
    try:
        with progress.shown():
            urls = demo.run()
            published = demo.published()
    except KeyboardInterrupt:
        _say("\nInterrupted. Nothing is lost: type make demo to go on, make local-down to remove everything.")
        return 130
    except _FAILURES as error:
        _say(
            f"\nThe demo stopped: {error}\n\nLogs: {chosen.run}\nGo on: make demo   Start afresh: make local-reset demo"
        )
        return 1
    _farewell(demo, product, urls)
    if published:
        _invite(published, product)
    _summary(demo.progress)
    return 0


def _farewell(demo: Demo, product: Product, urls: dict[str, str]) -> None:
    _say("")
    for name, url in urls.items():
        _say(f"{name:<12} {url}/")
    if not demo.containers:
        _say("\nNo Docker daemon answered: images, database, cache and containers are only recorded, so the pages are")
        _say("served but their API is not. Start Docker and type make demo again.")
    newest = next(reversed(urls))
    log_group = names.log_group(newest, product.name, next(iter(product.services)))
    cluster = names.cluster(newest, product.name)
    service = names.service(newest, product.name, next(iter(product.services)))
    _say("\nNext:")
    _say(f"  source {demo.settings.state / 'local.env'}")
    _say(f"  aws ecs describe-services --cluster {cluster} --services {service} --query 'services[0].deployments'")
    _say(f"  aws logs tail {log_group} --follow")
    _say("\nmake local-status shows what runs, make local-down ends it.")


def _invite(published: Published, product: Product) -> None:
    """What to type to see a push go through the pipeline."""
    _say("\nA push runs the whole pipeline. Change something, and:")
    _say(f"  cd {published.clone}")
    _say(f"  git commit --all --message 'Try the pipeline' && git push origin {product.repository.branch}")
    _say(f"  make status      in {ROOT}; make approve when it asks")
    _say(f"\nGitHub       {published.url.removesuffix('.git')}")
    _say(f"Console      {cloud.chosen().console_url}?region={product.tooling.region}")


def _summary(progress: Progress) -> None:
    """Where the time went."""
    total = max(step.started + step.seconds for step in progress.steps) - progress.steps[0].started
    slowest = sorted(progress.steps, key=lambda step: -step.seconds)[:5]
    _say(f"\n{total:.0f} s in all; longest: " + ", ".join(f"{step.title} {step.seconds:.0f} s" for step in slowest))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the demo's own words


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make demo", description="Deploy and release a product on the local cloud.")
    parser.add_argument("--product", default="allthrive")
    parser.add_argument("--source", type=Path, help="the product's checkout; by default its example")
    parser.add_argument("--environment", action="append", help="only this one; may be given twice")
    return parser


if __name__ == "__main__":
    sys.exit(main())
