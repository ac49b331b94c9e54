"""Writes the tables of docs/manifest.md from the model and from products/values.py: `python -m products.reference`.

Everything comes from the model's JSON schema, so a key cannot be added without the page growing; a test fails when
the page is stale. Examples are AllThrive's own values where it has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from paths import MANIFESTS, ROOT
from products import defaults
from products.base import DERIVED
from products.model import Product
from products.values import FAMILIES, REFERENCES

PAGE = ROOT / "docs" / "manifest.md"
BEGIN = "<!-- keys: written by `python -m products.reference`, do not edit below -->"
END = "<!-- end of keys -->"
_REFERENCES = "<!-- references: written by `python -m products.reference`, do not edit below -->"
_REFERENCES_END = "<!-- end of references -->"
_EXAMPLE = MANIFESTS / "allthrive.yaml"

Schema = dict[str, Any]

# Keys whose docstring in the model is empty because the name says it, said in full for the page.
_SAID_BY_THE_NAME = {
    "name": "Product name; the file's name without `.yaml`",
    "description": "For people",
    "repository.name": "Repository",
    "tooling.account": "AWS account of registry, GitHub roles and pipelines; in quotes, it may begin with 0",
    "tooling.region": "Region of the same",
    "images.*.build_secrets.*.name": "The secret's name in Secrets Manager",
    "images.*.candidate_secrets.*.name": "The secret's name in Secrets Manager",
    "pipeline.e2e.directory": "Folder of the repository with the Playwright tests",
    "pipeline.e2e.variables": "What the build `builds/e2e.yml` is told",
    "pipeline.scan.critical": "Critical findings",
    "pipeline.scan.high": "Findings of high severity",
    "pipeline.notifications.emails": "Each must confirm the subscription that AWS sends",
    "services.*.image": "One of `images`",
    "services.*.scaling.maximum": "The most tasks",
    "migration.image": "One of `images`",
    "containers.*.image": "One of `images`",
    "schedules.*.image": "One of `images`",
    "migration.command": "Exec form",
    "migration.timeout_minutes": "After this the migration task is stopped and the release has failed",
    "frontend.directory": "Folder of the repository",
    "database.version": "PostgreSQL version as RDS names it, major or exact",
    "database.name": "Database in the instance",
    "cache.engine": "Engine",
    "cache.version": "Engine version as ElastiCache names it",
    "secrets.*.name": "Name in Secrets Manager of the environment's account",
    "frontend.secrets.*.name": "Name in Secrets Manager of the tooling account",
    "pipeline.checks.*.secrets.*.name": "Name in Secrets Manager of the tooling account",
    "environments.*.account": "AWS account of this environment, in quotes",
    "environments.*.region": "One of those in `products/regions.py`",
    "environments.*.log_retention_days": "How long container logs, handler logs and flow logs stay",
    "environments.*.alarm_emails": "Who is written to; each must confirm the subscription once",
    "environments.*.network.cidr": "Address block of the VPC, /16 to /22; must not overlap what it is ever peered with",
    "environments.*.network.zones": "Availability zones",
    "environments.*.network.nat": (
        "How containers reach the internet; `none`: not at all, and interface endpoints lead to the AWS services"
    ),
    "environments.*.database.instance": "Instance class",
    "environments.*.database.storage_gb": "gp3 storage at the start",
    "environments.*.database.multi_az": "A standby in another zone, taken over to by itself",
    "environments.*.cache.node": "Node type",
    "environments.*.cache.snapshot_days": "Days a daily snapshot stays; 0: none are made",
    "environments.*.services.*.count": "Overrides the product's `count`",
    "environments.*.services.*.size": "Overrides the product's `size`",
    "environments.*.services.*.scaling": "Overrides the product's `scaling`, as a whole",
    "environments.*.edge.domain.name": "Full name, e.g. of a subdomain",
    "environments.*.edge.price_class": "Which edge locations answer: docs.aws.amazon.com, CloudFront price classes",
}
# For keys that AllThrive does not use.
_EXAMPLES = {
    "repository.branch": "main",
    "repository.subject_formats": "[ids]",
    "tooling.oidc_provider": "existing",
    "images.*.context": "backend",
    "images.*.target": "production",
    "images.*.build_args": "{PYTHON: '3.13', VERSION: '{version}'}",
    "images.*.candidate_secrets": "{npm_token: {name: shop/candidates, key: npm_token}}",
    "images.*.keep_snapshots": "100",
    "services.*.health_command": "[python, healthcheck.py]",
    "migration.timeout_minutes": "60",
    "schedules.*.image": "backend",
    "schedules.*.command": "[python, manage.py, clearsessions]",
    "schedules.*.cron": "0 3 * * *",
    "schedules.*.rate": "15 minutes",
    "schedules.*.timezone": "Europe/Berlin",
    "schedules.*.size": "{cpu: 256, memory: 512}",
    "services.*.health_check": "{status: '200-399', interval_seconds: 20}",
    "services.*.health_check.interval_seconds": "20",
    "services.*.health_check.timeout_seconds": "10",
    "services.*.health_check.grace_seconds": "180",
    "frontends": "{shop: {directory: shop}, admin: {directory: admin, path: /admin/}}",
    "frontend.path": "/admin/",
    "frontend.file_endings": "[glb]",
    "frontend.install": "pnpm install",
    "frontend.build": "pnpm build",
    "frontend.output": "build",
    "frontend.variables": "{VITE_TITLE: Shop}",
    "frontend.secrets": "{NPM_TOKEN: {name: shop/npm}}",
    "pipeline.checks.*.secrets": "{PIP_INDEX_URL: {name: shop/pypi}}",
    "frontend.keep_releases": "10",
    "database.user": "shop",
    "database.tls": "require",
    "default_variables": "false",
    "services.*.variables": "{CELERY_BROKER_URL: '${cache.url}/1'}",
    "schedules.*.variables": "{CLEAR_AFTER_DAYS: '14'}",
    "migration.variables": "{STATEMENT_TIMEOUT: '0'}",
    "secrets": "{STRIPE_KEY: {name: allthrive/stripe, key: secret}}",
    "secrets.*.name": "allthrive/stripe",
    "secrets.*.key": "secret",
    "migration.service": "backend",
    "compose.files": '[docker-compose.yml, "compose.${environment}.yml"]',
    "compose.include": "[nginx]",
    "compose.profiles": "[with-celery]",
    "compose.env": "{DB_PASSWORD: '${generated.db_password}'}",
    "compose.env_files": "{.env.docker: {DEBUG: 'false'}}",
    "compose.proxy.service": "proxy",
    "compose.proxy.port": "80",
    "compose.proxy.health_path": "/nginx-health",
    "compose.proxy.static_paths": "[/static/*]",
    "containers.*.image": "backend",
    "containers.*.name": "dev-app",
    "containers.*.ports": "['8080:8000']",
    "containers.*.command": "[gunicorn, config.wsgi]",
    "containers.*.variables": "{LOG_LEVEL: INFO}",
    "containers.*.volumes": "['media:/app/media']",
    "containers.*.pgpass": "true",
    "containers.*.proxy": "true",
    "containers.*.health_path": "/api/v1/health/",
    "environments.*.hosts": "{count: 1, data_disk_gb: 20}",
    "environments.*.hosts.count": "2",
    "environments.*.hosts.instance": "t4g.medium",
    "environments.*.hosts.disk_gb": "50",
    "environments.*.hosts.data_disk_gb": "20",
    "environments.*.kubernetes": "{manifests: [k8s/app.yaml], deployment: app, container: app}",
    "environments.*.kubernetes.cluster": "microk8s",
    "environments.*.kubernetes.manifests": "[k8s/app-prod.yaml]",
    "environments.*.kubernetes.namespace": "shop",
    "environments.*.kubernetes.image": "app",
    "environments.*.kubernetes.service_port": "8000",
    "environments.*.kubernetes.health_path": "/health/",
    "environments.*.kubernetes.static_paths": "[/static/*]",
    "environments.*.kubernetes.rollout_seconds": "600",
    "environments.*.kubernetes.eks": "{most_vcpus: 16}",
    "environments.*.kubernetes.eks.version": "'1.34'",
    "environments.*.kubernetes.eks.most_vcpus": "16",
    "environments.*.kubernetes.eks.service_account": "shop",
    "environments.*.kubernetes.host": "{instance: t4g.large, data_disk_gb: 20}",
    "environments.*.kubernetes.host.instance": "t4g.large",
    "environments.*.kubernetes.host.disk_gb": "50",
    "environments.*.kubernetes.host.data_disk_gb": "20",
    "environments.*.target": "hosts",
    "environments.*.architecture": "x86_64",
    "environments.*.variables": "{LOG_LEVEL: DEBUG}",
    "environments.*.services.*.size": "{cpu: 1024, memory: 2048}",
    "environments.*.network.zone_letters": "bcd",
    "environments.*.network.internet_ports": "[443, 587]",
    "environments.*.edge.domain": "{name: app.example.org, hosted_zone_id: Z0123456789ABC}",
    "environments.*.edge.domain.name": "app.example.org",
    "environments.*.edge.domain.hosted_zone_id": "Z0123456789ABC",
    "environments.*.edge.domain.certificate_arn": "arn:aws:acm:us-east-1:111122223333:certificate/…",
    "environments.*.edge.waf_requests_per_5_minutes": "5000",
    "environments.*.edge.price_class": "all",
    "environments.*.edge.content_security_policy": "default-src 'self'",
}
_LONG = 60  # characters of a default or an example that still fit into a table


def tables() -> str:
    """All keys of a manifest as Markdown: one table for the product, one for each section."""
    schema = Product.model_json_schema()
    example = defaults.completed(yaml.safe_load(_EXAMPLE.read_text(encoding="utf-8"))).data
    lines: list[str] = []
    for place, section in _sections(schema, schema, ""):
        lines += [
            f"### {_shown(place) or 'The product'}",
            "",
            *_prose(section),
            "| key | write | default | example | meaning |",
        ]
        lines += ["|---|---|---|---|---|"]
        for key, value in section["properties"].items():
            where = f"{place}.{key}" if place else key
            required = key in section.get("required", ())
            lines.append(_row(schema, where, key, value, required=required, example=example))
        lines.append("")
    return "\n".join(lines).rstrip()


def page(current: str) -> str:
    """The page with its tables renewed."""
    for begin, end, text in ((BEGIN, END, tables()), (_REFERENCES, _REFERENCES_END, references())):
        head, _, rest = current.partition(begin)
        _, _, tail = rest.partition(end)
        current = f"{head}{begin}\n\n{text}\n\n{end}{tail}"
    return current


def references() -> str:
    """All references as a Markdown table."""
    rows = [
        f"| `{reference}` | {reference.meaning}{' (on hosts)' if reference.on_hosts else ''} "
        f"| {'secret' if reference.secret else 'plain'} |"
        for reference in (*REFERENCES.values(), *FAMILIES.values())
    ]
    return "\n".join(["| reference | value | the variable is |", "|---|---|---|", *rows])


def main() -> None:
    """Renew docs/manifest.md."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def _sections(root: Schema, schema: Schema, place: str) -> Iterator[tuple[str, Schema]]:
    """A section and those inside it, each with its place, e.g. environments.*.database."""
    yield place, schema
    for key, value in schema["properties"].items():
        where = f"{place}.{key}" if place else key
        inner, star = _model(root, value)
        # Size and Scaling stand under services already; an environment's override has the same keys.
        if inner and where != "frontends" and not where.startswith("environments.*.services.*."):
            yield from _sections(root, inner, f"{where}.*" if star else where)


