"""Checks of a running product: its services, its pages, and the product's own check."""

from __future__ import annotations

import os
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from products import Product, names
from slipway_cli.release.target import Target
from slipway_cli.release.verify import Answer, get

_REDIRECTS = 5
_CHECK_SECONDS = 300
_TAIL = 25  # the last lines of a failed check that are printed
_REDIRECTED = {301, 302, 303, 307, 308}
_LOOP = """the product redirects to HTTPS although the visitor uses it. Django learns that from the load balancer with
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")"""
_HOST = "the product refuses the name of its own site; allow it, in Django with ALLOWED_HOSTS"


class CheckError(Exception):
    """A check failed; the message has the wrong answer."""


def running(target: Target) -> str:
    """Checks that each service runs as many tasks as it should, or that each host runs."""
    machines = target.product.environments[target.environment].machines
    if machines:
        return _hosts(target, machines.count)
    environment, product = target.environment, target.product
    physical = {names.service(environment, product.name, name): name for name in product.services_in(environment)}
    ecs, cluster = target.client("ecs"), names.cluster(environment, product.name)
    counts = []
    for name, service in physical.items():
        (found,) = ecs.describe_services(cluster=cluster, services=[name])["services"]
        if found["runningCount"] < found["desiredCount"]:
            raise CheckError(f"{name} runs {found['runningCount']} tasks instead of {found['desiredCount']}")
        counts.append(f"{service} {found['runningCount']}")
    return ", ".join(counts)


def _hosts(target: Target, wanted: int) -> str:
    environment, product = target.environment, target.product
    tags = [
        {"Name": f"tag:{key}", "Values": [value]} for key, value in names.host_tags(environment, product.name).items()
    ]
    state = {"Name": "instance-state-name", "Values": ["running"]}
    found = target.client("ec2").describe_instances(Filters=[*tags, state])["Reservations"]
    count = sum(len(part["Instances"]) for part in found)
    if count != wanted:
        raise CheckError(f"{count} hosts run instead of {wanted}")
    return f"{count} host" + "s" * (count != 1)


def pages(product: Product, url: str, *, containers: bool) -> str:
    """Checks that the site and the beginning of each path pattern answer without an error of the server.

    Without containers only the frontends of a product answer.
    """
    found = [site.path for site in product.sites().values()]
    if containers and "/" not in found:
        found.insert(0, "/")
    if containers:
        patterns = [path for service in product.services.values() for path in service.paths]
        found += [path for pattern in patterns if (path := pattern.partition("*")[0]) not in found]
    return ", ".join(f"{path} {_page(url, path).status}" for path in found)


def _page(url: str, path: str) -> Answer:
    """Returns the answer to a path, after its redirects within the site."""
    where, seen = url + path, set[str]()
    answer = get(where)
    while answer.status in _REDIRECTED and len(seen) <= _REDIRECTS:
        seen.add(where)
        next_one = urljoin(where, answer.headers.get("location", ""))
        if urlsplit(next_one).netloc != urlsplit(url).netloc:
            return answer  # to another site
        where = next_one.replace("https://", "http://", 1)
        if where in seen:
            raise CheckError(f"GET {url}{path}: {answer.status} to {next_one}, again and again: {_LOOP}")
        answer = get(where)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or (path == "/" and answer.status == HTTPStatus.BAD_REQUEST):
        hint = f"; {_HOST}" if answer.status == HTTPStatus.BAD_REQUEST else ""
        raise CheckError(f"GET {where}: {answer.status} {answer.body[:200]!r}{hint}")
    return answer


def own(command: tuple[str, ...], source: Path, environment: str, url: str) -> str:
    """Runs the product's own check; returns the lines that it prints. Python is the one that runs Slipway."""
    variables = {**os.environ, "URL": url, "ENVIRONMENT": environment}
    variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{variables.get('PATH', os.defpath)}"
    try:
        done = subprocess.run(
            command, cwd=source, env=variables, capture_output=True, text=True, check=False, timeout=_CHECK_SECONDS
        )
    except OSError as error:
        raise CheckError(f"the product's check cannot run: {error}") from error
    except subprocess.TimeoutExpired:
        raise CheckError(f"the product's check did not end within {_CHECK_SECONDS} seconds") from None
    lines = (done.stdout + done.stderr).splitlines()
    if done.returncode:
        end = "\n".join(lines[-_TAIL:])
        raise CheckError(f"the product's check, {' '.join(command)}, failed with exit code {done.returncode}:\n{end}")
    return ", ".join(done.stdout.splitlines())
