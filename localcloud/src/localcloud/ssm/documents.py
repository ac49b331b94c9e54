"""Systems Manager's documents: the operations of the API, and the two documents of AWS that the local cloud has.

docs.aws.amazon.com/systems-manager/latest/APIReference, operations with Document in their name.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from ministack.core.responses import get_account_id, get_region

from localcloud.ssm import content, pages
from localcloud.ssm.builtin import BUILTIN
from localcloud.ssm.errors import ServiceError, bad_content, no_document, no_version, unsupported

SYMBOLS: tuple[str, ...] = ("ministack.core.responses:get_account_id", "ministack.core.responses:get_region")

Request = Mapping[str, Any]
Answer = dict[str, Any]
_RESERVED = ("aws", "amazon", "amzn")
_MOST_VERSIONS = 1000


@dataclass
class Version:
    """A version of a document."""

    number: int
    text: str
    form: str
    parsed: content.Content
    name: str = ""
    created: float = field(default_factory=time.time)

    @property
    def hash(self) -> str:
        """SHA-256 of the content, in hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass
class Document:
    """A document and its versions, oldest first."""

    name: str
    owner: str
    versions: list[Version]
    default: int = 1
    tags: dict[str, str] = field(default_factory=dict)
    target_type: str = ""
    display_name: str = ""

    def version(self, wanted: str = "$DEFAULT", name: str = "") -> Version:
        """Returns a version by its number or name, `$LATEST`, or `$DEFAULT`.

        Raises:
            ServiceError: if the document has no such version.
        """
        if wanted == "$LATEST":
            return self.versions[-1]
        number = str(self.default) if wanted in ("", "$DEFAULT") and not name else wanted
        for version in self.versions:
            if (name and version.name == name) or (not name and str(version.number) == number):
                return version
        raise no_version(self.name, name or wanted)

    def arn(self, region: str) -> str:
        """Returns the document's ARN in a region; AWS's own documents have no account."""
        account = "" if self.owner == "Amazon" else self.owner
        return f"arn:aws:ssm:{region}:{account}:document/{self.name}"


_documents: dict[tuple[str, str], dict[str, Document]] = {}
_guard = threading.RLock()
#: Returns why a document cannot be deleted, or an empty text; State Manager sets it.
in_use: list[Callable[[str], str]] = []
#: Called with a document's name, and with `$DEFAULT` or `$LATEST` when that is another version than before.
moved: list[Callable[[str, str], None]] = []


def _own() -> dict[str, Document]:
    return _documents.setdefault((get_account_id(), get_region()), {})


def clear() -> None:
    """Deletes all documents."""
    with _guard:
        _documents.clear()


def find(reference: str) -> Document:
    """Returns a document of the current account and region, or AWS's, by its name or ARN.

    Raises:
        ServiceError: `InvalidDocument`.
    """
    name = reference.rpartition(":document/")[2] if reference.startswith("arn:") else reference
    with _guard:
        found = _own().get(name)
    if found is not None:
        if reference in (name, found.arn(get_region())):
            return found
        raise no_document(reference)
    if name in BUILTIN:
        text = BUILTIN[name]
        return Document(name, "Amazon", [Version(1, text, "JSON", content.parse(text, "JSON"), created=0)])
    raise no_document(reference)


def _require_own(name: str) -> Document:
    found = find(name)
    if found.owner == "Amazon":
        raise ServiceError("InvalidDocumentOperation", f"The document {name} is owned by Amazon: it cannot be changed.")
    return found


# --- operations ------------------------------------------------------------------------------------------------------


