"""The part of a manifest that releases to hosts use: in the pipeline's function, in its build, and by hand."""

from __future__ import annotations

from typing import Any

from products import host_files, names
from products.model import Product


def settings(product: Product, environment: str) -> dict[str, Any]:
    """Returns the settings of the function deploy_hosts that do not depend on a release or on a pipeline."""
    target = product.environments[environment]
    if target.kubernetes and target.kubernetes.cluster == "eks":
        return {
            "stack": names.stack(environment, product.name, target.target),
            "cluster": names.prefix(environment, product.name),
            "log_group": names.commands_log_group(environment, product.name),
            "artifact": "Manifests",
        }
    return {
        "stack": names.stack(environment, product.name, target.target),
        "document": names.release_document(environment, product.name),
        "tags": names.host_tags(environment, product.name),
        "expected": target.machines.count if target.machines else 1,
        "log_group": names.commands_log_group(environment, product.name),
        **({"artifact": "Manifests"} if target.target == "kubernetes" else {}),
    }


def expected(product: Product) -> dict[str, Any]:
    """Returns what the build of the bundle is told: the files and variables of each environment on hosts."""
    compose = product.compose
    return {
        "environments": {name: _files(product, name) for name in product.on_hosts()},
        "include": list(compose.include) if compose else [],
        "profiles": list(compose.profiles) if compose else [],
        "proxy": {"service": compose.proxy.service, "port": compose.proxy.port} if compose else None,
        "images": {image: host_files.image_variable(image) for image in product.images},
        "migration": host_files.migration_service(product),
    }


def _files(product: Product, environment: str) -> dict[str, Any]:
    """Returns the compose files of an environment, and the variables of each file that its hosts get."""
    files = {name: list(variables) for name, variables in host_files.files(product, environment).items()}
    return {
        "files": [host_files.named(file, environment) for file in product.compose.files] if product.compose else [],
        "variables": files.pop(host_files.ROOT_FILE),
        "env_files": files,
    }
