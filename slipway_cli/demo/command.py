"""`slipway demo`: deploys, releases and serves a product on the local cloud of this checkout."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import build_variables
from localcloud.github.publish import Published
from localcloud.github.repositories import GitError
from products import Product
from products.errors import nearest
from slipway_cli import cloud
from slipway_cli.demo import builds
from slipway_cli.demo.checks import CheckError
from slipway_cli.demo.infrastructure import CdkError
from slipway_cli.demo.progress import Progress
from slipway_cli.demo.run import Demo, DemoError, default_source, has_docker
from slipway_cli.errors import usage
from slipway_cli.release.errors import ReleaseError
from slipway_cli.typed import again, command, shown

_FAILURES = (DemoError, GitError, CdkError, ReleaseError, CheckError, ClientError, BotoCoreError, OSError)


def run(product: Product, source: Path | None, environments: Iterable[str]) -> int:
    """Run the demo; returns the exit code."""
    wanted = tuple(environments) or tuple(product.environments)
    for name in wanted:
        if name not in product.environments:
            close = nearest(name, list(product.environments))
            raise usage(f"no environment '{name}' in {product.name}{close}", command("demo", product.name))
    folder = (source or default_source(product.name)).resolve()
    if not folder.is_dir():
        raise usage(
            f"there is no folder {folder} with {product.name}'s source", command("demo", product.name, source="FOLDER")
        )
    chosen = dataclasses.replace(cloud.chosen(), account=product.tooling.account, region=product.tooling.region)
    build_variables.write(chosen, builds.variables())
    progress = Progress()
    demo = Demo(
        settings=chosen,
        product=product,
        source=folder,
        environments=wanted,
        progress=progress,
        containers=chosen.docker and has_docker(),
    )
    _say(f"local cloud, account {chosen.account}, {chosen.region}")
    try:
        with progress.shown():
            urls = demo.run()
            published = demo.published()
    except KeyboardInterrupt:
        _say(f"\nInterrupted. Nothing is lost: type {again()} to go on, {command('local down')} to remove everything.")
        return 130
    except _FAILURES as error:
        _say(f"\nThe demo stopped: {error}\n\nLogs: {shown(chosen.run)}")
        _say(f"Go on: {again()}   Start afresh: {command('local reset')}, then the same")
        return 1
    _farewell(demo, product, urls, published)
    return 0


def _farewell(demo: Demo, product: Product, urls: dict[str, str], published: Published | None) -> None:
    """Say where the product is, and what to do with it."""
    _say("")
    for name, url in urls.items():
        _say(f"{name:<12} {url}/")
    if published:
        _say(f"{'pipelines':<12} {demo.settings.console_url}?region={product.tooling.region}")
        _say(f"{'GitHub':<12} {published.url.removesuffix('.git')}")
    if not demo.containers:
        _say("\nNo Docker daemon answered: images, database, cache and containers are only recorded, so the pages are")
        _say(f"served but their API is not. Start Docker and type {again()} once more.")
    _say("\nNext:")
    for line, meaning in _next(demo, product, published):
        _say(f"  {line}" + (f"\n      {meaning}" if meaning else ""))
    _say(f"\n{command('local status')} shows what runs, {command('local down')} ends it.")
    _summary(demo.progress)


def _next(demo: Demo, product: Product, published: Published | None) -> list[tuple[str, str]]:
    """The commands to type after the demo, each with what it does."""
    newest, service = next(reversed(demo.environments)), next(iter(product.services))
    watched = [(command("logs", newest, service, follow=True), "the log of the web service")]
    if published is None:
        return watched
    clone, branch = shown(published.clone), product.repository.branch
    commit = f"git -C {clone} commit --all --message 'Try the pipeline'"
    return [
        (command("status"), "the pipelines, and what to type next"),
        (f"{commit} && git -C {clone} push origin {branch}", f"after you changed something in {clone}: a push"),
        (command("follow"), "the run that the push started, until it ends or asks for your approval"),
        (command("approve"), f"lets the release into {newest}"),
        (command("rollback", newest, to="RELEASE"), "deploys an earlier release; a wrong RELEASE lists the known ones"),
        *watched,
    ]


def _summary(progress: Progress) -> None:
    """Where the time went."""
    total = max(step.started + step.seconds for step in progress.steps) - progress.steps[0].started
    slowest = sorted(progress.steps, key=lambda step: -step.seconds)[:5]
    _say(f"\n{total:.0f} s in all; longest: " + ", ".join(f"{step.title} {step.seconds:.0f} s" for step in slowest))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the demo's own words
