"""Arguments that many commands have, with their completion."""

from __future__ import annotations

from typing import Annotated

import typer

from slipway_cli.commands import completing

REHEARSE, PIPELINES, RELEASES = "Rehearse on this machine", "Pipelines", "Releases"
REVIEW, MAINTAIN = "Review", "Maintain"

Product = Annotated[
    str | None,
    typer.Option(
        "--product",
        metavar="NAME",
        autocompletion=completing.products,
        help="A manifest of products/. Needed only where it cannot be told.",
    ),
]
Aws = Annotated[
    bool, typer.Option("--aws", metavar="", help="Talk to AWS, although a local cloud of this checkout is up.")
]
Flow = Annotated[
    str | None,
    typer.Argument(metavar="FLOW", autocompletion=completing.flows, help="A pipeline, e.g. main; all by default."),
]
Environment = Annotated[
    str, typer.Argument(metavar="ENVIRONMENT", autocompletion=completing.environments, help="E.g. production.")
]
Service = Annotated[
    str, typer.Argument(metavar="SERVICE", autocompletion=completing.services, help="E.g. web.", show_default=False)
]
Run = Annotated[str | None, typer.Option("--run", metavar="ID", help="The beginning of a run's id.")]
Stage = Annotated[
    str | None,
    typer.Option("--stage", metavar="STAGE", autocompletion=completing.stages, help="Where several approvals wait."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", metavar="", help="Do not ask at a terminal.")]
