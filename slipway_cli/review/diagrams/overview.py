"""The picture of the README: from a manifest to deployed environments, on AWS or on one machine."""

from __future__ import annotations

from products.drawing import Edge, Graph, Group, Node, Shape


def overview() -> Graph:
    """Returns the diagram of the whole system."""
    return Graph(
        (
            Node("manifest", "products/<product>.yaml\nthe manifest", Shape.END),
            Node("deploy", "cdk deploy\nCloudFormation that reviewers read"),
            Edge("manifest", "deploy"),
            Group(
                "cloud",
                "AWS, or the local cloud on one machine",
                (
                    Group("tooling", "tooling", (Node("registry", "image registry", Shape.STORE), _pipeline())),
                    _environment("staging"),
                    _environment("production"),
                ),
            ),
            Edge("deploy", "cloud"),
            Node("push", "git push\nto GitHub", Shape.END),
            Edge("push", "pipeline", "starts"),
            Edge("pipeline", "staging", "tests"),
            Edge("pipeline", "production", "approved"),
        )
    )


def _pipeline() -> Node:
    return Node("pipeline", "pipeline\ntest, build, publish")


def _environment(name: str) -> Group:
    return Group(
        name,
        name,
        (
            Node(f"{name}Edge", "CloudFront"),
            Node(f"{name}Services", "containers"),
            Node(f"{name}Data", "PostgreSQL, Redis, files", Shape.STORE),
            Edge(f"{name}Edge", f"{name}Services"),
            Edge(f"{name}Services", f"{name}Data"),
        ),
    )