def _model(root: Schema, value: Schema) -> tuple[Schema | None, bool]:
    """The section a key holds, and whether under names of the user's choice."""
    for option in value.get("anyOf", [value]):
        if "$ref" in option:
            return root["$defs"][option["$ref"].rpartition("/")[2]], False
        for more in (option.get("additionalProperties"), *option.get("patternProperties", {}).values()):
            if isinstance(more, dict) and "$ref" in more:
                return root["$defs"][more["$ref"].rpartition("/")[2]], True
    return None, False


def _prose(section: Schema) -> list[str]:
    text = section.get("description", "")
    return [text.replace("\n", " "), ""] if text else []


def _row(root: Schema, where: str, key: str, value: Schema, *, required: bool, example: Any) -> str:
    inner, star = _model(root, value)
    meaning = value.get("description") or _SAID_BY_THE_NAME.get(where) or (inner or {}).get("description", "")
    if not meaning:
        raise LookupError(f"{where}: no docstring for this key in products/")
    write = (
        ("names with " if star else "") + f"[{_shown(where)}](#{_anchor(where, star=star)})" if inner else _type(value)
    )
    if where == "frontends":
        write = "names with keys as in [frontend](#frontend)"
    if where.startswith("environments.*.services.*.") and inner:
        write = f"as [services.NAME.{key}](#servicesname{key})"
    default = value.get(DERIVED) or ("**required**" if required else _default(value))
    shown = _EXAMPLES.get(where) or _flow(_found(example, where.split(".")))
    cells = (f"`{key}`", write, default, f"`{shown}`" if shown else "", meaning.replace("\n", " ").removesuffix("."))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _shown(where: str) -> str:
    return where.replace("*", "NAME")


