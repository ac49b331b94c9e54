"""CloudFront: serves distributions, with their cache, and deploys their resource types."""
