"""Tags the images of a release in ECR."""
