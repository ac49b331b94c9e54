"""The times of AWS and of builds that the model of pipelines adds up, each with its source.

Nothing here was measured on AWS by us. `slipway follow --times FILE` records the actions of a real run, and
`python -m bench.critical_path FILE` shows them beside the model: correct the numbers that differ, and their sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Origin = Literal["documented", "reported", "configured", "measured", "estimated"]


@dataclass(frozen=True)
class Time:
    """A time, and why it is assumed."""

    seconds: float
    origin: Origin
    """`documented` by AWS; `reported` by users; `configured` in this repository; `measured` on the local cloud on two
    cores; `estimated` from the others, for lack of a source."""
    source: str
    read: str
    """The day on which the source was read or the time was measured."""


_DAY = "2026-11-30"
_LOCAL = "a push of AllThrive on the local cloud, warm: `python -m bench.side_by_side`"
_ISSUES = "github.com/aws/aws-codebuild-docker-images/issues"

TIMES: dict[str, Time] = {
    # --- CodePipeline ------------------------------------------------------------------------------------------------
    "trigger": Time(5, "estimated", "a push reaches CodePipeline by the connection's webhook", _DAY),
    "source": Time(8, "estimated", "CodeConnections fetches the commit and writes its archive to S3", _DAY),
    "transition": Time(4, "estimated", "CodePipeline starts an action, and notices its end", _DAY),
    "invoke": Time(2, "estimated", "a Lambda function starts, makes a few calls and answers the job", _DAY),
    "continue": Time(
        15,
        "estimated",
        "a function that waits is called again; AWS's page 'AWS Lambda invoke action reference' names no interval",
        _DAY,
    ),
    # --- CodeBuild ---------------------------------------------------------------------------------------------------
    "queue": Time(1, "documented", "User Guide, 'View summarized build information': SUBMITTED 0 s", _DAY),
    "provision machine": Time(
        45,
        "reported",
        f"barkingiguana.com, 'Choosing CodeBuild Compute': 60 s; {_ISSUES}/793 and /424: 180 s and more in regions "
        "whose machines do not cache the image; AWS's example of a whole build takes 90 s",
        _DAY,
    ),
    "provision lambda": Time(
        8,
        "documented",
        "User Guide, 'Run builds on AWS Lambda compute': lower start-up latency, no queue; the number is estimated",
        _DAY,
    ),
    "download": Time(2, "reported", "logs in github.com/aws/aws-cdk/issues/23835: 1 to 2 s from S3", _DAY),
    "finish": Time(3, "estimated", "reports, artifacts and logs are uploaded", _DAY),
    # --- pulls and installs, which are warm on the local cloud -------------------------------------------------------
    "pull small": Time(5, "estimated", "PostgreSQL, Redis or nginx on Alpine: 100 MB from ECR Public", _DAY),
    "pull runtime": Time(6, "estimated", "python or node, slim: 60 MB compressed", _DAY),
    "pull playwright": Time(40, "estimated", "mcr.microsoft.com/playwright: 0.9 GB compressed, 2.3 GB unpacked", _DAY),
    "install python": Time(25, "estimated", "pip of AllThrive's 60 packages and its tools, without a cache", _DAY),
    "install node": Time(15, "estimated", "npm ci of the frontend, without a cache", _DAY),
    "install e2e": Time(6, "estimated", "npm ci of Playwright's package, whose image has the browsers", _DAY),
    # --- work of builds ----------------------------------------------------------------------------------------------
    "backend": Time(25, "measured", _LOCAL, _DAY),
    "migrations": Time(15, "measured", _LOCAL, _DAY),
    "frontend": Time(30, "measured", _LOCAL, _DAY),
    "seo": Time(3, "measured", _LOCAL, _DAY),
    "browser": Time(40, "measured", _LOCAL, _DAY),
    "other check": Time(30, "estimated", "a check of the product's own", _DAY),
    "image": Time(25, "measured", _LOCAL, _DAY),
    "push": Time(8, "estimated", "100 MB of new layers to ECR in the same region", _DAY),
    "copy layers": Time(5, "estimated", "the new layers of an image, 20 MB, by a function from ECR to ECR", _DAY),
    "bundle": Time(10, "measured", _LOCAL, _DAY),
    "collect": Time(5, "measured", "a push of Edenco on the local cloud", _DAY),
    "scan": Time(20, "estimated", "ECR's basic scan of a pushed image, asked for every 5 s", _DAY),
    "publish frontend": Time(8, "measured", _LOCAL, _DAY),
    "smoke": Time(5, "measured", "the demo of the showcase", _DAY),
    "e2e": Time(22, "measured", _LOCAL, _DAY),
    # --- ECS ---------------------------------------------------------------------------------------------------------
    "update stack": Time(15, "estimated", "CloudFormation begins an update, and ends it after its last resource", _DAY),
    "start task": Time(
        40,
        "reported",
        "nathanpeck.com, 'Speeding up Amazon ECS container deployments'; Fargate attaches a network interface and "
        "pulls the image each time",
        _DAY,
    ),
    "healthy": Time(30, "configured", "slipway.health_checks: a command every 30 s; a target twice every 10 s", _DAY),
    "drain": Time(30, "configured", "stop_timeout, the default of a service; also the deregistration delay", _DAY),
    "steady": Time(15, "estimated", "ECS finds the service steady, and CloudFormation notices it", _DAY),
    "migrate": Time(5, "measured", _LOCAL, _DAY),
    # --- hosts, clusters and CloudFront ------------------------------------------------------------------------------
    "command": Time(8, "estimated", "Systems Manager delivers a command, and its end is noticed", _DAY),
    "pull on host": Time(15, "estimated", "the new layers of two images onto a t4g.small", _DAY),
    "recreate": Time(40, "measured", "a push of Edenco on the local cloud: containers recreated and healthy", _DAY),
    "drain host": Time(30, "configured", "stacks/machines.py: deregistration delay, and two health checks", _DAY),
    "invalidate": Time(
        30, "estimated", "CloudFront completes an invalidation of a few paths; AWS's waiter asks every 20 s", _DAY
    ),
    # --- CDK Pipelines -----------------------------------------------------------------------------------------------
    "cdk synth": Time(60, "estimated", "npm ci, pip install and cdk synth; our own synth takes 8 to 10 s of it", _DAY),
    "self mutation": Time(
        45, "reported", "github.com/aws/aws-cdk/issues/14158: four minutes of each run before the first stage", _DAY
    ),
    "change set": Time(15, "estimated", "CloudFormation creates a change set", _DAY),
    "unchanged stack": Time(5, "estimated", "CloudFormation executes an empty change set", _DAY),
    # --- the flow `infrastructure` -----------------------------------------------------------------------------------
    "platform": Time(240, "estimated", "install, format, lint, types and tests of this repository", _DAY),
    "policy": Time(120, "estimated", "the policy gate", _DAY),
    "review": Time(60, "estimated", "the templates are compared with the deployed stacks", _DAY),
    "deploy stacks": Time(180, "estimated", "cdk deploy of an environment, with one changed stack", _DAY),
}
