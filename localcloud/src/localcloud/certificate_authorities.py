"""One file with the certificate authorities of the local databases and caches, for containers and for the host.

On AWS a cache presents a publicly trusted certificate and RDS one of AWS's own authorities. Here both come from
MiniStack's local authorities, so every task gets them (and the usual public ones) as its default trust store, and in
place of the file of RDS's authorities that `PGSSLROOTCERT` names. A task without that variable gets none here either:
an image that could not verify RDS on AWS does not verify it here.
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
    """Folder on the host, mounted into every task."""
    return settings.current().run / "ca"


def install() -> None:
    """Write the bundle; the authorities are new with every server process."""
    folder().mkdir(parents=True, exist_ok=True)
    public = Path(str(get_cert_path(True))).read_text(encoding="utf-8")
    bundle = folder() / "ca.pem"
    bundle.write_text(rds.pg_ca_cert_pem() + elasticache.serverless_ca_cert_pem() + public, encoding="utf-8")
    folder().chmod(0o755)
    bundle.chmod(0o644)  # tasks run as any user


def bind() -> str:
    """Bind mount of the folder."""
    return f"{folder()}:{IN_CONTAINER}:ro"


def database_authority() -> str:
    """The authority of the databases, for functions: their runtime knows that of RDS on AWS."""
    return str(rds.pg_ca_cert_pem())


def replace_authorities(environment: dict[str, str], image_variables: Iterable[str]) -> None:
    """Point `PGSSLROOTCERT` to the bundle, where a definition or the image sets it."""
    if ROOT_CERTIFICATE in environment or any(
        variable.startswith(f"{ROOT_CERTIFICATE}=") for variable in image_variables
    ):
        environment[ROOT_CERTIFICATE] = FILE


def variables() -> dict[str, str]:
    """Environment by which OpenSSL (Python, psql) and Node find the bundle."""
    return {"SSL_CERT_FILE": FILE, "NODE_EXTRA_CA_CERTS": FILE}
