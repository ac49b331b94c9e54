"""The loader's messages about a manifest that cannot be used: the line, the value found, and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from products import ManifestError, load
from tests.support.manifests import ALLTHRIVE, complaints, edited

WEB_COUNT = "count: 2\n    scaling"
WEB_IMAGE = "    image: backend\n    port: 8000\n"
WEB_SIZE = "size: {cpu: 512, memory: 1024}\n    count: 2\n    scaling: {maximum: 6, cpu_percent: 60"
WORKER_STOP = "    stop_timeout: 120 "
NAME = "name: allthrive\ndescription"
PRODUCTION_REGION = "region: us-east-1\n    approval"
SETTINGS = "  DJANGO_SETTINGS_MODULE: config.settings"
STAGING_WORKERS = "      celery: {count: 1}"

# (name of the case, text of the manifest, its replacement, expected line, expected message)
BAD: list[tuple[str, str, str, int, str]] = [
    (
        "unknown key, with the closest known one",
        "    port: 8000",
        "    prot: 8000",
        24,
        "services.web.prot: unknown key; did you mean 'port'?",
    ),
    (
        "unknown key of an environment's network",
        "nat: gateway, nat_count: 2",
        "nats: gateway, nat_count: 2",
        97,
        "environments.production.network.nats: unknown key; did you mean 'nat'?",
    ),
    (
        "unknown key that resembles no known one, with all known ones",
        "cache: {node: cache.t4g.micro}",
        "cache: {node: cache.t4g.micro, qqq: 1}",
        84,
        "environments.staging.cache.qqq: unknown key; write one of: node, replicas, snapshot_days",
    ),
    (
        "missing key",
        "    approval: true\n    alarm_gate: true\n    deletion_protection: true\n",
        "",
        89,
        "environments.production.deletion_protection: missing; write it, or one of the profiles minimal, standard, ha",
    ),
    (
        "a word instead of a number",
        WEB_COUNT,
        "count: two\n    scaling",
        29,
        "services.web.count: expected a whole number, got 'two'",
    ),
    (
        "a number in quotes",
        WEB_COUNT,
        "count: '2'\n    scaling",
        29,
        "services.web.count: expected a whole number, got '2'",
    ),
    (
        "half a task",
        WEB_COUNT,
        "count: 2.5\n    scaling",
        29,
        "services.web.count: expected a whole number, got 2.5",
    ),
    (
        "an account without its quotes",
        'account: "111122223333"\n  region: us-east-1\n\nimages',
        "account: 111122223333\n  region: us-east-1\n\nimages",
        13,
        'tooling.account: expected text, got 111122223333; put it in quotes: account: "111122223333"',
    ),
    (
        "an account one digit short",
        'account: "111122223333"\n  region: us-east-1\n\nimages',
        'account: "11112222333"\n  region: us-east-1\n\nimages',
        13,
        "tooling.account: got '11112222333'; write it like \"111122223333\"",
    ),
    (
        "a variable that YAML reads as a boolean",
        SETTINGS,
        "  DJANGO_DEBUG: true",
        73,
        'variables.DJANGO_DEBUG: expected text, got true; put it in quotes: DJANGO_DEBUG: "true"',
    ),
    (
        "text instead of true or false",
        "deletion_protection: true",
        "deletion_protection: 'yes'",
        94,
        "environments.production.deletion_protection: expected true or false, got 'yes'",
    ),
    (
        "a command as one string",
        "command: [celery, -A, config, worker, --loglevel, info]",
        "command: celery worker",
        36,
        "services.celery.command: expected a list, got 'celery worker'; put it in brackets",
    ),
    (
        "a value instead of keys",
        "network: {cidr: 10.20.0.0/16, zones: 3, nat: gateway, nat_count: 2}",
        "network: 10.20.0.0/16",
        97,
        (
            "environments.production.network: expected keys and values, got '10.20.0.0/16'; "
            "its keys are: cidr, zones, zone_letters, nat, nat_count, internet_ports"
        ),
    ),
    (
        "an instance class of the wrong form",
        "instance: db.t4g.medium",
        "instance: t4g.medium",
        99,
        "environments.production.database.instance: got 't4g.medium'; write it like db.t4g.medium",
    ),
    (
        "a CIDR block that does not begin with its first address",
        "10.20.0.0/16",
        "10.20.0.1/16",
        97,
        (
            "environments.production.network.cidr: expected the first address of a block and its size, "
            "e.g. 10.20.0.0/16, got '10.20.0.1/16'"
        ),
    ),
    (
        "a CIDR block too small for its subnets",
        "10.20.0.0/16",
        "10.20.0.0/24",
        97,
        "environments.production.network.cidr: got /24; write a block between /16 and /22",
    ),
    (
        "a value that is not one of the choices",
        "nat: gateway, nat_count: 2",
        "nat: gatway, nat_count: 2",
        97,
        "environments.production.network.nat: input should be 'gateway', 'instance' or 'none', got 'gatway'",
    ),
    (
        "a service whose image is not built",
        WEB_IMAGE,
        WEB_IMAGE.replace("backend", "backnd"),
        23,
        "services.web.image: no image 'backnd' under images; did you mean 'backend'?",
    ),
    (
        "a migration whose image is not built",
        "migration:\n  image: backend",
        "migration:\n  image: tools",
        56,
        "migration.image: no image 'tools' under images; write one of: backend",
    ),
    (
        "one path for two services",
        WORKER_STOP,
        f"    port: 8001\n    paths: [/api/*]\n    health_path: /health/\n{WORKER_STOP}",
        40,
        "services.celery.paths: '/api/*' is already routed to 'web'; remove one of them",
    ),
    (
        "paths without a port",
        "    port: 8000\n    paths: [/api/*, /ws/*, /admin/*]",
        "    paths: [/api/*, /ws/*, /admin/*]",
        22,
        "services.web.port: missing; a service with paths needs one, e.g. port: 8000",
    ),
    (
        "more zones than the region has",
        PRODUCTION_REGION,
        "region: us-west-1\n    approval",
        97,
        "environments.production.network.zones: got 3; us-west-1 offers 2: ac",
    ),
    (
        "a zone the region does not have",
        "zones: 3, nat: gateway, nat_count: 2",
        "zones: 3, zone_letters: bcx, nat: gateway, nat_count: 2",
        97,
        "environments.production.network.zone_letters: us-east-1 has no zone x; choose from abcdf",
    ),
    (
        "more NAT gateways than zones",
        "nat: gateway, nat_count: 1",
        "nat: gateway, nat_count: 3",
        82,
        "environments.staging.network.nat_count: got 3, more than zones 2",
    ),
    (
        "an unknown region",
        PRODUCTION_REGION,
        "region: eu-wset-1\n    approval",
        91,
        "environments.production.region: unknown region 'eu-wset-1'; did you mean 'eu-west-1'?",
    ),
    (
        "an unknown region of the tooling",
        'account: "111122223333"\n  region: us-east-1\n\nimages',
        'account: "111122223333"\n  region: eu-nort-1\n\nimages',
        14,
        "tooling.region: unknown region 'eu-nort-1'; did you mean 'eu-north-1'?",
    ),
    (
        "a web ACL in a region other than CloudFront's",
        PRODUCTION_REGION,
        "region: eu-west-1\n    approval",
        106,
        (
            "environments.production.edge.waf: CloudFront accepts web ACLs of us-east-1 only, and this environment is "
            "in eu-west-1; remove waf"
        ),
    ),
    (
        "a reserved product name",
        NAME,
        "name: aws\ndescription",
        3,
        "name: 'aws' is reserved; name the product after what users call it",
    ),
    (
        "an environment with the tooling's name",
        "  staging:",
        "  tooling:",
        76,
        "environments.tooling: the name is reserved for the product's registry and pipelines",
    ),
    (
        "an environment whose load balancer AWS would refuse",
        "  staging:",
        "  internal:",
        76,
        "environments.internal: the name is reserved by AWS: no load balancer's name may begin with internal-",
    ),
    (
        "a service with the cluster's name",
        "  celery-beat:",
        "  cluster:",
        44,
        "services.cluster: the name is reserved for a part of the environment; give the service another",
    ),
    (
        "a service with the name of another service's task definition",
        "  celery-beat:",
        "  celery-task:",
        44,
        "services.celery-task: the name is reserved for a part of the environment; give the service another",
    ),
    (
        "a name too long for a load balancer",
        NAME,
        "name: allthrive-community-hub\ndescription",
        3,
        (
            "name: the load balancer would be named 'production-allthrive-community-hub', 34 characters; AWS "
            "allows 32: shorten the product or the environment by 2"
        ),
    ),
    (
        "a name with capitals",
        NAME,
        "name: AllThrive\ndescription",
        3,
        "name: got 'AllThrive'; write it like celery-beat",
    ),
    (
        "a name other than the file's",
        NAME,
        "name: edenco\ndescription",
        3,
        "name: got 'edenco'; it must equal the file's name: write 'allthrive' or rename the file",
    ),
    (
        "NAT none with services that need the internet",
        "nat: gateway, nat_count: 2",
        "nat: none",
        97,
        (
            "environments.production.network.nat: got none, but these need the internet: web, celery "
            "(services.web.internet: true); write nat: instance (cheapest) or nat: gateway"
        ),
    ),
    (
        "memory that Fargate does not offer for the CPU",
        WEB_SIZE,
        WEB_SIZE.replace("1024", "512"),
        28,
        "services.web.size.memory: got 512 MiB for cpu 512; Fargate offers 1024 to 4096 in steps of 1024",
    ),
    (
        "the gap in Fargate's smallest row",
        "size: {cpu: 256, memory: 512}",
        "size: {cpu: 256, memory: 1536}",
        50,
        "services.celery-beat.size.memory: got 1536 MiB for cpu 256; Fargate offers 512, 1024 or 2048",
    ),
    (
        "CPU units that Fargate does not offer",
        "size: {cpu: 256, memory: 512}",
        "size: {cpu: 300, memory: 512}",
        50,
        "services.celery-beat.size.cpu: input should be 256, 512, 1024, 2048, 4096, 8192 or 16384, got 300",
    ),
    (
        "a singleton with two tasks",
        "    singleton: true",
        "    singleton: true\n    count: 2",
        52,
        "services.celery-beat.count: got 2; a singleton needs count: 1",
    ),
    (
        "a singleton that scales",
        "    singleton: true",
        "    singleton: true\n    scaling: {maximum: 3, cpu_percent: 60}",
        52,
        "services.celery-beat.scaling: remove it; a singleton has exactly one task",
    ),
    (
        "a singleton with two tasks in one environment",
        STAGING_WORKERS,
        "      celery-beat: {count: 2}",
        87,
        "environments.staging.services.celery-beat.count: got 2; a singleton needs count: 1",
    ),
    (
        "an environment that starts with more tasks than the scaling allows",
        "      web: {count: 1, scaling: {maximum: 2, cpu_percent: 60}}",
        "      web: {count: 7}",
        86,
        "environments.staging.services.web.scaling.maximum: got 6, less than count 7",
    ),
    (
        "an environment's setting for a service that does not exist",
        STAGING_WORKERS,
        "      celry: {count: 1}",
        87,
        "environments.staging.services.celry: no such service; did you mean 'celery'?",
    ),
    (
        "scaling without a target",
        "scaling: {maximum: 6, cpu_percent: 60, requests_per_target: 600}",
        "scaling: {maximum: 6}",
        30,
        "services.web.scaling: has no target; write cpu_percent, requests_per_target, or both",
    ),
    (
        "scaling by requests for a service without requests",
        WORKER_STOP,
        f"    scaling: {{maximum: 4, requests_per_target: 100}}\n{WORKER_STOP}",
        39,
        "services.celery.scaling.requests_per_target: only a service behind the load balancer has requests",
    ),
    (
        "shell access to a read-only file system",
        "    read_only: true",
        "    read_only: true\n    shell_access: true",
        53,
        "services.celery-beat.read_only: shell_access needs a writable root file system; remove one of the two",
    ),
    (
        "a storage limit below the storage",
        "maximum_storage_gb: 200",
        "maximum_storage_gb: 40",
        101,
        "environments.production.database.maximum_storage_gb: got 40, less than storage_gb 50; write 55 or more",
    ),
    (
        "a domain without a certificate or a zone",
        "edge: {waf: true}",
        "edge: {domain: {name: allthrive.ai}}",
        106,
        (
            "environments.production.edge.domain: write hosted_zone_id (Slipway then creates the certificate) "
            "or certificate_arn"
        ),
    ),
    (
        "a name that no environment variable can have",
        SETTINGS,
        "  DJANGO-SETTINGS: config.settings",
        73,
        "variables.DJANGO-SETTINGS: not the name of an environment variable; use letters, digits and underscores",
    ),
    (
        "a variable that is also a secret",
        "variables:\n",
        "secrets:\n  DJANGO_SETTINGS_MODULE: {name: allthrive/settings}\nvariables:\n",
        75,
        (
            "variables.DJANGO_SETTINGS_MODULE: is also defined under secrets; remove one of the two, ECS accepts only "
            "one"
        ),
    ),
    (
        "a duplicate key",
        "    port: 8000",
        "    port: 8000\n    port: 8001",
        25,
        "services.web.port: duplicate key, first used in line 24; remove one of them",
    ),
    (
        "a bracket that is never closed",
        "    port: 8000",
        "    port: [8000",
        25,
        "not YAML: expected ',' or ']', but got ':'",
    ),
    (
        "a tab",
        "    port: 8000",
        "\tport: 8000",
        24,
        "not YAML: found character '\\t' that cannot start any token",
    ),
    (
        "an alias",
        "owner: allthrive-ai\n",
        "owner: *owner\n",
        7,
        "not YAML: replace the alias *owner with its value",
    ),
    (
        "a word tagged as a number",
        "    port: 8000",
        "    port: !!int eight",
        24,
        "not YAML: invalid literal for int() with base 10: 'eight'",
    ),
    (
        "no environments",
        "environments:\n  staging:",
        "environments: {}\nothers:\n  staging:",
        75,
        "environments: dictionary should have at least 1 item after validation, not 0, got keys and values",
    ),
]


@pytest.mark.parametrize(("old", "new", "line", "complaint"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_message_states_what_is_wrong_and_what_to_write(
    tmp_path: Path, old: str, new: str, line: int, complaint: str
) -> None:
    assert f"allthrive.yaml:{line}: {complaint}" in complaints(tmp_path, edited((old, new)))


def test_the_manifest_without_these_mistakes_is_accepted(tmp_path: Path) -> None:
    assert complaints(tmp_path, ALLTHRIVE) == []


def test_several_problems_are_reported_at_once(tmp_path: Path) -> None:
    text = edited(
        ("    port: 8000", "    prot: 8000"), (WEB_COUNT, "count: two\n    scaling"), ("zones: 3", "zones: 9")
    )

    assert [line.split(": ")[1] for line in complaints(tmp_path, text)] == [
        "services.web.count",
        "services.web.prot",
        "environments.production.network.zones",
    ]


def test_several_contradictions_are_reported_at_once(tmp_path: Path) -> None:
    text = edited((WEB_IMAGE, WEB_IMAGE.replace("backend", "back")), ("nat: gateway, nat_count: 2", "nat: none"))

    assert [line.split(": ")[1] for line in complaints(tmp_path, text)] == [
        "services.web.image",
        "environments.production.network.nat",
    ]


def test_a_role_name_over_the_limit_is_reported_too(tmp_path: Path) -> None:
    text = edited(
        (NAME, "name: allthrive-community-serv\ndescription"), ("  production:", "  production-of-the-union:")
    )

    assert any("the role would be named" in line and "AWS allows 64" in line for line in complaints(tmp_path, text))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("allthriv", "allthriv.yaml: no such file; did you mean 'allthrive'?"),
        ("book-shop", "book-shop.yaml: no such file; write one of: allthrive, edenco"),
        ("../allthrive", "../allthrive.yaml: no such file; did you mean 'allthrive'?"),
        (None, "-c product=…: missing; write one of: allthrive, edenco"),
        ("", "-c product=…: missing; write one of: allthrive, edenco"),
    ],
)
def test_a_missing_or_unknown_product_is_answered_with_the_known_ones(
    tmp_path: Path, name: str | None, message: str
) -> None:
    for known in ("allthrive", "edenco"):
        (tmp_path / f"{known}.yaml").touch()

    with pytest.raises(ManifestError) as error:
        load(name, tmp_path)

    assert str(error.value).replace(f"{tmp_path}/", "") == message


def test_an_empty_file_is_reported(tmp_path: Path) -> None:
    assert complaints(tmp_path, "") == ["allthrive.yaml: expected keys and values, e.g. `name: allthrive`"]


def test_a_list_is_reported(tmp_path: Path) -> None:
    assert complaints(tmp_path, "- name\n") == ["allthrive.yaml: expected keys and values, e.g. `name: allthrive`"]


def test_a_file_that_is_not_text_is_reported(tmp_path: Path) -> None:
    (tmp_path / "allthrive.yaml").write_bytes(b"name: \xff\xfe")

    with pytest.raises(ManifestError, match="cannot be read as UTF-8 text"):
        load("allthrive", tmp_path)


def test_a_manifest_that_is_nested_too_deeply_is_reported(tmp_path: Path) -> None:
    assert complaints(tmp_path, "[" * 1500) == ["allthrive.yaml:1: not YAML: nested too deeply for a manifest"]
