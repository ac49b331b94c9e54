"""The Registry stack: one repository per image."""

from __future__ import annotations

from constructs import Construct

from products import Product, names
from products.flows import moving_tags
from slipway.image_repository import ImageRepository
from stacks.product_stack import ToolingStack


class RegistryStack(ToolingStack):
    """Where a product's images are kept, for all its environments."""

    def __init__(self, scope: Construct, construct_id: str, *, product: Product) -> None:
        super().__init__(scope, construct_id, product=product, description="Container images")
        readers = sorted({each.account for each in product.environments.values()} - {product.tooling.account})
        for name, image in product.images.items():
            repository = ImageRepository(
                self,
                names.pascal(name),
                repository_name=names.repository(product.name, name),
                keep_snapshots=image.keep_snapshots,
                moving_tags=moving_tags(product),
                readers=readers,
            )
            self.output(f"{repository.node.id}RepositoryUri", repository.repository_uri, f"Where {name} is pushed")
