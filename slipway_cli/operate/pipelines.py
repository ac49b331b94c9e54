"""The pipelines of a product, read from CodePipeline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from products import Product
from products.errors import nearest
from products.flows import Delivery
from products.infrastructure_flow import every
from slipway_cli.operate.errors import OperateError, code
from slipway_cli.runs import Entry, Run, State, Waiting
from slipway_cli.typed import command

LISTED = 100  # newest runs that are read
_PATIENCE = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 4})
_CONSOLE = "{place}/codesuite/codepipeline/pipelines/{name}/executions/{run}/visualization?region={region}"


@dataclass(frozen=True)
class Pipeline:
    """One pipeline."""

    desk: Desk
    delivery: Delivery

    @property
    def name(self) -> str:
        """The pipeline's name in CodePipeline."""
        return self.delivery.pipeline

    @property
    def flow(self) -> str:
        """The flow's name in the manifest."""
        return self.delivery.flow_name

    @property
    def source(self) -> str:
        """The action that reads the repository."""
        return self.delivery.stages[0].actions[0].name

    def command(self, verb: str, **options: str | bool) -> str:
        """Returns the command of a verb for this pipeline."""
        return command(verb, self.flow, **options)

    def entries(self, limit: int = LISTED, *, succeeded_in: str = "") -> list[Entry]:
        """Returns the newest runs, newest first."""
        only = {"filter": {"succeededInStage": {"stageName": succeeded_in}}} if succeeded_in else {}
        pages = self.desk.client.get_paginator("list_pipeline_executions")
        rows = (
            Entry.of(row)
            for page in pages.paginate(pipelineName=self.name, PaginationConfig={"PageSize": min(limit, 100)}, **only)
            for row in page.get("pipelineExecutionSummaries") or []
        )
        return sorted(islice(rows, limit), key=lambda entry: entry.started, reverse=True)

    def run(self, entry: Entry) -> Run:
        """Returns a run with its actions."""
        return Run.of(entry, self._actions(entry.id), pipeline=self.name)

    def _actions(self, run: str) -> list[Any]:
        pages = self.desk.client.get_paginator("list_action_executions")
        result_pages = pages.paginate(pipelineName=self.name, filter={"pipelineExecutionId": run})
        try:
            return [row for page in result_pages for row in page.get("actionExecutionDetails") or []]
        except ClientError as error:
            if code(error) == "PipelineExecutionNotFoundException":  # it has begun no action yet
                return []
            raise

    def state(self) -> State:
        """Returns the state of the stages."""
        return State.of(self.desk.client.get_pipeline_state(name=self.name))

    def link(self, run: str) -> str:
        """Returns the address of a run in the console of AWS, or of the cloud that replaces AWS."""
        region, endpoint = self.desk.product.tooling.region, str(self.desk.client.meta.endpoint_url)
        place = f"https://{region}.console.aws.amazon.com" if ".amazonaws.com" in endpoint else endpoint
        return _CONSOLE.format(place=place, region=region, name=self.name, run=run)


@dataclass(frozen=True)
class Desk:
    """A product and its pipelines."""

    product: Product

    @cached_property
    def client(self) -> Any:
        """The client of CodePipeline, in the region of the product's tooling."""
        return boto3.client("codepipeline", region_name=self.product.tooling.region, config=_PATIENCE)

    @cached_property
    def pipelines(self) -> tuple[Pipeline, ...]:
        """All pipelines of the product.

        Raises:
            OperateError: if the product has none.
        """
        found = tuple(Pipeline(self, delivery) for delivery in every(self.product))
        if not found:
            name = self.product.name
            raise OperateError(
                f"product '{name}' has no pipelines: products/{name}.yaml has no section 'pipeline'",
                "docs/manifest.md describes that section",
                exit_code=2,
            )
        return found

    def pipeline(self, flow: str) -> Pipeline:
        """Returns the pipeline of a flow, by the flow's or the pipeline's name."""
        for pipeline in self.pipelines:
            if flow in (pipeline.flow, pipeline.name):
                return pipeline
        known = [pipeline.flow for pipeline in self.pipelines]
        name = self.product.name
        raise OperateError(f"no flow '{flow}' in {name}{nearest(flow, known)}", command("status"), exit_code=2)

    def chosen(self, flow: str | None) -> tuple[Pipeline, ...]:
        """Returns the pipeline of a flow, or all pipelines."""
        return (self.pipeline(flow),) if flow else self.pipelines

    def waiting(self, flow: str | None, stage: str | None) -> list[tuple[Pipeline, Waiting]]:
        """Returns the waiting approvals."""
        return [
            (pipeline, waiting)
            for pipeline in self.chosen(flow)
            for waiting in pipeline.state().waiting
            if stage in (None, waiting.stage)
        ]


def by_id(entries: Iterable[Entry], start: str) -> list[Entry]:
    """Returns the runs whose id begins with a text."""
    return [entry for entry in entries if entry.id.startswith(start.lower())]
