"""The migrations build in containers: the example passes, and each unsafe migration that is planted fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builds.programs import ALLTHRIVE, Desk
from tests.builds.real import run

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.long]

HEAD = """
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("catalog", "{before}")]
"""
FIELD = "migrations.AddField('topic', '{}', models.{})"
# Each unsafe operation, the rule that finds it, and the beginning of the advice what to write instead.
UNSAFE = [
    (FIELD.format("a", "IntegerField(default=0)"), "ban-drop-default", "Write db_default"),
    ("migrations.RemoveField('topic', 'description')", "ban-drop-column", "Two releases: first one"),
    ("migrations.RenameField('tool', 'website', 'site')", "renaming-column", "give the field db_column"),
    ("migrations.AlterField('category', 'name', models.TextField())", "changing-column-type", "Add a column of the"),
    (
        "migrations.AddIndex('tool', models.Index(fields=['name'], name='i'))",
        "require-concurrent-index-creation",
        "Use AddIndexConc",
    ),
    (
        "migrations.AddConstraint('tool', models.CheckConstraint(condition=models.Q(name__gt=''), name='c'))",
        "constraint-missing-not-valid",
        "AddConstraintNotValid",
    ),
    (
        "migrations.AddConstraint('tool', models.UniqueConstraint(fields=['name'], name='u'))",
        "disallowed-unique-constraint",
        "CREATE UNIQUE INDEX",
    ),
    (
        FIELD.format("tool", "ForeignKey('catalog.tool', models.SET_NULL, null=True)"),
        "adding-foreign-key-constraint",
        "db_constraint=False",
    ),
    ("migrations.RenameModel('quiz', 'test')", "renaming-table", "Meta.db_table"),
    ("migrations.DeleteModel('question')", "ban-drop-table", "Two releases: first one"),
]


def plant_migrations(source: Path, *operations: str, head: str = "") -> None:
    """Writes one migration per operation, in this order."""
    before = "0001_catalog"
    for number, operation in enumerate(operations, start=2):
        name = f"{number:04}_planted"
        text = head + HEAD.format(before=before) + f"    operations = [{operation}]\n"
        (source / "backend" / "catalog" / "migrations" / f"{name}.py").write_text(text)
        before = name


def test_the_migrations_of_the_example_are_safe(desk: Desk, values: dict[str, str]) -> None:
    result, printed = run(desk, "migrations", ALLTHRIVE, values)
    assert result.succeeded, printed[-3000:]
    assert "1 migrations looked at, all applied; lock_timeout is 2 s" in printed


def test_every_unsafe_migration_is_refused_with_what_to_write_instead(
    desk: Desk, values: dict[str, str], source: Path
) -> None:
    plant_migrations(source, *(operation for operation, _, _ in UNSAFE))
    result, printed = run(desk, "migrations", source, values)
    assert not result.succeeded
    for number, (_, rule, instead) in enumerate(UNSAFE, start=2):
        _, found, advice = printed.partition(f"\ncatalog.{number:04}_planted: {rule}\n")
        assert found, (rule, printed[-6000:])
        assert instead in advice.partition("Instead: ")[2].partition("\n")[0], rule


def test_safe_migrations_and_accepted_ones_pass(desk: Desk, values: dict[str, str], source: Path) -> None:
    index = "AddIndexConcurrently('topic', models.Index(fields=['name'], name='i'))"
    patient = "migrations.RunSQL('SET lock_timeout = 0')"
    plant_migrations(
        source,
        FIELD.format("a", "IntegerField(db_default=0)"),
        FIELD.format("b", "IntegerField(null=True)"),
        f"{patient}, {index}, migrations.RunSQL('RESET lock_timeout')]; atomic = False; rest = [",
    )
    dropped = source / "backend" / "catalog" / "migrations" / "0005_dropped.py"
    text = HEAD.format(before="0004_planted") + "    operations = [migrations.RemoveField('topic', 'description')]\n"
    dropped.write_text("# migration-lint: accept ban-drop-column: nobody has read it since 1.0\n" + text)
    result, printed = run(desk, "migrations", source, values)
    assert result.succeeded, printed[-3000:]
    assert "catalog.0005_dropped: ban-drop-column, accepted: nobody has read it since 1.0" in printed


@pytest.mark.parametrize(
    ("head", "more", "sentence"),
    [
        ("# migration-lint: accept ban-drop-column: nobody reads it\n", {}, "it accepts ban-drop-column, which is not"),
        ("# migration-lint: allow everything\n", {}, "'migration-lint: allow everything' is not understood; write"),
        ("", {"LOCK_SECONDS": "1"}, "it is 2 s, and as long may every reader wait; set 1 s or less"),
        ("", {"SINCE": "catalog.0099"}, "SINCE names 'catalog.0099', and 0 migrations are called so"),
        (
            "",
            {"SQUAWK": "no-such-package-of-anybody"},
            "The registry has no no-such-package-of-anybody that fits this version of Python.",
        ),
    ],
)
def test_wrong_settings_and_wrong_acceptances_are_refused(
    desk: Desk, values: dict[str, str], source: Path, head: str, *, more: dict[str, str], sentence: str
) -> None:
    plant_migrations(source, FIELD.format("b", "IntegerField(null=True)"), head=head)
    result, printed = run(desk, "migrations", source, values | more)
    assert not result.succeeded
    assert sentence in printed, printed[-3000:]


def test_migrations_that_have_run_are_not_checked(desk: Desk, values: dict[str, str], source: Path) -> None:
    plant_migrations(source, UNSAFE[1][0])
    result, printed = run(desk, "migrations", source, {**values, "SINCE": "catalog.0002"})
    assert result.succeeded, printed[-3000:]
    assert "0 migrations looked at" in printed


def test_a_backend_that_runs_outside_transactions_is_not_blamed_for_what_sqlmigrate_prints(
    desk: Desk, values: dict[str, str], source: Path
) -> None:
    """This backend makes AddIndex concurrent by itself, but sqlmigrate still prints BEGIN before it."""
    settings = source / "backend" / "config" / "environment.py"
    engine = "django_zero_downtime_migrations.backends.postgres"
    settings.write_text(settings.read_text().replace("django.db.backends.postgresql", engine))
    with (source / "backend" / "requirements.txt").open("a") as file:
        file.write("django-pg-zero-downtime-migrations==0.20\n")
    plant_migrations(source, "migrations.AddIndex('tool', models.Index(fields=['name'], name='i'))")
    result, printed = run(desk, "migrations", source, values)
    assert result.succeeded, printed[-3000:]
    assert "2 migrations looked at" in printed
