"""Invalidates cached pages in CloudFront."""
