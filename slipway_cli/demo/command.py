"""`slipway demo`: deploys, releases and serves a product on the local cloud of this checkout."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.github.publish import Published
from localcloud.github.repositories import GitError
from products import Product, host_files, kubernetes_files
from products.errors import nearest
from slipway_cli import cloud
from slipway_cli.demo import builds, options, repository
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
    folder = _checkout(product, source)
    chosen = dataclasses.replace(cloud.chosen(), account=product.tooling.account, region=product.tooling.region)
    extras = options.read(folder)
    builds.write(chosen, product, extras.build_args)
    progress = Progress()
    demo = Demo(
        settings=chosen,
        product=product,
        source=folder,
        environments=wanted,
        progress=progress,
        containers=chosen.docker and has_docker(),
        options=extras,
    )
    _say(f"local cloud, account {chosen.account}, {chosen.region}")
    try:
        with progress.shown():
            urls = demo.run()
            published = demo.published()
    except KeyboardInterrupt:
        _say(f"\nInterrupted. To continue: {again()}. To remove everything: {command('local down')}.")
        return 130
    except _FAILURES as error:
        _say(f"\nThe demo stopped: {error}\n\nLogs: {shown(chosen.run)}")
        _say(f"To continue: {again()}   To start over: {command('local reset')}, then {again()}")
        return 1
    _farewell(demo, product, urls, published)
    return 0


def _checkout(product: Product, source: Path | None) -> Path:
    """Returns the folder of the product's checkout.

    Raises:
        CommandError: if it does not exist, or lacks the Dockerfile of an image.
    """
    folder = (source or default_source(product.name)).resolve()
    again = command("demo", product.name, source="FOLDER")
    if not folder.is_dir():
        why = "does not exist" if source else "is not in this repository: its checkout is elsewhere"
        raise usage(f"the source folder of {product.name} {why}: {folder}", again)
    for name, image in product.images.items():
        path = Path(image.context) / image.dockerfile
        if not (folder / path).is_file():
            raise usage(
                f"{folder} has no {path}, the Dockerfile of images.{name} in products/{product.name}.yaml; correct "
                f"images.{name}.context or images.{name}.dockerfile there, or give another folder",
                again,
            )
    return folder


def _farewell(demo: Demo, product: Product, urls: dict[str, str], published: Published | None) -> None:
    """Print the product's addresses and what to do next."""
    _say("")
    for name, url in urls.items():
        _say(f"{name:<12} {url}/")
    if published:
        _say(f"{'pipelines':<12} {demo.settings.console_url}?region={product.tooling.region}")
        _say(f"{'GitHub':<12} {published.url.removesuffix('.git')}")
    if not demo.containers:
        _say("\nNo Docker daemon answers, so images, database, cache and containers do not run: the pages are served,")
        _say(f"their API is not. Start Docker, then type {again()}")
    _say("\nNext:")
    for line, meaning in _next(demo, product, published):
        _say(f"  {line}" + (f"\n      {meaning}" if meaning else ""))
    _say(f"\n{command('local status')} shows what runs, {command('local down')} stops it.")
    _summary(demo.progress)


def _next(demo: Demo, product: Product, published: Published | None) -> list[tuple[str, str]]:
    """Returns the commands to type after the demo, each with its meaning."""
    newest = next(reversed(demo.environments))
    service = _watched(product, newest)
    watched = [(command("logs", newest, service, follow=True), f"prints the log of the service {service}")]
    if published is None:
        return watched
    clone, branch = shown(published.clone), repository.branch(product)
    commit = f"git -C {clone} commit --all --message 'Try the pipeline'"
    return [
        (command("status"), "shows the pipelines, and what to type next"),
        (f"{commit} && git -C {clone} push origin {branch}", f"pushes a change that you made in {clone}"),
        (command("follow"), "prints the run that the push started, until it ends or waits for your approval"),
        *([(command("approve"), f"approves the release to {newest}")] if product.environments[newest].approval else []),
        (command("rollback", newest, to="RELEASE"), "deploys an earlier release; a wrong RELEASE lists the known ones"),
        *watched,
    ]


def _watched(product: Product, environment: str) -> str:
    """Returns the service of an environment whose log a reader wants to see first."""
    if environment in product.on_kubernetes():
        return kubernetes_files.settings(product, environment).deployment
    return host_files.entrance(product).service if environment in product.on_hosts() else next(iter(product.services))


def _summary(progress: Progress) -> None:
    """Print the total time and the slowest steps."""
    total = max(step.started + step.seconds for step in progress.steps) - progress.steps[0].started
    slowest = sorted(progress.steps, key=lambda step: -step.seconds)[:5]
    _say(f"\n{total:.0f} s in total; slowest: " + ", ".join(f"{step.title} {step.seconds:.0f} s" for step in slowest))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the user reads it
