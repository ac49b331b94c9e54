"""The Delivery stack: pipelines, builds, functions, and who hears of them."""

from stacks.delivery.stack import DeliveryStack

__all__ = ["DeliveryStack"]
