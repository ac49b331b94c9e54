"""AllThrive's tooling and production, which the CDK CLI deploys to a local cloud without containers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from localcloud import process, shell
from localcloud.testing.plain import Plain, free_port
from products import load
from slipway_cli.cloud import OURS
from slipway_cli.demo.infrastructure import Cdk
from slipway_cli.demo.repository import put_on_github
from slipway_cli.demo.run import default_source
from tests.end_to_end.privileges.deployed import Answers, Deployed
from tests.end_to_end.privileges.work import ACTIONS, DELIVERY, STACKS, Work


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    """The work of all functions."""
    product = load("allthrive")
    state = tmp_path_factory.mktemp("privileges")
    settings = replace(OURS, port=free_port(), state=state, docker=False)
    process.start(settings)
    shell.write(settings)
    cloud = Plain(settings.port, settings.state)
    answers = Answers(cloud)
    with pytest.MonkeyPatch.context() as patch, answers.listening() as address:
        for name, value in {**settings.environment(), **shell.variables(settings)}.items():
            patch.setenv(name, value)
        cdk = Cdk(settings, product.name)
        cdk.synth()
        cdk.bootstrap(settings.account, settings.region)
        cdk.deploy(["tooling/*", "production/*"], lambda _: None)
        assert product.pipeline is not None
        put_on_github(settings, product, product.pipeline, default_source(product.name))
        deployed = Deployed(cloud, answers, list(STACKS))
        for function in ACTIONS:
            deployed.tell(deployed.physical(DELIVERY, function), AWS_ENDPOINT_URL_CODEPIPELINE=address)
        yield Work(deployed)
    process.stop(settings)
