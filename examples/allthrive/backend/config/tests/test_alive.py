from __future__ import annotations

import os
import time

from django.test import SimpleTestCase

from config import alive


class AliveContainer(SimpleTestCase):
    def setUp(self) -> None:
        alive.file("tested").unlink(missing_ok=True)
        self.addCleanup(alive.file("tested").unlink, missing_ok=True)

    def test_a_process_that_works_passes(self) -> None:
        alive.record("tested")
        self.assertIsNone(alive.problem("tested", time.time()))

    def test_a_process_that_never_began_fails(self) -> None:
        self.assertIn("has not started its work yet", str(alive.problem("tested", time.time())))

    def test_a_process_that_hangs_fails_with_the_seconds(self) -> None:
        alive.record("tested")
        os.utime(alive.file("tested"), (time.time() - 500, time.time() - 500))
        self.assertIn("nothing for 500 seconds", str(alive.problem("tested", time.time())))
