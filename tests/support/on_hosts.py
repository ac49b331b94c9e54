"""A product with compose files, and one with containers, on hosts: copies of their manifests with changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from products import Product
from products.loader import validated

COMPOSE = """\
name: shop
account: "111122223333"
region: us-east-1
repository: {owner: Shop-Org, name: shop, owner_id: 1, id: 2}
images:
  backend: {context: backend}
  web-site: {context: site}
compose:
  files: [docker-compose.yml, "compose.${environment}.yml"]
  profiles: [with-celery]
  proxy: {service: proxy, port: 80}
  env:
    DB_PASSWORD: ${generated.db_password}
    API_URL: https://${site.domain}/api
  env_files:
    .env.docker: {SECRET_KEY: "${secret_key}", STAGE: "${environment}"}
    ".env.${environment}": {VERSION: "${release.version}"}
migration: {image: backend, command: [python, manage.py, migrate], timeout_minutes: 3}
cache: null
media: false
secrets: {MAIL_KEY: {name: shop/mail, key: api}}
variables: {LOG_LEVEL: INFO}
pipeline:
  connection: arn:aws:codeconnections:us-east-1:111122223333:connection/0f1e2d3c-0000-4000-8000-000000000000
  verify: {path: /status/}
environments:
  staging:
    profile: minimal
    target: hosts
    hosts: {count: 1, instance: t4g.small, disk_gb: 30, data_disk_gb: 20}
    edge: {domain: {name: staging.shop.example, hosted_zone_id: Z0SHOP}}
  production:
    profile: standard
    target: hosts
    hosts: {count: 1, instance: t4g.medium, data_disk_gb: 50}
    variables: {LOG_LEVEL: WARNING}
    edge: {domain: {name: shop.example, hosted_zone_id: Z0SHOP}}
"""
CONTAINERS = """\
name: times
account: "111122223333"
region: us-east-1
repository: {owner: times, name: times, owner_id: 3, id: 4}
images:
  backend: {context: backend}
  frontend: {context: frontend}
containers:
  backend: {image: backend, ports: ["8000:8000"], pgpass: true, volumes: ["media:/app/media"], variables: {COSTS: "$5"}}
  frontend: {image: frontend, name: site, ports: ["80:80"], proxy: true, health_path: /health}
migration: {image: backend, command: [python, manage.py, migrate]}
database: {}
cache: null
pipeline:
  connection: arn:aws:codeconnections:us-east-1:111122223333:connection/0f1e2d3c-0000-4000-8000-000000000000
environments:
  production:
    profile: standard
    target: hosts
    hosts: {count: 2}
    edge: {domain: {name: times.example, hosted_zone_id: Z0TIMES}}
"""
REMOVED = object()


def data(text: str = COMPOSE, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns a manifest as data, with values set (or REMOVED) at paths with slashes."""
    found: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
    for path, value in (changes or {}).items():
        *parents, last = path.split("/")
        place = found
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is REMOVED:
            del place[last]
        else:
            place[last] = value
    return found


def compose(changes: Mapping[str, Any] | None = None) -> Product:
    """Returns the product with compose files."""
    return validated(data(COMPOSE, changes))


def containers(changes: Mapping[str, Any] | None = None) -> Product:
    """Returns the product with containers."""
    return validated(data(CONTAINERS, changes))
