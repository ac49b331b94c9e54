"""Rules about flows that release the images of another flow: error messages, as in checks.py."""

from __future__ import annotations

from collections.abc import Iterator

from products import flows
from products.errors import nearest
from products.model import Product
from products.pipeline import Flow, Pipeline

_PUBLIC_REGION = "us-east-1"  # docs.aws.amazon.com/general/latest/gr/ecr-public.html


def problems(product: Product, pipeline: Pipeline) -> Iterator[str]:
    """Yields an error message for every mistake in `images_from`, `git_tag` and `public`."""
    for image in product.public_images():
        if product.tooling.region != _PUBLIC_REGION:
            yield (
                f"images.{image}.public: ECR Public takes images in {_PUBLIC_REGION} only, and the product's registry "
                f"is in {product.tooling.region}; remove it"
            )
        if not any("release" in flow.stages for flow in pipeline.flows.values()):
            yield f"images.{image}.public: no flow has the stage 'release', so nothing would be public; remove it"
    for name, flow in pipeline.flows.items():
        if flow.images_from:
            yield from _images_from(product, pipeline, f"pipeline.flows.{name}", flow)
    if pipeline.git_tag is not None:
        if not any(flow.images_from for flow in pipeline.flows.values()):
            yield "pipeline.git_tag: no flow has images_from, so release_tag names releases on GitHub too; remove it"
        rest = pipeline.git_tag.replace("{version}", "")
        if rest == pipeline.git_tag or set("{}") & set(rest):
            yield f"pipeline.git_tag: got '{pipeline.git_tag}'; write a text with {{version}}, e.g. {{version}}"


def _images_from(product: Product, pipeline: Pipeline, place: str, flow: Flow) -> Iterator[str]:
    """Yields an error message for each reason why a flow cannot release what another one built."""
    source, branch = pipeline.flows.get(flow.images_from or ""), product.repository.branch
    if source is None or source is flow:
        others = [name for name, other in pipeline.flows.items() if other is not flow]
        yield f"{place}.images_from: no other flow '{flow.images_from}'{nearest(flow.images_from or '', others)}"
        return
    if not flows.of_main(product, flow):
        yield (
            f"{place}.images_from: only what {branch} contains is released; write branches: [{branch}], or "
            f"merged_pull_requests_to: [{branch}]"
        )
    if "publish" in flow.stages:
        yield f"{place}.stages: the images are those of flow '{flow.images_from}'; remove 'publish'"
    if flow.paths or flow.ignore_paths:
        yield f"{place}.paths: a commit of {branch} that starts no run would never be released; remove it"
    yield from _source(f"pipeline.flows.{flow.images_from}", source)
    for field in ("sha", "sha7", "branch"):
        if f"{{{field}}}" in pipeline.release_tag:
            yield (
                f"pipeline.release_tag: got '{pipeline.release_tag}'; flow '{flow.images_from}' built the image of "
                "another commit than is released, so the version alone names a release: write v{version}"
            )
            return


def _source(place: str, source: Flow) -> Iterator[str]:
    """Yields an error message for each reason why the images of a flow cannot be released by another one."""
    if source.images_from or "publish" not in source.stages:
        yield f"{place}.stages: another flow takes its images from here; write 'publish', and no images_from"
    if len(source.branches) != 1 or set("*?[") & set("".join(source.branches)):
        yield (
            f"{place}.branches: another flow releases the images of this one, so one branch by its full name must "
            "start it, which you protect like the repository's; write e.g. branches: [dev]"
        )
    if source.mode == "parallel":
        yield f"{place}.mode: its runs must end in the order of the pushes; write queued"
