"""Settings, and the command line around them."""

import contextlib
import io
import unittest
from pathlib import Path

from recommendations.config import Address, Config, ConfigError
from recommendations.entry import main

GOOD = {
    "LISTEN": "0.0.0.0:8080",
    "DATA_DIR": "/data",
    "KAFKA_BROKERS": "broker:9092",
    "AUTH_URL": "http://auth:8080/",
}


class ConfigTest(unittest.TestCase):
    def refused(self, **over: str) -> str:
        with self.assertRaises(ConfigError) as told:
            Config.read(GOOD | over)
        return str(told.exception)

    def test_what_is_not_set_has_a_value_where_one_is_sensible(self) -> None:
        read = Config.read(GOOD)
        self.assertEqual(read.listen, Address("0.0.0.0", 8080))
        self.assertEqual((read.data_dir, read.grace, read.log), (Path("/data"), 5.0, "info"))
        self.assertEqual((read.auth, read.bugs), ("http://auth:8080", frozenset()))
        self.assertEqual(Config.read(GOOD | {"SHUTDOWN_GRACE": "250ms"}).grace, 0.25)
        self.assertEqual(Config.read(GOOD | {"LISTEN": "[::]:80"}).listen.dialled(), ("::1", 80))

    def test_every_problem_is_told_at_once(self) -> None:
        told = self.refused(
            LISTEN="8080",
            DATA_DIR="",
            KAFKA_BROKERS="broker",
            AUTH_URL="auth:8080",
            SHUTDOWN_GRACE="2 weeks",
            LOG="",
            TEST_MODE="yes",
            SEEDED_BUGS="no-dedupe",
        )
        names = ["LISTEN", "DATA_DIR", "KAFKA_BROKERS", "AUTH_URL", "SHUTDOWN_GRACE", "LOG"]
        for name in [*names, "TEST_MODE", "SEEDED_BUGS is refused", "'no-dedupe'"]:
            self.assertIn(name, told)

    def test_addresses_and_urls_are_read_whole(self) -> None:
        for address in ("", ":80", "a:", "a:65536", "a:-1", "a b:80", "a:8 0", "::1:80", "http://a:80"):
            self.assertIn("LISTEN", self.refused(LISTEN=address))
        for url in ("", "http://", "http://:80", "ftp://a", "http://a/path", "http://a:x", "http://u@a"):
            self.assertIn("AUTH_URL", self.refused(AUTH_URL=url))
        for url in ("http://auth", "https://auth.example:8443", "http://127.1.2.3:80", "http://[::1]:80"):
            self.assertEqual(Config.read(GOOD | {"AUTH_URL": url}).auth, url)

    def test_bugs_are_refused_unless_the_test_mode_is_on(self) -> None:
        self.assertIn("TEST_MODE", self.refused(SEEDED_BUGS="no-dedup"))
        on = Config.read(GOOD | {"SEEDED_BUGS": "no-dedup, no-refund", "TEST_MODE": "on"})
        self.assertEqual(on.bugs, {"no-dedup"})
        for mode in ("on", "off"):
            none = Config.read(GOOD | {"SEEDED_BUGS": "", "TEST_MODE": mode})
            self.assertEqual(none.bugs, frozenset())


class CommandLineTest(unittest.TestCase):
    def run_main(self, *words: str, **variables: str) -> tuple[int, str]:
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            return main(list(words), variables), said.getvalue()

    def test_wrong_arguments_and_settings_end_with_2_and_say_why(self) -> None:
        for words in (["serve"], ["healthcheck", "x"], ["dead-letters"], ["dead-letters", "eat"]):
            code, said = self.run_main(*words)
            self.assertEqual(code, 2)
            self.assertIn("dead-letters list", said)
        for words in ([], ["healthcheck"], ["dead-letters", "list"]):
            code, said = self.run_main(*words)
            self.assertEqual(code, 2)
            self.assertIn("does not configure this service", said)

    def test_who_listens_nowhere_is_not_healthy(self) -> None:
        code, said = self.run_main("healthcheck", LISTEN="127.0.0.1:1")
        self.assertEqual(code, 1)
        self.assertIn("127.0.0.1:1 does not accept", said)
