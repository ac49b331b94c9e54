"""The bundle of certificate authorities (CAs) of the local databases and caches, for containers and for the host.

On AWS a cache has a publicly trusted certificate, and RDS one of an AWS CA. Here MiniStack's local CAs issue both. So
every task gets the local and the public CAs as its default trust store. `PGSSLROOTCERT`, which names the file of RDS's
CAs, is changed to the bundle if it is set, and never added: an image that cannot verify RDS on AWS cannot verify it
here either.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from botocore.httpsession import get_cert_path
from ministack.services import elasticache, rds

from localcloud import settings

SYMBOLS = (
    "ministack.services.elasticache:serverless_ca_cert_pem",
    "ministack.services.rds:pg_ca_cert_pem",
)

IN_CONTAINER = "/etc/localcloud"
FILE = f"{IN_CONTAINER}/ca.pem"
ROOT_CERTIFICATE = "PGSSLROOTCERT"


def folder() -> Path:
    """Returns the folder on the host that is mounted into every task."""
    return settings.current().run / "ca"


def install() -> None:
    """Write the bundle; every server process has new local CAs."""
    folder().mkdir(parents=True, exist_ok=True)
    public = Path(str(get_cert_path(True))).read_text(encoding="utf-8")
    bundle = folder() / "ca.pem"
    bundle.write_text(rds.pg_ca_cert_pem() + elasticache.serverless_ca_cert_pem() + public, encoding="utf-8")
    folder().chmod(0o755)
    bundle.chmod(0o644)  # a task may run as any user


def bind() -> str:
    """Returns the bind mount of the folder."""
    return f"{folder()}:{IN_CONTAINER}:ro"


def database_authority() -> str:
    """Returns the CA of the databases, for functions: on AWS their runtime has RDS's CA."""
    return str(rds.pg_ca_cert_pem())


def replace_authorities(environment: dict[str, str], image_variables: Iterable[str]) -> None:
    """Set `PGSSLROOTCERT` to the bundle if the task definition or the image sets it."""
    if ROOT_CERTIFICATE in environment or any(
        variable.startswith(f"{ROOT_CERTIFICATE}=") for variable in image_variables
    ):
        environment[ROOT_CERTIFICATE] = FILE


def variables() -> dict[str, str]:
    """Returns the environment variables with which OpenSSL (Python, psql) and Node find the bundle."""
    return {"SSL_CERT_FILE": FILE, "NODE_EXTRA_CA_CERTS": FILE}
