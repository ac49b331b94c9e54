"""The Delivery stack: pipelines, builds, functions, and notifications."""

from stacks.delivery.stack import DeliveryStack

__all__ = ["DeliveryStack"]
