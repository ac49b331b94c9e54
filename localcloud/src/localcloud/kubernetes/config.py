"""A pod's environment variables and the files of its volumes, read from the API."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from localcloud.kubernetes.api import Api, ApiError, Json

_REFERENCE = re.compile(r"\$(\$|\(([-._a-zA-Z][-._a-zA-Z0-9]*)\))")
_SUFFIXES = {
    "": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip
_FILE_MODE = 0o644


class ConfigError(Exception):
    """Something that a pod refers to does not exist, in the words of the kubelet."""


@dataclass(frozen=True)
class File:
    """A file of a volume."""

    content: bytes
    mode: int = _FILE_MODE


def quantity(text: Any) -> float:
    """Returns the value of a quantity such as `250m` or `128Mi`; 0 without one."""
    if text in (None, ""):
        return 0.0
    match = re.fullmatch(r"([0-9.]+(?:e[0-9]+)?)([a-zA-Z]*)", str(text))
    if match is None or match[2] not in _SUFFIXES:
        return 0.0
    return float(match[1]) * _SUFFIXES[match[2]]


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """Returns a text with `$(NAME)` replaced; an unknown name stays, and `$$` is `$`."""

    def value(match: re.Match[str]) -> str:
        if match[1] == "$":
            return "$"
        return variables.get(match[2], match[0])

    return _REFERENCE.sub(value, text)


class Config:
    """The objects that one pod refers to, each read once."""

    def __init__(
        self,
        api: Api,
        pod: Json,
        node: Mapping[str, str],
        addresses: Mapping[str, Json],
        identity: Mapping[str, str] | None = None,
    ) -> None:
        """`addresses` has the Services of the pod's namespace by name, with the address at which each is reached.

        `identity` has the variables with which SDKs find the credentials of the pod.
        """
        self._api, self._pod, self._node, self._services = api, pod, node, addresses
        self.identity = dict(identity or {})
        self._known: dict[tuple[str, str], Json | None] = {}
        self._namespace = pod["metadata"]["namespace"]
        self.api_host, self.api_port = node["api_host"], int(node["api_port"])

    def find(self, kind: str, name: str) -> Json | None:
        """Returns a ConfigMap (`configmaps`) or a Secret (`secrets`); None if it does not exist."""
        if (kind, name) not in self._known:
            self._known[kind, name] = self._api.find(f"/api/v1/namespaces/{self._namespace}/{kind}/{name}")
        return self._known[kind, name]

    def _data(self, kind: str, source: Mapping[str, Any]) -> dict[str, bytes] | None:
        found = self.find(kind, source["name"])
        if found is None:
            if source.get("optional"):
                return None
            raise ConfigError(f'{kind.removesuffix("s")} "{source["name"]}" not found')
        data = found.get("data") or {}
        if kind == "secrets":
            return {key: base64.b64decode(value) for key, value in data.items()}
        binary = {key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}
        return {key: value.encode() for key, value in data.items()} | binary

    # --- variables ---------------------------------------------------------------------------------------------------

    def environment(self, container: Mapping[str, Any], address: str) -> dict[str, str]:
        """Returns the variables of a container; `address` is the pod's.

        Raises:
            ConfigError: if a ConfigMap, a Secret or a key does not exist.
        """
        found: dict[str, str] = {}
        if self._pod["spec"].get("enableServiceLinks", True):
            found |= service_variables(self._services)
        for source in container.get("envFrom") or ():
            kind = "configmaps" if "configMapRef" in source else "secrets"
            data = self._data(kind, source.get("configMapRef") or source["secretRef"])
            for key, value in (data or {}).items():
                found[source.get("prefix", "") + key] = value.decode(errors="replace")
        for variable in container.get("env") or ():
            value_or_none = self._value(variable, container, address, found)
            if value_or_none is not None:
                found[variable["name"]] = value_or_none
        return found

    def _value(
        self, variable: Mapping[str, Any], container: Mapping[str, Any], address: str, known: Mapping[str, str]
    ) -> str | None:
        source = variable.get("valueFrom")
        if not source:
            return expanded(str(variable.get("value") or ""), known)
        for kind, member in (("configmaps", "configMapKeyRef"), ("secrets", "secretKeyRef")):
            if member in source:
                return self._key(kind, source[member])
        if "fieldRef" in source:
            return self.field(source["fieldRef"]["fieldPath"], address)
        if "resourceFieldRef" in source:
            return self._resource(source["resourceFieldRef"], container)
        raise ConfigError(f"the variable {variable['name']} has a source that the local cloud does not know")

    def _key(self, kind: str, source: Mapping[str, Any]) -> str | None:
        data = self._data(kind, source)
        if data is None:
            return None
        if source["key"] not in data:
            if source.get("optional"):
                return None
            shown = "Secret" if kind == "secrets" else "ConfigMap"
            raise ConfigError(f"couldn't find key {source['key']} in {shown} {self._namespace}/{source['name']}")
        return data[source["key"]].decode(errors="replace")

    def field(self, path: str, address: str) -> str:
        """Returns a field of the pod.

        Raises:
            ConfigError: if the downward API has no such field.
        """
        metadata, spec = self._pod["metadata"], self._pod["spec"]
        if match := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
            return str((metadata.get(match[1]) or {}).get(match[2], ""))
        if path in ("metadata.labels", "metadata.annotations"):
            pairs = metadata.get(path.partition(".")[2]) or {}
            return "".join(f'{key}="{value}"\n' for key, value in sorted(pairs.items()))
        fields = {
            "metadata.name": metadata["name"],
            "metadata.namespace": metadata["namespace"],
            "metadata.uid": metadata["uid"],
            "spec.nodeName": spec.get("nodeName", ""),
            "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
            "status.hostIP": self._node["address"],
            "status.hostIPs": self._node["address"],
            "status.podIP": address,
            "status.podIPs": address,
        }
        if path not in fields:
            raise ConfigError(f"unsupported fieldPath: {path}")
        return str(fields[path])

    def _resource(self, source: Mapping[str, Any], container: Mapping[str, Any]) -> str:
        kind, name = str(source["resource"]).split(".", 1)
        value = quantity((container.get("resources") or {}).get(kind, {}).get(name)) or float(self._node[name])
        return str(math.ceil(value / (quantity(source.get("divisor")) or 1)))

    # --- files -------------------------------------------------------------------------------------------------------

    def files(self, volume: Mapping[str, Any], address: str) -> dict[str, File]:
        """Returns the files of a volume by path; none for an emptyDir.

        Raises:
            ConfigError: if a ConfigMap, a Secret or a key does not exist.
        """
        if "projected" in volume:
            default = int(volume["projected"].get("defaultMode") or _FILE_MODE)
            found: dict[str, File] = {}
            for source in volume["projected"].get("sources") or ():
                for kind, given in source.items():
                    found |= self._projected(kind, given, default, address)
            return found
        for kind in ("configMap", "secret", "downwardAPI"):
            if kind in volume:
                source = volume[kind] or {}
                default = int(source.get("defaultMode") or _FILE_MODE)
                return self._projected(kind, {"name": source.get("secretName"), **source}, default, address)
        return {}

    def _projected(self, kind: str, source: Mapping[str, Any], mode: int, address: str) -> dict[str, File]:
        if kind == "serviceAccountToken":
            return {source["path"]: File(self._token(source).encode(), mode)}
        if kind == "downwardAPI":
            return {
                entry["path"]: File(
                    self.field(entry["fieldRef"]["fieldPath"], address).encode(), entry.get("mode", mode)
                )
                for entry in source.get("items") or ()
            }
        data = self._data("configmaps" if kind == "configMap" else "secrets", source)
        return dict(self._chosen(data or {}, source, mode))

    def _chosen(self, data: Mapping[str, bytes], source: Mapping[str, Any], mode: int) -> Iterator[tuple[str, File]]:
        if not source.get("items"):
            yield from ((key, File(value, mode)) for key, value in data.items())
            return
        for entry in source["items"]:
            if entry["key"] in data:
                yield entry["path"], File(data[entry["key"]], int(entry.get("mode") or mode))
            elif not source.get("optional"):
                raise ConfigError(f"references non-existent config key: {entry['key']}")

    def _token(self, source: Mapping[str, Any]) -> str:
        account = self._pod["spec"].get("serviceAccountName", "default")
        wanted: Json = {"expirationSeconds": int(source.get("expirationSeconds") or 3600)}
        if source.get("audience"):
            wanted["audiences"] = [source["audience"]]
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": wanted}
        path = f"/api/v1/namespaces/{self._namespace}/serviceaccounts/{account}/token"
        try:
            return str(self._api.post(path, body)["status"]["token"])
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise ConfigError(f'serviceaccounts "{account}" not found') from error
            raise


def service_variables(services: Mapping[str, Json]) -> dict[str, str]:
    """Returns the variables that Kubernetes derives from Services, such as `{NAME}_SERVICE_HOST`."""
    found: dict[str, str] = {}
    for name, service in services.items():
        prefix, host = name.upper().replace("-", "_"), service["address"]
        for index, port in enumerate(service["ports"]):
            number, protocol = str(port["port"]), str(port.get("protocol", "TCP"))
            address = f"{protocol.lower()}://{host}:{number}"
            if index == 0:
                found |= {f"{prefix}_SERVICE_HOST": host, f"{prefix}_SERVICE_PORT": number, f"{prefix}_PORT": address}
            if port.get("name"):
                found[f"{prefix}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}"] = number
            one = f"{prefix}_PORT_{number}_{protocol}"
            found |= {one: address, f"{one}_PROTO": protocol.lower(), f"{one}_PORT": number, f"{one}_ADDR": host}
    return found
