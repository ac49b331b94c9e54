"""Certificate Manager: a requested certificate is pending until a zone of this cloud has its validation records.

An imported one has the names and the end that are in it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from cryptography import x509
from ministack.core.responses import error_response_json, now_iso
from ministack.services import acm, route53

SYMBOLS: tuple[str, ...] = (
    "ministack.core.responses:error_response_json",
    "ministack.core.responses:now_iso",
    "ministack.services.acm:_certificates",
    "ministack.services.acm:_describe_certificate",
    "ministack.services.acm:_import_certificate",
    "ministack.services.acm:_list_certificates",
    "ministack.services.acm:_request_certificate",
    "ministack.services.route53:_records",
)

Handler = Callable[[Mapping[str, Any]], tuple[int, Any, Any]]
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_PENDING = "PENDING_VALIDATION"


def _requesting(original: Handler) -> Handler:
    def request(data: Mapping[str, Any]) -> tuple[int, Any, Any]:
        answer = original(data)
        if answer[0] == HTTPStatus.OK:
            body = answer[2]
            certificate = acm._certificates[json.loads(body)["CertificateArn"]]
            certificate["Status"] = _PENDING
            for option in certificate["DomainValidationOptions"]:
                option["ValidationStatus"] = _PENDING
        return answer

    return request


def _validating(original: Handler) -> Handler:
    def handle(data: Mapping[str, Any]) -> tuple[int, Any, Any]:
        for certificate in list(acm._certificates.values()):
            if certificate["Status"] == _PENDING:
                _validate(certificate)
        return original(data)

    return handle


def _validate(certificate: dict[str, Any]) -> None:
    found = {
        (record["Name"], value)
        for records in route53._records.values()
        for record in records
        for value in record.get("ResourceRecords", [])
    }
    for option in certificate["DomainValidationOptions"]:
        record = option["ResourceRecord"]
        if (record["Name"], record["Value"]) in found:
            option["ValidationStatus"] = "SUCCESS"
    if all(option["ValidationStatus"] == "SUCCESS" for option in certificate["DomainValidationOptions"]):
        certificate.update(Status="ISSUED", IssuedAt=now_iso())


def _importing(original: Handler) -> Handler:
    def handle(data: Mapping[str, Any]) -> tuple[int, Any, Any]:
        try:
            read = x509.load_pem_x509_certificate(base64.b64decode(str(data.get("Certificate", ""))))
        except ValueError:
            message = "The certificate field contains no certificate."
            refusal: tuple[int, Any, Any] = error_response_json("ValidationException", message, 400)
            return refusal
        answer = original(data)
        if answer[0] == HTTPStatus.OK:
            certificate = acm._certificates[json.loads(answer[2])["CertificateArn"]]
            names = _names(read)
            certificate.update(DomainName=names[0], SubjectAlternativeNames=names)
            certificate["NotBefore"] = read.not_valid_before_utc.strftime(_TIME)
            certificate["NotAfter"] = read.not_valid_after_utc.strftime(_TIME)
        return answer

    return handle


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return [str(name.value) for name in common] or [""]
    return found.value.get_values_for_type(x509.DNSName) or [""]


def install() -> None:
    """Replace MiniStack's functions, which issue every certificate at once and do not read imported ones."""
    acm._import_certificate = _importing(acm._import_certificate)
    acm._request_certificate = _requesting(acm._request_certificate)
    acm._describe_certificate = _validating(acm._describe_certificate)
    acm._list_certificates = _validating(acm._list_certificates)
