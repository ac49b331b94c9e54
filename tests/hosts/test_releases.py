"""A release on a host, with real containers: it runs, or the one before runs again."""

from __future__ import annotations

import stat
from collections.abc import Callable

import pytest

from tests.hosts.machine import PASSWORD
from tests.hosts.releases import COMPOSE, Shop

pytestmark = [pytest.mark.docker, pytest.mark.slow]

UNHEALTHY = '["sh", "-c", "echo cannot find the templates; rm /www/version; exec httpd -f -p 8000 -h /www"]'
ENDS = '["sh", "-c", "echo no such module; exit 3"]'


def test_a_release_runs_with_its_files_values_and_images(shop: Shop) -> None:
    sha = shop.release("1.0.0")

    ended = shop.run("apply", sha)

    assert ended.code == 0, ended.printed
    digest = shop.images()[0].partition("@")[2]
    assert ended.report == {
        "release": sha,
        "version": "1.0.0",
        "images": {"web": digest, "worker": digest},
        "state": "running",
    }
    assert (shop.get("/version"), shop.get("/index.html")) == ("1.0.0", "page of 1.0.0")
    variables = shop.containers()["web"]["Config"]["Env"]
    assert {f"DB_PASSWORD={PASSWORD}", "URL=postgres://shop@db", "VERSION=1.0.0"} <= set(variables)
    for name in (".env", ".env.app", ".slipway/state.json"):
        assert stat.S_IMODE((shop.machine.folder / name).stat().st_mode) & 0o077 == 0 or name.startswith(".slipway")
    assert stat.S_IMODE((shop.machine.folder / ".slipway").stat().st_mode) == 0o700
    assert PASSWORD not in ended.printed
    assert not (shop.machine.folder / ".slipway" / "docker").exists()  # the registry's password
    assert shop.run("report").report == ended.report


@pytest.mark.long
def test_the_next_release_replaces_files_and_containers_and_keeps_data(shop: Shop) -> None:
    shop.run("apply", shop.release("1.0.0", old__file="x"))
    (shop.machine.folder / "media" / "upload").write_text("a visitor's\n")
    shop.inside("web", "sh", "-c", "echo kept >/data/rows")
    first = shop.containers()

    sha = shop.release("1.1.0")
    ended = shop.run("apply", sha)

    assert (ended.code, ended.report["state"], ended.report["release"]) == (0, "running", sha)
    assert shop.get("/index.html") == "page of 1.1.0"
    assert not (shop.machine.folder / "old__file").exists()
    assert shop.get("/media/upload") == "a visitor's"
    assert shop.inside("web", "cat", "/data/rows") == "kept"
    assert all(shop.containers()[name]["Id"] != first[name]["Id"] for name in first)


@pytest.mark.parametrize(
    ("command", "said"), [(UNHEALTHY, "cannot find the templates"), (ENDS, "no such module")], ids=["unhealthy", "ends"]
)
def test_after_a_failure_the_release_before_runs_again(shop: Shop, command: str, said: str) -> None:
    old = shop.release("1.0.0")
    assert (first := shop.run("apply", old)).code == 0, first.printed

    ended = shop.run("apply", shop.release("1.1.0", command))

    assert ended.code == 1
    assert (ended.report["state"], ended.report["release"], ended.report["version"]) == ("restored", old, "1.0.0")
    assert shop.get("/index.html") == "page of 1.0.0"
    assert f"  | {said}" in ended.printed
    assert "1.0.0 runs again" in ended.printed


@pytest.mark.long
@pytest.mark.long
def test_a_first_release_that_fails_says_that_there_is_none_before(shop: Shop) -> None:
    ended = shop.run("apply", shop.release("1.0.0", UNHEALTHY))

    assert (ended.code, ended.report["state"], ended.report["release"]) == (1, "failed", "")
    assert "there is no other release to go back to" in ended.printed


