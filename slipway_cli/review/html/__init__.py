"""Renders the report as one self-contained HTML file, for phone and desktop, in light and dark mode."""
