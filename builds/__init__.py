"""What the delivery pipeline's builds run: CodeBuild buildspecs, one file each, and a way to run them without AWS."""

from builds.buildspecs import buildspec, names

__all__ = ["buildspec", "names"]