@pytest.mark.long
@pytest.mark.long
def test_a_status_page_that_does_not_answer_is_a_failure(shop: Shop) -> None:
    old = shop.release("1.0.0")
    assert (first := shop.run("apply", old)).code == 0, first.printed
    shop.machine.configuration["verify"]["path"] = "/1.1.0"
    (shop.machine.folder / "media").mkdir(exist_ok=True)

    ended = shop.run("apply", shop.release("1.1.0"))

    assert (ended.code, ended.report["state"]) == (1, "failed")  # the release before has no such page either
    assert "/1.1.0 never answered with success in 5 tries: it answered 404" in ended.printed


@pytest.mark.parametrize("broken", ["a secret", "an image", "the bundle", "compose"])
@pytest.mark.long
def test_what_fails_before_the_change_leaves_the_containers_alone(shop: Shop, broken: str) -> None:
    old = shop.release("1.0.0")
    assert (first := shop.run("apply", old)).code == 0, first.printed
    before = {name: described["Id"] for name, described in shop.containers().items()}
    breaking: dict[str, Callable[[], str]] = {
        "a secret": lambda: without_secrets(shop, shop.release("1.1.0")),
        "an image": lambda: shop.machine.release(
            "1.1.0", {"web": f"{shop.registry}/shop/web@sha256:{'0' * 64}"}, {"docker-compose.yml": COMPOSE % shop.port}
        ),
        "the bundle": lambda: changed(shop, shop.release("1.1.0")),
        "compose": lambda: shop.release("1.1.0", compose="services: {web: {imge: x}}"),
    }

    ended = shop.run("apply", breaking[broken]())

    assert (ended.code, ended.report["state"], ended.report["release"]) == (1, "restored", old)
    assert "FAILED before anything was changed" in ended.printed
    assert {name: described["Id"] for name, described in shop.containers().items()} == before
    assert shop.get("/index.html") == "page of 1.0.0"


def without_secrets(shop: Shop, sha: str) -> str:
    shop.machine.fail("get-secret-value")
    return sha


def changed(shop: Shop, sha: str) -> str:
    for path in (shop.machine.aws / "s3" / "bundles").iterdir():
        path.write_bytes(path.read_bytes() + b"x")
    return sha


@pytest.mark.long
def test_an_application_of_the_current_release_does_nothing_while_it_runs_and_repairs_it_otherwise(shop: Shop) -> None:
    shop.machine.make_current(shop.release("1.0.0"))
    assert shop.run("apply").code == 0
    first = shop.containers()["web"]["Id"]

    again = shop.run("apply")
    assert (again.code, shop.containers()["web"]["Id"]) == (0, first)
    assert "it runs already" in again.printed

    shop.machine.secret("database", '{"username": "shop", "password": "rotated"}')
    assert shop.run("apply").code == 0
    assert "DB_PASSWORD=rotated" in shop.containers()["web"]["Config"]["Env"]


@pytest.mark.long
@pytest.mark.long
def test_two_releases_are_kept_and_older_images_removed(shop: Shop) -> None:
    releases = [shop.release(f"1.{number}.0") for number in range(3)]
    for sha in releases:
        assert shop.run("apply", sha).code == 0

    assert len(shop.images()) == 2
    kept = {path.name for path in (shop.machine.folder / ".slipway" / "records").iterdir()}
    assert kept == set(releases[1:])
    assert shop.run("restore", releases[1]).report["version"] == "1.1.0"


@pytest.mark.long
@pytest.mark.long
def test_a_service_that_ends_with_0_is_no_failure(shop: Shop) -> None:
    once = "  once: {image: '${WEB_IMAGE}', command: ['true']}\nvolumes:"
    ended = shop.run(
        "apply", shop.release("1.0.0", compose=(COMPOSE % shop.port).replace("volumes: {data", once + " {data"))
    )

    assert (ended.code, ended.report["state"]) == (0, "running"), ended.printed
    assert set(ended.report["images"]) == {"web", "worker"}


@pytest.mark.long
def test_after_a_kill_in_the_middle_the_next_run_repairs(shop: Shop) -> None:
    old, new = shop.release("1.0.0"), shop.release("1.1.0", UNHEALTHY)
    assert (first := shop.run("apply", old)).code == 0, first.printed
    process = shop.machine.start("apply", new)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("recreating the containers"):
            break
    process.kill()
    process.communicate()
    assert shop.run("report").report["state"] == "failed"

    ended = shop.run("restore", old)

    assert (ended.code, ended.report["state"], ended.report["release"]) == (0, "running", old)
    assert shop.get("/index.html") == "page of 1.0.0"


