"""The tables of the catalog: topics, taxonomies, categories, tools and quizzes."""

from __future__ import annotations

from django.db import models


class Entry(models.Model):
    """A row with a name and a stable slug, by which seeds and URLs refer to it."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)

    class Meta:
        abstract = True
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name


class Topic(Entry):
    description = models.TextField()


class Taxonomy(Entry):
    class Meta(Entry.Meta):
        verbose_name_plural = "taxonomies"


class Category(Entry):
    taxonomy = models.ForeignKey(Taxonomy, on_delete=models.CASCADE)

    class Meta(Entry.Meta):
        verbose_name_plural = "categories"


class Tool(Entry):
    website = models.URLField()
    category = models.ForeignKey(Category, on_delete=models.CASCADE)


class Quiz(Entry):
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE)

    class Meta(Entry.Meta):
        verbose_name_plural = "quizzes"


class Question(models.Model):
    quiz = models.ForeignKey(Quiz, on_delete=models.CASCADE, related_name="questions")
    position = models.PositiveSmallIntegerField()
    prompt = models.CharField(max_length=200)
    answer = models.CharField(max_length=200)

    class Meta:
        ordering = ["quiz", "position"]
        constraints = [models.UniqueConstraint(fields=["quiz", "position"], name="one_question_per_position")]

    def __str__(self) -> str:
        return self.prompt
