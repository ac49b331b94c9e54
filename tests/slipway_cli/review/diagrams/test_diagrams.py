"""Environments and pipelines are drawn from templates."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from products import document, infrastructure_flow, load
from products.drawing import Edge, Graph, Group, Node, Shape, flat, mermaid
from slipway_cli.review.assembly import Stack, read
from slipway_cli.review.diagrams.architecture import architecture
from slipway_cli.review.diagrams.pipelines import pipelines
from slipway_cli.review.diagrams.references import References
from slipway_cli.review.diagrams.svg import drawn
from slipway_cli.review.errors import ReviewError
from tests.support import on_kubernetes
from tests.support.on_hosts import REMOVED
from tests.support.synthesis import PRODUCTS, Synthesis, shipped, synthesis


def stacks(product: str, name: str) -> list[Stack]:
    return [stack for stack in read(shipped(product).folder).stacks if stack.environment == name]


def environment(product: str, name: str) -> Graph:
    return architecture(stacks(product, name))


def labels(graph: Graph) -> list[str]:
    return [node.label for node in graph.nodes()]


def arrows(graph: Graph) -> set[tuple[str, str]]:
    """Returns each edge as the first lines of its two labels."""
    named = {item.id: item.label.partition("\n")[0] for item in flat(graph.items) if isinstance(item, Node | Group)}
    return {(named[item.source], named[item.target]) for item in flat(graph.items) if isinstance(item, Edge)}


def inside(graph: Graph, frame: str) -> list[str]:
    (group,) = [item for item in flat(graph.items) if isinstance(item, Group) and item.label == frame]
    return [item.label.partition("\n")[0] for item in group.items if isinstance(item, Node)]


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_pipeline_is_drawn_from_its_template_as_from_the_model(product: str) -> None:
    drawn_from_template = dict(pipelines(read(shipped(product).folder)[f"tooling-{product}-delivery"]))

    assert drawn_from_template == {
        delivery.pipeline: document.graph(delivery) for delivery in infrastructure_flow.every(load(product))
    }


def test_production_is_drawn_with_its_sizes() -> None:
    found = labels(environment("allthrive", "production"))

    assert "CloudFront with WAF" in found
    assert "web\n2 tasks of 0.5 vCPU, 1 GB" in found
    assert "postgres 18\ndb.t4g.medium, standby" in found
    assert "redis 7.1\n2 nodes cache.t4g.small" in found
    assert "2 NAT gateways" in found


def test_resources_are_drawn_in_their_subnets() -> None:
    graph = environment("allthrive", "production")

    assert inside(graph, "Application subnets") == ["load balancer", "web", "celery", "celery-beat"]
    assert inside(graph, "Data subnets") == ["postgres 18", "redis 7.1"]
    assert inside(graph, "Public subnets") == ["2 NAT gateways"]


@pytest.mark.parametrize(("name", "size"), [("dev", "t4g.small"), ("production", "t4g.medium")])
def test_hosts_are_drawn_between_the_load_balancer_and_their_data(name: str, size: str) -> None:
    graph = environment("book-shop", name)

    assert f"host\n{size}" in labels(graph)
    assert {("load balancer", "host"), ("host", "postgres 18")} <= arrows(graph)


@pytest.mark.slow
def test_a_cluster_of_eks_is_drawn_in_its_subnets_with_the_data_of_its_pods() -> None:
    changes = {"environments/production/kubernetes/cluster": "eks", "environments/production/kubernetes/host": REMOVED}
    made = read(Synthesis(on_kubernetes.product(changes)).folder).stacks
    graph = architecture([stack for stack in made if stack.environment == "production"])

    assert inside(graph, "Application subnets") == ["load balancer", "EKS 1.34, Auto Mode"]
    assert {("load balancer", "EKS 1.34, Auto Mode"), ("EKS 1.34, Auto Mode", "postgres 18")} <= arrows(graph)


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


def test_a_nat_instance_is_labelled_as_one() -> None:
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
    assert "AccessLogs" in {
        bucket.path for bucket in References(stacks("allthrive", "production")).of_type("AWS::S3::Bucket")
    }
    assert not any("AccessLogs" in label for label in labels(environment("allthrive", "production")))


def test_diagrams_are_small_enough_to_read() -> None:
    for product in PRODUCTS:
        for name in load(product).environments:
            assert len(labels(environment(product, name))) <= 14


def test_a_connection_of_one_service_gets_its_own_arrow() -> None:
    def service(name: str, bucket: str) -> dict[str, object]:
        containers = [{"Environment": [{"Name": "BUCKET", "Value": {"Ref": bucket}}]}]
        return {
            f"{name}Task": {
                "Type": "AWS::ECS::TaskDefinition",
                "Properties": {"Cpu": "256", "Memory": "512", "ContainerDefinitions": containers},
            },
            name: {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": {"Ref": f"{name}Task"}}},
        }

    buckets = {name: {"Type": "AWS::S3::Bucket", "Properties": {}} for name in ("One", "Two")}
    resources = {**buckets, **service("Web", "One"), **service("Worker", "Two")}
    graph = architecture([Stack("it", "it", "111122223333", "us-east-1", {"Resources": resources})])

    assert arrows(graph) == {("Web", "bucket One"), ("Worker", "bucket Two")}


def test_an_svg_is_xml_with_a_name_and_all_labels() -> None:
    graph = Graph((Node("a", 'a "b" <c> & d'), Node("s", "kept", Shape.STORE), Edge("a", "s", "once")))

    image = drawn({"it": graph})["it"]

    root = ElementTree.fromstring(image)
    assert root.attrib["aria-label"] == "Diagram of it"
    shown = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert shown == ['a "b" <c> & d', "kept", "once"]


def test_the_same_diagram_gives_the_same_bytes() -> None:
    graph = environment("edenco", "production")

    assert drawn({"it": graph}) == drawn({"it": graph})


def test_a_diagram_that_cannot_be_drawn_says_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr("slipway_cli.review.diagrams.svg.NODE", f"{tmp_path}/node")

    with pytest.raises(ReviewError, match="make setup"):
        drawn({"it": Graph((Node("a", "a"),))})


def test_a_label_of_several_lines_uses_breaks_in_mermaid() -> None:
    assert '  a["one<br>two"]' in mermaid(Graph((Node("a", "one\ntwo"),))).splitlines()