def _create(request: Request) -> Answer:
    name, form = request["Name"], request.get("DocumentFormat", "JSON")
    if name.lower().startswith(_RESERVED):
        raise ServiceError("ValidationException", f"A document's name must not begin with {', '.join(_RESERVED)}.")
    kind = request.get("DocumentType", "Command")
    if kind != "Command" or form == "TEXT":
        raise unsupported(f"documents of type {kind} in the format {form}: write a Command document")
    for member in ("Attachments", "Requires"):
        if request.get(member):
            raise unsupported(f"{member} of a document")
    parsed = content.parse(request["Content"], form)
    version = Version(1, request["Content"], form, parsed, request.get("VersionName", ""))
    document = Document(name, get_account_id(), [version], tags=pages.tags(request.get("Tags")))
    document.target_type, document.display_name = request.get("TargetType", ""), request.get("DisplayName", "")
    with _guard:
        if name in _own():
            raise ServiceError("DocumentAlreadyExists", f"Document with same name {name} already exists")
        _own()[name] = document
    return {"DocumentDescription": {**_description(document, version), "Status": "Creating"}}


def _update(request: Request) -> Answer:
    with _guard:
        document = _require_own(request["Name"])
        newest = document.versions[-1]
        if request.get("DocumentVersion", "$LATEST") not in ("$LATEST", str(newest.number)):
            raise no_version(document.name, request["DocumentVersion"])
        if request.get("Attachments"):
            raise unsupported("Attachments of a document")
        form, name = request.get("DocumentFormat", "JSON"), request.get("VersionName", "")
        parsed = content.parse(request["Content"], form)
        if request["Content"] == newest.text:
            message = "The content of the association document matches another document. Change the content of the "
            raise ServiceError("DuplicateDocumentContent", message + "document and try again.")
        if name and any(version.name == name for version in document.versions):
            raise ServiceError("DuplicateDocumentVersionName", f"The version name {name} has already been used.")
        if len(document.versions) >= _MOST_VERSIONS:
            raise ServiceError("DocumentVersionLimitExceeded", "The document has 1000 versions: delete one.")
        version = Version(newest.number + 1, request["Content"], form, parsed, name)
        document.versions.append(version)
        document.target_type = request.get("TargetType", document.target_type)
        document.display_name = request.get("DisplayName", document.display_name)
    for tell in moved:
        tell(document.name, "$LATEST")
    return {"DocumentDescription": {**_description(document, version), "Status": "Updating"}}


def _delete(request: Request) -> Answer:
    with _guard:
        document = _require_own(request["Name"])
        wanted, name = request.get("DocumentVersion", ""), request.get("VersionName", "")
        if wanted or name:
            version = document.version(wanted, name)
            if version.number == document.default:
                raise ServiceError("InvalidDocumentOperation", "Default version of the document can't be deleted.")
            document.versions.remove(version)
            return {}
        if reason := next((text for ask in in_use if (text := ask(document.name))), ""):
            raise ServiceError("AssociatedInstances", reason)
        del _own()[document.name]
    return {}


def _get(request: Request) -> Answer:
    document = find(request["Name"])
    version = document.version(request.get("DocumentVersion", ""), request.get("VersionName", ""))
    form = request.get("DocumentFormat", version.form)
    return pages.present(
        {
            "Name": document.name,
            "CreatedDate": version.created,
            "DisplayName": document.display_name,
            "VersionName": version.name,
            "DocumentVersion": str(version.number),
            "Status": "Active",
            "Content": _converted(version, form),
            "DocumentType": "Command",
            "DocumentFormat": form,
        }
    )


def _converted(version: Version, form: str) -> str:
    if form == version.form:
        return version.text
    data = content.load(version.text, version.form)
    if form == "TEXT":
        raise bad_content("A Command document has the format JSON or YAML.")
    return json.dumps(data, indent=2) if form == "JSON" else str(yaml.safe_dump(data, sort_keys=False))


def _describe(request: Request) -> Answer:
    document = find(request["Name"])
    version = document.version(request.get("DocumentVersion", ""), request.get("VersionName", ""))
    return {"Document": _description(document, version)}


