"""Arguments shared by several commands, with their completion."""

from __future__ import annotations

from typing import Annotated

import typer

from slipway_cli.commands import completing

BEGIN, REHEARSE, PIPELINES, RELEASES = "Begin", "Rehearse on this machine", "Pipelines", "Releases"
REVIEW, MAINTAIN = "Review", "Maintain"
SET_UP = "Set up AWS"

Product = Annotated[
    str | None,
    typer.Option(
        "--product",
        metavar="NAME",
        autocompletion=completing.products,
        help="A manifest in products/; needed only if several products are possible.",
    ),
]
Aws = Annotated[
    bool, typer.Option("--aws", metavar="", help="Use AWS even if the local cloud of this checkout is running.")
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
Run = Annotated[str | None, typer.Option("--run", metavar="ID", help="A run's id, or its first characters.")]
Stage = Annotated[
    str | None,
    typer.Option(
        "--stage", metavar="STAGE", autocompletion=completing.stages, help="Needed only if several approvals wait."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", metavar="", help="Do not ask for confirmation.")]
