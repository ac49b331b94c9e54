"""Environments and pipelines drawn from their templates: nothing here is drawn by hand."""