def _description(document: Document, version: Version) -> Answer:
    parsed = version.parsed
    declared = [
        pages.present(
            {
                "Name": parameter.name,
                "Type": parameter.type,
                "Description": parameter.description,
                "DefaultValue": None if parameter.default is None else _text(parameter.default),
            }
        )
        for parameter in parsed.parameters
    ]
    return pages.present(
        {
            **_identifier(document, version),
            "Hash": version.hash,
            "HashType": "Sha256",
            "Status": "Active",
            "Description": parsed.description,
            "Parameters": declared,
            "LatestVersion": str(document.versions[-1].number),
            "DefaultVersion": str(document.default),
        }
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _identifier(document: Document, version: Version) -> Answer:
    return pages.present(
        {
            "Name": document.name,
            "CreatedDate": version.created,
            "DisplayName": document.display_name,
            "Owner": document.owner,
            "VersionName": version.name,
            "PlatformTypes": version.parsed.platforms,
            "DocumentVersion": str(version.number),
            "DocumentType": "Command",
            "SchemaVersion": version.parsed.schema,
            "DocumentFormat": version.form,
            "TargetType": document.target_type,
            "Tags": pages.tag_list(document.tags),
        }
    )


def _list(request: Request) -> Answer:
    with _guard:
        listed = [*_own().values(), *(find(name) for name in BUILTIN if name not in _own())]
    for condition in (*request.get("Filters", []), *request.get("DocumentFilterList", [])):
        key = condition.get("Key", condition.get("key"))
        wanted = condition.get("Values") or [condition.get("value")]
        listed = [document for document in listed if _matches(document, key, wanted)]
    listed.sort(key=lambda document: document.name)
    rows = [_identifier(document, document.version()) for document in listed]
    return pages.page(rows, "DocumentIdentifiers", request, 50)


def _matches(document: Document, key: str, wanted: list[str]) -> bool:
    if key in ("Owner", "owner"):
        mine = document.owner != "Amazon"
        return any(
            value in ("All", "ThirdParty" * (not mine), "Self" * mine, "Amazon" * (not mine)) for value in wanted
        )
    if key == "Name":
        return any(document.name.startswith(value) for value in wanted)
    if key == "DocumentType":
        return "Command" in wanted
    if key in ("PlatformTypes", "SchemaVersion"):
        parsed = document.version().parsed
        return bool({*parsed.platforms, parsed.schema} & set(wanted))
    if key == "TargetType":
        return document.target_type in wanted
    if key.startswith("tag:"):
        return document.tags.get(key.removeprefix("tag:")) in wanted
    raise ServiceError("InvalidFilterKey", f"The filter {key} is not valid.")


def _list_versions(request: Request) -> Answer:
    document = find(request["Name"])
    rows = [
        pages.present(
            {
                "Name": document.name,
                "DocumentVersion": str(version.number),
                "VersionName": version.name,
                "CreatedDate": version.created,
                "IsDefaultVersion": version.number == document.default,
                "DocumentFormat": version.form,
                "Status": "Active",
            }
        )
        for version in document.versions
    ]
    return pages.page(rows, "DocumentVersions", request, 50)


def _set_default(request: Request) -> Answer:
    with _guard:
        document = _require_own(request["Name"])
        version = document.version(request["DocumentVersion"])
        changed, document.default = document.default != version.number, version.number
    for tell in moved if changed else ():
        tell(document.name, "$DEFAULT")
    description = {"Name": document.name, "DefaultVersion": str(version.number), "DefaultVersionName": version.name}
    return {"Description": pages.present(description)}


def _permission(request: Request) -> Answer:
    _require_own(request["Name"])
    return {"AccountIds": [], "AccountSharingInfoList": []}


OPERATIONS: dict[str, Callable[[Request], Answer]] = {
    "CreateDocument": _create,
    "UpdateDocument": _update,
    "DeleteDocument": _delete,
    "GetDocument": _get,
    "DescribeDocument": _describe,
    "DescribeDocumentPermission": _permission,
    "ListDocuments": _list,
    "ListDocumentVersions": _list_versions,
    "UpdateDocumentDefaultVersion": _set_default,
}
