"""The values of references, except for those that a release or a container decides."""

from __future__ import annotations

from collections.abc import Sequence

from products import names
from products.values import Value
from slipway import arns
from slipway.cache import PORT as CACHE_PORT
from slipway.composed_secret import Part, SecretPart
from slipway.database import PORT as DATABASE_PORT
from stacks.data import DataStack
from stacks.scope import EnvironmentScope

Sources = dict[str, Sequence[Part]]


def sources(environment_scope: EnvironmentScope, data: DataStack, *, site: str) -> Sources:
    """Returns the value of each reference by its name; `site` is the domain name of the site."""
    database, cache, media = data.database, data.cache, data.media
    place = (environment_scope.name, environment_scope.product.name)
    found: Sources = {
        "secret_key": (SecretPart(data.secret_key),),
        "site.url": (f"https://{site}",),
        "site.domain": (site,),
        "environment": (environment_scope.name,),
        "region": (environment_scope.environment.region,),
        "discovery.domain": (names.discovery_domain(*place),),
    }
    if any(service.alerts for service in environment_scope.product.services.values()):
        found["alarms.topic"] = (arns.topic(data, names.alarm_topic(*place)),)
    if database and environment_scope.product.database:
        login = database.users.credentials
        found |= {
            "database.url": database.address,
            "database.host": (database.instance.instance_endpoint.hostname,),
            "database.port": (str(DATABASE_PORT),),
            "database.name": (environment_scope.product.database.name,),
            "database.user": (SecretPart(login, "username"),),
            "database.password": (SecretPart(login, "password"),),
        }
    if cache:
        found |= {
            "cache.url": cache.address,
            "cache.host": (cache.host,),
            "cache.port": (str(CACHE_PORT),),
            "cache.token": (SecretPart(cache.token),),
        }
    if media:
        found["media.bucket"] = (media.bucket_name,)
    return found


def resolved(value: Value, known: Sources) -> list[Part]:
    """Returns the parts of a value with its references resolved; neighboring texts are one part."""
    parts: list[Part] = []
    for source in value.parts:
        for part in [source] if isinstance(source, str) else known[source.name]:
            if isinstance(part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += part
            else:
                parts.append(part)
    return parts
