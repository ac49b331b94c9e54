"""A backend that shows what it does."""
