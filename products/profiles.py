"""The profiles of an environment: what `profile: minimal`, `standard` and `ha` write for a manifest's author.

docs/profiles.md has the table, with what each choice costs and risks. A profile never sets `approval`: whether a person
must agree to a release has nothing to do with size.
"""

from __future__ import annotations

from typing import Any

from products.regions import REGIONS

Data = dict[str, Any]

PROFILES: dict[str, Data] = {
    "minimal": {
        "deletion_protection": False,
        "keep_data": False,
        "log_retention_days": 14,
        "capacity": "spot",
        "container_insights": False,
        "dashboard": False,
        "network": {"zones": 2, "nat": "instance", "nat_count": 1},
        "database": {"instance": "db.t4g.micro", "storage_gb": 20, "multi_az": False, "backup_days": 1},
        "cache": {"node": "cache.t4g.micro", "replicas": 0, "snapshot_days": 0},
        "edge": {"waf": False},
    },
    "standard": {
        "deletion_protection": True,
        "keep_data": True,
        "log_retention_days": 30,
        "capacity": "on-demand",
        "container_insights": False,
        "dashboard": True,
        "network": {"zones": 2, "nat": "gateway", "nat_count": 1},
        "database": {
            "instance": "db.t4g.small",
            "storage_gb": 20,
            "maximum_storage_gb": 100,
            "multi_az": False,
            "backup_days": 7,
        },
        "cache": {"node": "cache.t4g.small", "replicas": 0, "snapshot_days": 1},
        "edge": {"waf": False},
    },
    "ha": {
        "deletion_protection": True,
        "keep_data": True,
        "log_retention_days": 90,
        "capacity": "on-demand",
        "container_insights": True,
        "dashboard": True,
        "network": {"zones": 3, "nat": "gateway", "nat_count": 3},
        "database": {
            "instance": "db.t4g.medium",
            "storage_gb": 50,
            "maximum_storage_gb": 200,
            "multi_az": True,
            "backup_days": 30,
        },
        "cache": {"node": "cache.t4g.small", "replicas": 1, "snapshot_days": 7},
        "edge": {"waf": True},
    },
}
PROFILED = frozenset({"deletion_protection", "keep_data", "database", "cache", "instance", "node"})
"""The keys of an environment that are required unless a profile sets them."""
_HA_TASKS = 2  # one keeps serving while the other's zone, host or release fails
_WAF_REGION = "us-east-1"  # CloudFront takes web ACLs of this region only


def settings(profile: str, *, region: object, network: object, services: object) -> Data:
    """Returns an environment's section as the profile sets it.

    Args:
        profile: one of `PROFILES`.
        region: the environment's region. A region with two zones gets two in `ha`, and the WAF is in us-east-1 only.
        network: the environment's own `network` section; NAT is placed in as many zones as it has.
        services: the product's services, as the manifest has them.
    """
    chosen = PROFILES[profile]
    section = {**chosen, "services": _counts(profile, services)}
    if profile == "ha":
        own = network if isinstance(network, dict) else {}
        offered = REGIONS[region].zone_letters if isinstance(region, str) and region in REGIONS else "abc"
        letters = own.get("zone_letters") or offered
        zones = own.get("zones", min(chosen["network"]["zones"], len(str(letters))))
        section["network"] = {**chosen["network"], "zones": zones, "nat_count": zones}
        section["edge"] = {"waf": region == _WAF_REGION}
    return section


def _counts(profile: str, services: object) -> Data:
    """Returns the task counts that differ from the product's, by service."""
    counts = {}
    for name, service in services.items() if isinstance(services, dict) else ():
        if not isinstance(service, dict):
            continue
        count = service.get("count", 1)
        if profile == "minimal" and count != 1:
            counts[name] = {"count": 1}
        # A service without a port may be a scheduler, of which a second one does everything twice.
        if profile == "ha" and "port" in service and count == 1 and not service.get("singleton"):
            counts[name] = {"count": _HA_TASKS}
    return counts
