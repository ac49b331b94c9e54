"""Makes CloudFront forget pages."""