def _anchor(where: str, *, star: bool) -> str:
    return _shown(f"{where}.*" if star else where).replace(".", "").lower()


def _type(value: Schema) -> str:
    options = [option for option in value.get("anyOf", [value]) if option.get("type") != "null"]
    return " or ".join(_one_type(option) for option in options)


def _one_type(value: Schema) -> str:
    choices = [value["const"]] if "const" in value else value.get("enum")
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    if "$ref" in value:
        return "keys"
    if value.get("type") == "array":
        return f"list of {_one_type(value.get('items') or value['prefixItems'][0])}"
    plain = {"object": "names and values", "boolean": "`true`, `false`", "integer": f"whole number{_range(value)}"}
    return plain.get(value.get("type", ""), "text")


def _range(value: Schema) -> str:
    low = value["exclusiveMinimum"] + 1 if "exclusiveMinimum" in value else value.get("minimum")
    high = value.get("maximum")
    if low is None:
        return ""
    return f", {low} to {high}" if high is not None else f", {low} or more"


def _default(value: Schema) -> str:
    default = value.get("default")
    if default in (None, "", [], {}):
        return "none"
    if isinstance(default, dict):
        return "its keys' defaults"
    return f"`{_flow(default)}`"


def _found(data: Any, path: list[str]) -> Any:
    """The first value at a path, where `*` stands for any name."""
    if not path:
        return data
    if not isinstance(data, dict):
        return None
    keys = list(data) if path[0] == "*" else [path[0]]
    return next((got for key in keys if (got := _found(data.get(key), path[1:])) is not None), None)


def _flow(value: Any) -> str:
    if value is None:
        return ""
    text = (
        yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
        .strip()
        .removesuffix("...")
        .strip()
    )
    return text if len(text) <= _LONG else "" if isinstance(value, dict) else f"{text[: _LONG - 1]}…"


if __name__ == "__main__":
    main()
