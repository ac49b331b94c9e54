"""The Registry stack: for each image, one repository for the builds of main and one for those of other branches."""

from __future__ import annotations

from collections.abc import Sequence

from constructs import Construct

from products import Product, names
from products.containers import Image
from products.flows import branches_publish, branches_reach, pull_requests_publish, waiting_repositories
from products.image_tags import (
    branch_kept_tags,
    branch_moving_tags,
    candidate_moving_tags,
    entered_tags,
    kept_tags,
    moving_tags,
)
from slipway.image_repository import ImageRepository, PublicImages
from stacks.product_stack import ToolingStack

_BRANCH_IMAGES = 30  # staging runs one of the newest; older ones can be built again
_CANDIDATE_IMAGES = 30  # nothing runs one
_WAITING_IMAGES = 30  # published, or of a run that failed: retrying a stage reads them for days, not for weeks
# Main's newest images that entered an environment. CodePipeline queues at most 50 runs of a pipeline, which may all
# wait for the same approval, and stages are rolled back to earlier images (CodePipeline, quotas, read on 2026-11-30).
_ENTERED_IMAGES = 100


class RegistryStack(ToolingStack):
    """The ECR repositories of a product's images, for all its environments.

    Images of feature branches are in separate repositories, so that nothing can mistake one for an image of main, and
    main's builds read no layers of other branches (docs/adr/0019). So are those of pull requests, which no environment
    may pull (docs/adr/0040), and images whose tests have not passed yet (docs/adr/0054).
    """

    def __init__(self, scope: Construct, construct_id: str, *, product: Product) -> None:
        super().__init__(scope, construct_id, product=product, description="Container images")
        self._product = product
        branches = Construct(self, "Branches") if branches_publish(product) else None
        candidates = Construct(self, "Candidates") if pull_requests_publish(product) else None
        builds = (
            Construct(self, "Builds") if any(waiting_repositories(product, name) for name in product.images) else self
        )
        for name, image in product.images.items():
            self._define_main(name, image)
            if branches:
                self._define_branches(branches, name, image)
            for published in waiting_repositories(product, name):
                self._define_builds(builds, published)
            if candidates:
                self._define_candidates(candidates, name, image)
            if image.public:
                PublicImages(
                    self,
                    f"{names.pascal(name)}Public",
                    repository_name=names.repository(product.name, name),
                    description=f"Releases of {product.description or product.name}: {name}",
                )

    def _define_main(self, name: str, image: Image) -> None:
        repository = ImageRepository(
            self,
            names.pascal(name),
            repository_name=names.repository(self._product.name, name),
            keep_snapshots=image.keep_snapshots,
            moving_tags=moving_tags(self._product),
            kept_tags=kept_tags(self._product),
            entered_tags=entered_tags(),
            keep_entered=_ENTERED_IMAGES,
            readers=self._readers(list(self._product.environments)),
        )
        self.output(f"{repository.node.id}RepositoryUri", repository.repository_uri, f"Where {name} is pushed")

    def _define_branches(self, scope: Construct, name: str, image: Image) -> None:
        product = self._product
        ImageRepository(
            scope,
            names.pascal(name),
            repository_name=names.branch_repository(product.name, name),
            keep_snapshots=min(image.keep_snapshots, _BRANCH_IMAGES),
            moving_tags=branch_moving_tags(product),
            kept_tags=branch_kept_tags(),
            entered_tags=entered_tags(),
            keep_entered=_BRANCH_IMAGES,
            readers=self._readers([place for place in product.environments if branches_reach(product, place)]),
        )

    def _define_builds(self, scope: Construct, published: str) -> None:
        """Define the repository of images whose tests have not passed yet, and of the layers for later builds."""
        _, _, name = published.partition("/")
        ImageRepository(
            scope,
            names.pascal(name.replace("/", "-")),
            repository_name=names.build_repository(published),
            keep_snapshots=_WAITING_IMAGES,
            moving_tags=candidate_moving_tags(),
            kept_tags=[],
            readers=[],
        )

    def _define_candidates(self, scope: Construct, name: str, image: Image) -> None:
        ImageRepository(
            scope,
            names.pascal(name),
            repository_name=names.candidate_repository(self._product.name, name),
            keep_snapshots=min(image.keep_snapshots, _CANDIDATE_IMAGES),
            moving_tags=candidate_moving_tags(),
            kept_tags=[],
            readers=[],
        )

    def _readers(self, environments: Sequence[str]) -> list[str]:
        """Returns the accounts, other than the registry's own, whose tasks pull images for these environments."""
        accounts = {self._product.environments[environment].account for environment in environments}
        return sorted(accounts - {self._product.tooling.account})
