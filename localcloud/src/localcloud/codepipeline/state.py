"""The pipelines and jobs of this process."""

from __future__ import annotations

from localcloud import settings
from localcloud.codepipeline.jobs import Jobs
from localcloud.codepipeline.store import Store

STORE = Store(settings.current().state / "pipelines")
JOBS = Jobs(STORE)
