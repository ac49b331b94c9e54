"""The pages of the shop."""

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from shop.forms import OrderForm
from shop.models import Book, Order


@require_GET
def books(request):
    """List what the shop sells."""
    return render(request, "shop/books.html", {"books": Book.objects.all(), "version": settings.RELEASE_VERSION})


@require_http_methods(["GET", "POST"])
def order(request, book_id):
    """Show the form of an order, or take one; the stock never becomes negative, however many order at once."""
    book = get_object_or_404(Book, pk=book_id)
    form = OrderForm(request.POST or None)
    if form.is_valid():
        copies = form.cleaned_data["copies"]
        with transaction.atomic():
            if Book.objects.filter(pk=book.pk, stock__gte=copies).update(stock=F("stock") - copies):
                form.instance.book = book
                return redirect("receipt", form.save().number)
        form.add_error("copies", "So many are not in stock.")
    return render(request, "shop/order.html", {"book": book, "form": form}, status=400 if form.is_bound else 200)


@require_GET
def receipt(request, number):
    """Show what was ordered."""
    return render(request, "shop/receipt.html", {"order": get_object_or_404(Order, pk=number)})


@require_GET
def health(request):
    """Answer while the process runs; a database that is down is no reason to restart it."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_GET
def status(request):
    """Name the release that runs, and whether the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        works = False
    else:
        works = True
    digest = settings.RELEASE_IMAGE.partition("@")[2] or None
    body = {"version": settings.RELEASE_VERSION, "image_digest": digest, "database": works}
    return JsonResponse(body, status=200 if works else 503)
