from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase
from redis import Redis

from config.environment import database, flag, image_digest, redis_url, required


class Variables(SimpleTestCase):
    def test_a_missing_variable_is_named(self) -> None:
        with self.assertRaisesMessage(ImproperlyConfigured, "set SECRET_KEY"):
            required({}, "SECRET_KEY")

    def test_an_empty_secret_counts_as_missing(self) -> None:
        with self.assertRaises(ImproperlyConfigured):
            required({"SECRET_KEY": ""}, "SECRET_KEY")

    def test_any_other_value_of_a_flag_is_an_error(self) -> None:
        with self.assertRaisesMessage(ImproperlyConfigured, "DEBUG is 'true' or 'false', got 'yes'"):
            flag({"DEBUG": "yes"}, "DEBUG", default=False)

    def test_a_flag_may_have_a_capital_letter_as_in_python(self) -> None:
        self.assertTrue(flag({"DEBUG": "True"}, "DEBUG", default=False))


class DatabaseUrl(SimpleTestCase):
    def test_a_password_may_hold_any_character(self) -> None:
        settings = database({"DATABASE_URL": "postgresql://app:p%40ss%2Fw%3A%3F@db:6432/shop"})
        self.assertEqual(settings["PASSWORD"], "p@ss/w:?")
        self.assertEqual((settings["HOST"], settings["PORT"], settings["NAME"]), ("db", 6432, "shop"))

    def test_sslmode_reaches_the_driver(self) -> None:
        settings = database({"DATABASE_URL": "postgresql://app:pw@db:5432/shop?sslmode=require"})
        self.assertEqual(settings["OPTIONS"]["sslmode"], "require")

    def test_connections_are_pooled_only_if_the_variable_says_so(self) -> None:
        url = {"DATABASE_URL": "postgresql://app:pw@db:5432/shop"}
        self.assertNotIn("pool", database(url)["OPTIONS"])
        kept = database({**url, "DATABASE_POOL": "true"})
        self.assertEqual(kept["OPTIONS"]["pool"]["max_size"], 8)
        self.assertTrue(kept["CONN_HEALTH_CHECKS"])

    def test_another_database_is_refused(self) -> None:
        with self.assertRaises(ImproperlyConfigured):
            database({"DATABASE_URL": "sqlite:///tmp/shop"})


class RedisAddress(SimpleTestCase):
    def test_a_remote_server_is_encrypted_and_verified(self) -> None:
        self.assertEqual(redis_url({"REDIS_HOST": "cache"}), "rediss://cache:6379/0?ssl_cert_reqs=required")

    def test_a_ca_file_is_used(self) -> None:
        url = redis_url({"REDIS_HOST": "cache", "REDIS_CA_FILE": "/etc/ca.pem"})
        self.assertEqual(_client_options(url)["ssl_ca_certs"], "/etc/ca.pem")

    def test_verification_can_be_turned_off(self) -> None:
        url = redis_url({"REDIS_HOST": "cache", "REDIS_TLS_VERIFY": "false", "REDIS_CA_FILE": "/etc/ca.pem"})
        self.assertEqual(_client_options(url)["ssl_cert_reqs"], "none")

    def test_a_token_may_hold_any_character(self) -> None:
        url = redis_url({"REDIS_HOST": "cache", "REDIS_AUTH_TOKEN": "a/b@c:d?"})
        self.assertEqual(_client_options(url)["password"], "a/b@c:d?")

    def test_no_token_means_no_login(self) -> None:
        url = redis_url({"REDIS_HOST": "cache", "REDIS_TLS": "false", "REDIS_AUTH_TOKEN": ""})
        self.assertEqual(url, "redis://cache:6379/0")


class ImageDigest(SimpleTestCase):
    def test_the_digest_follows_the_at_sign(self) -> None:
        self.assertEqual(image_digest("registry:5000/backend@sha256:abc"), "sha256:abc")

    def test_a_tag_is_no_digest(self) -> None:
        self.assertIsNone(image_digest("registry:5000/backend:1.2.3"))


def _client_options(url: str) -> dict[str, object]:
    return Redis.from_url(url).connection_pool.connection_kwargs
