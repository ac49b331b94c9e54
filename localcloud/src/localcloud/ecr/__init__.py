"""ECR: authentication, image tags, and image scans."""
