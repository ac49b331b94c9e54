"""A metric of numbers in a log whose lines are JSON."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs

_NAMESPACE = "Slipway/Logs"


@dataclass(frozen=True)
class LogMetric:
    """The numbers of one key in the lines of a log group, as a metric without dimensions.

    CloudWatch has one such metric for each name in the account and region; `prefix`, e.g. `production-allthrive`, makes
    it unique.
    """

    name: str
    prefix: str
    field: str

    def define(self, log_group: logs.LogGroup) -> None:
        """Define the filter that finds the numbers in `log_group`; lines without the key are ignored."""
        logs.MetricFilter(
            log_group,
            self.name,
            log_group=log_group,
            metric_namespace=_NAMESPACE,
            metric_name=self._metric_name,
            filter_pattern=logs.FilterPattern.number_value(f"$.{self.field}", ">=", 0),
            metric_value=f"$.{self.field}",
        )

    def largest(self) -> cloudwatch.Metric:
        """Returns the largest number of each minute."""
        return cloudwatch.Metric(
            namespace=_NAMESPACE,
            metric_name=self._metric_name,
            period=cdk.Duration.minutes(1),
            statistic=cloudwatch.Stats.MAXIMUM,
        )

    @property
    def _metric_name(self) -> str:
        return f"{self.prefix}-{self.name}"
