"""The operations of Service Quotas: docs.aws.amazon.com/servicequotas/2019-06-24/apireference."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from localcloud import json_services
from localcloud.json_services import JsonService, Request, ServiceError
from localcloud.servicequotas.table import KNOWN, Quota

SYMBOLS: tuple[str, ...] = (
    *json_services.SYMBOLS,
    "ministack.core.responses:AccountRegionScopedDict",
    "ministack.core.responses:get_account_id",
    "ministack.core.responses:get_region",
)

_GLOBAL_REGION = "us-east-1"
_values: Any = AccountRegionScopedDict()  # the increased values by code
_changes: Any = AccountRegionScopedDict()  # the requests for increases by id


def _here() -> Iterable[Quota]:
    return (quota for quota in KNOWN if not quota.everywhere or get_region() == _GLOBAL_REGION)


def _found(request: Request) -> Quota:
    named = request["ServiceCode"], request["QuotaCode"]
    for quota in _here():
        if (quota.service, quota.code) == named:
            return quota
    raise ServiceError("NoSuchResourceException", f"The request failed because the quota {named[1]} does not exist.")


def _described(quota: Quota) -> dict[str, Any]:
    region = "" if quota.everywhere else get_region()
    return {
        "ServiceCode": quota.service,
        "ServiceName": quota.service_name,
        "QuotaArn": f"arn:aws:servicequotas:{region}:{get_account_id()}:{quota.service}/{quota.code}",
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Unit": "None",
        "GlobalQuota": quota.everywhere,
    }


def _shape(quota: Quota, value: float) -> dict[str, Any]:
    return {**_described(quota), "Value": float(value), "Adjustable": True, "QuotaAppliedAtLevel": "ACCOUNT"}


def _applied(quota: Quota) -> dict[str, Any]:
    return _shape(quota, _values.get(quota.code, quota.default))


def _increase(request: Request) -> dict[str, Any]:
    quota, wanted = _found(request), float(request["DesiredValue"])
    if wanted <= _values.get(quota.code, quota.default):
        raise ServiceError(
            "IllegalArgumentException", "The desired value must be greater than the current value of the quota."
        )
    _values[quota.code] = wanted
    now = time.time()
    change = {
        **_described(quota),
        "Id": uuid.uuid4().hex,
        "RequestType": "AutomaticApproval",
        "DesiredValue": wanted,
        "Status": "APPROVED",
        "Created": now,
        "LastUpdated": now,
        "QuotaRequestedAtLevel": "ACCOUNT",
    }
    _changes[change["Id"]] = change
    return {"RequestedQuota": change}


def _listed(request: Request, shape: Any) -> dict[str, Any]:
    return {"Quotas": [shape(quota) for quota in _here() if quota.service == request["ServiceCode"]]}


def _clear() -> None:
    _values.clear()
    _changes.clear()


SERVICE = JsonService(
    "service-quotas",
    {
        "GetServiceQuota": lambda request: {"Quota": _applied(_found(request))},
        "ListServiceQuotas": lambda request: _listed(request, _applied),
        "GetAWSDefaultServiceQuota": lambda request: {"Quota": _shape(_found(request), _found(request).default)},
        "ListAWSDefaultServiceQuotas": lambda request: _listed(request, lambda quota: _shape(quota, quota.default)),
        "RequestServiceQuotaIncrease": _increase,
        "ListRequestedServiceQuotaChangeHistory": lambda _request: {"RequestedQuotas": list(_changes.values())},
    },
    _clear,
    signing_name="servicequotas",
    invalid="IllegalArgumentException",
)
