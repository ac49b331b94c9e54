from __future__ import annotations

from io import StringIO
from typing import Any

from django.core.management import CommandError, call_command
from django.test import TestCase

from catalog.models import Category, Question, Quiz, Taxonomy, Tool, Topic

IN_DOCUMENTED_ORDER = ["seed_topics", "seed_taxonomies", "seed_categories", "seed_tools", "seed_quizzes"]


class Seeds(TestCase):
    def test_in_the_documented_order_they_fill_every_table(self) -> None:
        seed_all()
        for model in (Topic, Taxonomy, Category, Tool, Quiz, Question):
            with self.subTest(model.__name__):
                self.assertTrue(model.objects.exists())

    def test_a_second_run_leaves_the_same_rows(self) -> None:
        seed_all()
        before = rows()
        seed_all()
        self.assertEqual(rows(), before)

    def test_each_command_prints_what_it_did(self) -> None:
        self.assertEqual(run("seed_taxonomies"), "taxonomies: 2 created, 0 already there\n")
        self.assertEqual(run("seed_taxonomies"), "taxonomies: 0 created, 2 already there\n")

    def test_a_changed_row_is_restored(self) -> None:
        run("seed_topics")
        Topic.objects.filter(slug="writing").update(name="Something else")
        run("seed_topics")
        self.assertEqual(Topic.objects.get(slug="writing").name, "Writing")

    def test_a_question_that_is_not_in_the_seed_file_is_deleted(self) -> None:
        seed_all()
        quiz = Quiz.objects.get(slug="research-basics")
        Question.objects.create(quiz=quiz, position=99, prompt="Old?", answer="Yes")
        run("seed_quizzes")
        self.assertFalse(Question.objects.filter(position=99).exists())

    def test_the_wrong_order_is_explained(self) -> None:
        with self.assertRaisesMessage(CommandError, "run seed_taxonomies first"):
            run("seed_categories")


def run(command: str) -> str:
    output = StringIO()
    call_command(command, stdout=output)
    return output.getvalue()


def seed_all() -> None:
    for command in IN_DOCUMENTED_ORDER:
        run(command)


def rows() -> list[list[dict[str, Any]]]:
    return [list(model.objects.order_by("pk").values()) for model in (Topic, Taxonomy, Category, Tool, Quiz, Question)]
