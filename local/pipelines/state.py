"""The pipelines and jobs of this process."""

from __future__ import annotations

from local import settings
from local.pipelines.jobs import Jobs
from local.pipelines.store import Store

STORE = Store(settings.current().state / "pipelines")
JOBS = Jobs(STORE)
