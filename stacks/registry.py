"""The Registry stack: for each image, one repository for the builds of main and one for those of other branches."""

from __future__ import annotations

from collections.abc import Sequence

from constructs import Construct

from products import Product, names
from products.flows import branch_moving_tags, branches_publish, branches_reach, moving_tags, release_tags
from slipway.image_repository import ImageRepository
from stacks.product_stack import ToolingStack

_BRANCH_IMAGES = 30  # staging runs one of the newest; older ones can be built again


class RegistryStack(ToolingStack):
    """The ECR repositories of a product's images, for all its environments.

    Images of feature branches are in separate repositories, so that nothing can mistake one for an image of main, and
    main's builds read no layers of other branches (docs/adr/0019).
    """

    def __init__(self, scope: Construct, construct_id: str, *, product: Product) -> None:
        super().__init__(scope, construct_id, product=product, description="Container images")
        self._product = product
        branches = Construct(self, "Branches") if branches_publish(product) else None
        for name, image in product.images.items():
            repository = ImageRepository(
                self,
                names.pascal(name),
                repository_name=names.repository(product.name, name),
                keep_snapshots=image.keep_snapshots,
                moving_tags=moving_tags(product),
                release_tags=release_tags(product),
                readers=self._readers(list(product.environments)),
            )
            self.output(f"{repository.node.id}RepositoryUri", repository.repository_uri, f"Where {name} is pushed")
            if branches:
                ImageRepository(
                    branches,
                    names.pascal(name),
                    repository_name=names.branch_repository(product.name, name),
                    keep_snapshots=min(image.keep_snapshots, _BRANCH_IMAGES),
                    moving_tags=branch_moving_tags(product),
                    release_tags=release_tags(product),
                    readers=self._readers([name for name in product.environments if branches_reach(product, name)]),
                )

    def _readers(self, environments: Sequence[str]) -> list[str]:
        """Returns the accounts, other than the registry's own, whose tasks pull images for these environments."""
        accounts = {self._product.environments[environment].account for environment in environments}
        return sorted(accounts - {self._product.tooling.account})
