"""Evaluates CloudWatch alarms: by dimension and period, with metric math and the configured missing data treatment.

MiniStack evaluates an alarm only when a metric arrives, mixes all its dimensions and ignores metric math. Here a thread
evaluates every alarm every few seconds. A change of state goes through SetAlarmState, which notifies SNS.
"""

from __future__ import annotations

import logging
import os
import threading
import time

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from localcloud import adapter
from localcloud.cloudwatch.alarms import log_metrics, queues, running_tasks, watch

SYMBOLS: tuple[str, ...] = (
    "ministack.core.responses:request_scope",
    "ministack.services.cloudwatch:_alarms",
    "ministack.services.cloudwatch:_evaluate_alarm",
)

logger = logging.getLogger("localcloud")
_INTERVAL_SECONDS = float(os.environ.get("LOCALCLOUD_ALARMS_EVERY", "5"))


def evaluate_all(now: float) -> None:
    """Evaluate every alarm once, and set the changed states."""
    for (account, region, name), alarm in cloudwatch._alarms.all_items():
        with request_scope(account, region):
            try:
                for source in (queues, running_tasks, log_metrics):
                    source.publish(alarm, now)
                verdict = watch.judge(alarm, now)
                if verdict and verdict.state != alarm["StateValue"]:
                    adapter.client("cloudwatch").set_alarm_state(
                        AlarmName=name, StateValue=verdict.state, StateReason=verdict.reason
                    )
            except Exception:
                logger.exception("alarm %s could not be evaluated", name)


def _watch() -> None:
    while True:
        time.sleep(_INTERVAL_SECONDS)
        evaluate_all(time.time())


def install() -> None:
    """Start the thread, in place of MiniStack's own evaluation."""
    cloudwatch._evaluate_alarm = lambda _alarm: None
    threading.Thread(target=_watch, daemon=True, name="alarms").start()
