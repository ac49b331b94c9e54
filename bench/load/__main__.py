"""`python -m bench.load`: pushes a change to the running demo and measures its deployment to production under load.

While CodePipeline deploys production, visitors send 20 requests a second, workers run a queue of tasks, and one worker
is killed. Exit code 1 if a request failed, or a task was lost or done twice; 2 if there is nothing to measure.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from botocore.exceptions import BotoCoreError, ClientError

from bench.load.demo import Demo, NoDemoError, NothingToMeasureError
from bench.load.tasks import Queue, log_lines, wait_for
from bench.load.traffic import Traffic
from products import names
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.verify import get

_REDELIVERED = 90.0  # seconds: the example's visibility timeout of 60, and its tasks
_BEFORE, _AFTER = 5.0, 10.0


def main() -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second")
    parser.add_argument("--tasks", type=int, default=40, help="in the queue at the start; then one a second")
    parser.add_argument("--if-up", action="store_true", help="without a running demo, exit with 0")
    options = parser.parse_args()
    try:
        return _measure(Demo.found(), options.rate, options.tasks)
    except NoDemoError as error:
        print(f"no figures of a deployment under load: {error}", file=sys.stderr)
        return 0 if options.if_up else 2
    except (NothingToMeasureError, ReleaseError, ClientError, BotoCoreError) as error:
        print(f"no figures: {error}", file=sys.stderr)
        return 2


def _measure(demo: Demo, rate: float, tasks: int) -> int:
    url = demo.url
    print(
        f"load {os.getloadavg()[0]:.1f} at the start; a push goes to staging first, which takes some minutes",
        flush=True,
    )
    run = demo.push()
    traffic = Traffic(get, [f"{url}/", f"{url}/api/v1/status/", f"{url}/api/v1/topics/"], rate)
    queue = Queue(
        lambda address, body: get(address, method="POST", body=body, content_type="application/json"),
        url,
        first=tasks,
        rate=1.0,
        seconds=2.0,
    )
    demo.approve(run)
    since = time.time()
    traffic.begin()
    queue.begin()
    try:
        demo.deploying(run)
        time.sleep(_BEFORE)
        worker, held = demo.kill_a_worker()
        print(f"killed      worker {worker} in the middle of {held} tasks, with SIGKILL, while deploying", flush=True)
        status = demo.ended(run)
        time.sleep(_AFTER)
    finally:
        queue.end()
        traffic.end()
    print(f"run         {status}; production took {demo.seconds(run, 'Production'):.0f} s")
    group = names.log_group("production", demo.product.name, "celery")
    count = wait_for(queue.ids, lambda: log_lines(demo.target.client("logs"), group, since), _REDELIVERED + tasks)
    for line in [*traffic.told(), *count.told(), *(f"refused     {task}" for task in queue.refused)]:
        print(line)
    return 0 if status == "Succeeded" and not (traffic.failed or count.lost or count.doubled or queue.refused) else 1


if __name__ == "__main__":
    sys.exit(main())
