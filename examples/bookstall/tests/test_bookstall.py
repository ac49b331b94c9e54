import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from bookstall.books.models import Book

pytestmark = pytest.mark.django_db
PICTURE = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def reader(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("reader", password="a-long-password"))
    return client


def test_anyone_sees_the_books(client):
    Book.objects.create(title="The Waves", cover="covers/waves.png")

    assert "The Waves" in client.get(reverse("books:list")).content.decode()


def test_only_readers_with_a_login_add_books(client):
    answer = client.get(reverse("books:add"))

    assert answer.url.startswith(reverse("login"))


def test_a_cover_is_stored_under_covers(reader):
    upload = SimpleUploadedFile("cover.png", PICTURE)

    reader.post(reverse("books:add"), {"title": "Orlando", "cover": upload})

    book = Book.objects.get()
    assert book.cover.name.startswith("covers/")
    assert book.cover.read() == PICTURE


def test_a_report_counts_the_words_of_all_titles(reader):
    Book.objects.create(title="The Waves", cover="covers/waves.png")

    answer = reader.post(reverse("books:start_report"), follow=True)

    assert "Words in titles: 2" in answer.content.decode()


def test_a_page_as_a_cover_is_refused(reader):
    reader.post(reverse("books:add"), {"title": "Orlando", "cover": SimpleUploadedFile("a.html", b"<p>")})

    assert not Book.objects.exists()
