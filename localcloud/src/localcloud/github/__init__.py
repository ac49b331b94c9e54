"""GitHub, as far as a delivery needs it: a git remote that starts pipelines, the API, and pages to look at."""
