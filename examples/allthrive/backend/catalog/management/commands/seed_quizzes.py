from typing import Any

from catalog.management.seeding import SeedCommand
from catalog.models import Question, Quiz


class Command(SeedCommand):
    help = "Create or refresh the quizzes and their questions."
    model = Quiz

    def seed(self, row: dict[str, Any]) -> bool:
        questions = row["questions"]
        created = super().seed({name: value for name, value in row.items() if name != "questions"})
        quiz = Quiz.objects.get(slug=row["slug"])
        for position, question in enumerate(questions, start=1):
            Question.objects.update_or_create(quiz=quiz, position=position, defaults=question)
        quiz.questions.filter(position__gt=len(questions)).delete()
        return created
