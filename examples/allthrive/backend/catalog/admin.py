"""The catalog in Django's admin."""

from django.contrib import admin

from catalog.models import Category, Question, Quiz, Taxonomy, Tool, Topic

admin.site.register([Topic, Taxonomy, Category, Tool])


class QuestionInline(admin.TabularInline):
    model = Question
    extra = 0


@admin.register(Quiz)
class QuizAdmin(admin.ModelAdmin):
    inlines = [QuestionInline]
