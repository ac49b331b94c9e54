"""The shop, as its visitors use it."""

import tomllib
from io import StringIO

from django.conf import settings
from django.core.management import call_command
from django.test import TestCase, override_settings

from shop.models import Book, Order


class Shop(TestCase):
    def setUp(self):
        self.book = Book.objects.create(title="Walden", author="Henry David Thoreau", price="9.90", stock=3)
        self.path = f"/books/{self.book.pk}/order/"

    def order(self, copies):
        return self.client.post(self.path, {"copies": copies, "email": "ada@example.org"})

    def stock(self):
        return Book.objects.get(pk=self.book.pk).stock

    def test_a_book_is_listed_with_its_stock(self):
        self.assertContains(self.client.get("/"), "Walden by Henry David Thoreau, 9.90")
        self.assertContains(self.client.get("/"), "3 in stock")

    def test_an_order_has_a_receipt_and_takes_from_the_stock(self):
        answer = self.order(2)
        self.assertContains(self.client.get(answer["Location"]), "2 of Walden")
        self.assertEqual((self.stock(), str(Order.objects.get())), (1, "2 of Walden"))

    def test_the_last_copy_is_sold_out_then(self):
        self.order(3)
        self.assertContains(self.client.get("/"), "sold out")

    def test_more_than_the_stock_cannot_be_ordered(self):
        self.assertContains(self.order(4), "not in stock", status_code=400)
        self.assertEqual((self.stock(), Order.objects.count()), (3, 0))

    def test_what_is_no_order_is_refused(self):
        for copies in (0, -1, "many"):
            with self.subTest(copies=copies):
                self.assertEqual(self.order(copies).status_code, 400)
        self.assertEqual(self.client.post(self.path, {"copies": 1, "email": "nobody"}).status_code, 400)

    def test_the_form_is_shown_first(self):
        self.assertContains(self.client.get(self.path), "Order Walden")

    def test_a_book_that_does_not_exist_is_a_404(self):
        self.assertEqual(self.client.get("/books/0/order/").status_code, 404)

    def test_health_needs_no_database(self):
        with self.assertNumQueries(0):
            self.assertContains(self.client.get("/health/"), "ok")

    def test_the_version_is_that_of_the_project(self):
        project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
        with self.settings(RELEASE_VERSION=project["version"]):
            self.assertContains(self.client.get("/"), f"Version {project['version']}")

    @override_settings(RELEASE_VERSION="9.9.9-SNAPSHOT-0123456", RELEASE_IMAGE="registry.example/app@sha256:abc")
    def test_the_status_names_the_release_that_was_deployed(self):
        expected = {"version": "9.9.9-SNAPSHOT-0123456", "image_digest": "sha256:abc", "database": True}
        self.assertEqual(self.client.get("/status/").json(), expected)

    def test_shelves_are_stocked_once(self):
        said = StringIO()
        for _ in range(2):
            call_command("stock_shelves", stdout=said)
        self.assertEqual(said.getvalue().splitlines(), ["2 books added", "0 books added"])
        self.assertEqual(self.stock(), 3)
