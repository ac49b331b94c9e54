"""Environments and pipelines, drawn from templates."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from products import document, load
from products.drawing import Edge, Graph, Group, Node, Shape, flat, mermaid
from products.flows import deliveries
from slipway_cli.review.assembly import Stack, read
from slipway_cli.review.diagrams.architecture import architecture
from slipway_cli.review.diagrams.pipelines import pipelines
from slipway_cli.review.diagrams.references import References
from slipway_cli.review.diagrams.svg import drawn
from slipway_cli.review.errors import ReviewError
from tests.support.synthesis import PRODUCTS, shipped, synthesis


def stacks(product: str, name: str) -> list[Stack]:
    return [it for it in read(shipped(product).folder).stacks if it.environment == name]


def environment(product: str, name: str) -> Graph:
    return architecture(stacks(product, name))


def labels(graph: Graph) -> list[str]:
    return [it.label for it in graph.nodes()]


def arrows(graph: Graph) -> set[tuple[str, str]]:
    """Each edge as the first lines of the labels at both ends."""
    named = {it.id: it.label.partition("\n")[0] for it in flat(graph.items) if isinstance(it, Node | Group)}
    return {(named[it.source], named[it.target]) for it in flat(graph.items) if isinstance(it, Edge)}


def inside(graph: Graph, frame: str) -> list[str]:
    (group,) = [it for it in flat(graph.items) if isinstance(it, Group) and it.label == frame]
    return [it.label.partition("\n")[0] for it in group.items if isinstance(it, Node)]


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_pipeline_is_drawn_from_its_template_as_from_the_model(product: str) -> None:
    drawn_from_template = dict(pipelines(read(shipped(product).folder)[f"tooling-{product}-delivery"]))

    assert drawn_from_template == {it.pipeline: document.graph(it) for it in deliveries(load(product))}


def test_production_is_drawn_with_its_sizes() -> None:
    found = labels(environment("allthrive", "production"))

    assert "CloudFront with WAF" in found
    assert "web\n2 tasks of 0.5 vCPU, 1 GB" in found
    assert "postgres 18\ndb.t4g.medium, standby" in found
    assert "redis 7.1\n2 nodes cache.t4g.small" in found
    assert "2 NAT gateways" in found


def test_things_stand_in_their_subnets() -> None:
    graph = environment("allthrive", "production")

    assert inside(graph, "Application subnets") == ["load balancer", "web", "celery", "celery-beat"]
    assert inside(graph, "Data subnets") == ["postgres 18", "redis 7.1"]
    assert inside(graph, "Public subnets") == ["2 NAT gateways"]


def test_arrows_lead_from_users_to_data_across_stacks() -> None:
    assert arrows(environment("allthrive", "production")) == {
        ("users", "CloudFront with WAF"),
        ("CloudFront with WAF", "bucket Site"),
        ("CloudFront with WAF", "bucket Media"),
        ("CloudFront with WAF", "load balancer"),
        ("load balancer", "web"),
        ("Application subnets", "postgres 18"),
        ("Application subnets", "redis 7.1"),
        ("Application subnets", "bucket Media"),
        ("Application subnets", "2 NAT gateways"),
        ("2 NAT gateways", "internet"),
    }


def test_a_nat_instance_is_called_one() -> None:
    assert "1 NAT instance\nt4g.nano" in labels(environment("edenco", "staging"))


def test_without_nat_there_are_endpoints_and_no_internet() -> None:
    closed = {
        "environments.production.network.nat": "none",
        "services.web.internet": False,
        "services.celery.internet": False,
    }
    found = labels(architecture(read(synthesis(closed).folder).stacks))

    assert any("interface endpoints" in label for label in found)
    assert "internet" not in found


def test_a_bucket_that_only_takes_logs_is_left_out() -> None:
    assert "AccessLogs" in {it.path for it in References(stacks("allthrive", "production")).of_type("AWS::S3::Bucket")}
    assert not any("AccessLogs" in label for label in labels(environment("allthrive", "production")))


def test_diagrams_are_small_enough_to_read() -> None:
    for product in PRODUCTS:
        for name in ("staging", "production"):
            assert len(labels(environment(product, name))) <= 14


def test_a_service_that_alone_reaches_something_has_an_arrow_of_its_own() -> None:
    def service(name: str, bucket: str) -> dict[str, object]:
        told = [{"Environment": [{"Name": "BUCKET", "Value": {"Ref": bucket}}]}]
        return {
            f"{name}Task": {
                "Type": "AWS::ECS::TaskDefinition",
                "Properties": {"Cpu": "256", "Memory": "512", "ContainerDefinitions": told},
            },
            name: {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": {"Ref": f"{name}Task"}}},
        }

    buckets = {name: {"Type": "AWS::S3::Bucket", "Properties": {}} for name in ("One", "Two")}
    resources = {**buckets, **service("Web", "One"), **service("Worker", "Two")}
    graph = architecture([Stack("it", "it", "111122223333", "us-east-1", {"Resources": resources})])

    assert arrows(graph) == {("Web", "bucket One"), ("Worker", "bucket Two")}


def test_an_svg_is_xml_with_a_name_and_says_every_label() -> None:
    graph = Graph((Node("a", 'a "b" <c> & d'), Node("s", "kept", Shape.STORE), Edge("a", "s", "once")))

    image = drawn({"it": graph})["it"]

    root = ElementTree.fromstring(image)
    assert root.attrib["aria-label"] == "Diagram of it"
    said = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert said == ['a "b" <c> & d', "kept", "once"]


def test_the_same_diagram_gives_the_same_bytes() -> None:
    graph = environment("edenco", "production")

    assert drawn({"it": graph}) == drawn({"it": graph})


def test_a_diagram_that_cannot_be_drawn_says_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr("slipway_cli.review.diagrams.svg.NODE", f"{tmp_path}/node")

    with pytest.raises(ReviewError, match="make setup"):
        drawn({"it": Graph((Node("a", "a"),))})


def test_a_label_of_several_lines_is_one_in_mermaid() -> None:
    assert '  a["one<br>two"]' in mermaid(Graph((Node("a", "one\ntwo"),))).splitlines()
