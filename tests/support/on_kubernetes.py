"""A product with manifests for Kubernetes: a copy of its manifest with changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from products import Product
from products.loader import validated
from tests.support.on_hosts import data

MANIFEST = """\
name: shop
account: "111122223333"
region: us-east-1
repository: {owner: Shop-Org, name: shop, owner_id: 1, id: 2}
images:
  app: {}
migration: {command: [python, manage.py, migrate], timeout_minutes: 3}
database: {}
cache: null
media: false
secrets: {MAIL_KEY: {name: shop/mail, key: api}}
variables: {LOG_LEVEL: INFO}
pipeline:
  connection: arn:aws:codeconnections:us-east-1:111122223333:connection/0f1e2d3c-0000-4000-8000-000000000000
  verify: {path: /status/}
environments:
  production:
    profile: standard
    target: kubernetes
    kubernetes:
      manifests: [k8s/app-prod.yaml, "k8s/${environment}.yaml"]
      namespace: shop
      deployment: django-app
      container: django-container
      health_path: /health/
      static_paths: [/static/*]
      host: {instance: t4g.large, data_disk_gb: 20}
    variables: {LOG_LEVEL: WARNING, SITE: "https://${site.domain}"}
    edge: {domain: {name: shop.example, hosted_zone_id: Z0SHOP}}
"""
PLACE = "environments/production/kubernetes"


def product(changes: Mapping[str, Any] | None = None) -> Product:
    """Returns the product with manifests."""
    return validated(data(MANIFEST, changes))