def test_migrations_run_with_the_new_files_beside_what_runs(shop: Shop) -> None:
    assert (first := shop.run("apply", shop.release("1.0.0"))).code == 0, first.printed
    (shop.machine.folder / "media" / "upload").write_text("a visitor's\n")
    before = {name: described["Id"] for name, described in shop.containers().items()}
    command = "cat /www/version /www/index.html /www/media/upload; echo $DB_PASSWORD; touch /data/migrated"
    shop.machine.configuration["migration"]["command"] = ["sh", "-c", command]

    ended = shop.run("migrate", shop.release("1.1.0"))

    assert ended.code == 0, ended.printed
    assert "  | 1.1.0\n  | page of 1.1.0\n  | a visitor's\n  | ***\n" in ended.printed
    assert {name: described["Id"] for name, described in shop.containers().items()} == before
    assert shop.get("/index.html") == "page of 1.0.0"
    assert shop.inside("web", "ls", "/data") == "migrated"
    assert not (shop.machine.folder / ".slipway" / "migration").exists()


@pytest.mark.long
def test_a_failed_migration_shows_what_it_printed(shop: Shop) -> None:
    shop.machine.configuration["migration"]["command"] = ["sh", "-c", "echo relation exists; exit 4"]

    ended = shop.run("migrate", shop.release("1.0.0"))

    assert ended.code == 1
    assert "  | relation exists\nFAILED: the migration ended with 4" in ended.printed


@pytest.mark.long
@pytest.mark.long
def test_a_migration_that_hangs_is_killed(shop: Shop) -> None:
    shop.machine.configuration["migration"] |= {"command": ["sleep", "1000"], "timeout_seconds": 3}

    ended = shop.run("migrate", shop.release("1.0.0"))

    assert ended.code == 1
    assert "did not end within 3 seconds and was killed" in ended.printed
    assert not shop.containers()


@pytest.mark.long
@pytest.mark.long
def test_before_the_first_release_a_migration_starts_what_it_needs(shop: Shop) -> None:
    shop.machine.configuration["migration"] |= {
        "service": "worker",
        "command": ["wget", "-qO-", "http://web:8000/version"],
    }
    sha = shop.release("1.0.0")

    ended = shop.run("migrate", sha)

    assert ended.code == 0, ended.printed
    assert "  | 1.0.0" in ended.printed
    assert shop.run("apply", sha).report["state"] == "running"


@pytest.mark.parametrize("user", ["root", "app", "1234:1234"])
@pytest.mark.long
def test_a_container_reads_its_password_file_and_nobody_else_may(shop: Shop, user: str) -> None:
    image = shop.image("1.0.0", user=user)
    service = {
        "image": "${WEB_IMAGE}",
        "init": True,
        "environment": {"PGPASSFILE": "/run/secrets/pgpass"},
    }
    shop.machine.configuration |= {
        "rendered": {"services": {"web": service}},
        "pgpass": [["db:5432:shop:shop:", {"secret": "database", "key": "password"}]],
        "verify": None,
    }

    shop.machine.configuration["migration"]["command"] = ["sh", "-c", "ls -ln $PGPASSFILE; wc -c <$PGPASSFILE"]
    sha = shop.machine.release("1.0.0", {"web": image}, {"README": "x"})

    migrated, ended = shop.run("migrate", sha), shop.run("apply", sha)

    assert "-rw-------" in migrated.printed
    assert (migrated.code, ended.code) == (0, 0), migrated.printed + ended.printed
    assert shop.inside("web", "sh", "-c", "cat $PGPASSFILE") == f"db:5432:shop:shop:{PASSWORD}"
    assert shop.inside("web", "stat", "-c", "%a %u", "/run/secrets/pgpass") == f"600 {0 if user == 'root' else 1234}"
    assert PASSWORD not in ended.printed
