from celery.result import AsyncResult
from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.http import require_POST
from django.views.generic import CreateView, ListView

from .models import Book
from .tasks import count_words


class BookList(ListView):
    queryset = Book.objects.order_by("-added")


class BookAdd(LoginRequiredMixin, CreateView):
    model = Book
    fields = ["title", "cover"]
    success_url = reverse_lazy("books:list")


@login_required
@require_POST
def start_report(request):
    return redirect("books:report", count_words.delay().id)


@login_required
def report(request, task):
    result = AsyncResult(str(task))
    return render(request, "books/report.html", {"state": result.state, "words": result.result})
