"""The report as one HTML file: no network, light and dark, phone and desk."""
