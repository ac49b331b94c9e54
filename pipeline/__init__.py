"""The buildspecs of the CodeBuild projects, one file each, and a runner that executes them without AWS."""

from pipeline.buildspecs import buildspec, names

__all__ = ["buildspec", "names"]
