"""What the delivery pipeline's builds run: CodeBuild buildspecs, one file each, and a way to run them without AWS."""

from pipeline.buildspecs import buildspec, names

__all__ = ["buildspec", "names"]
