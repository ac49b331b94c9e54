"""The buildspecs of the CodeBuild projects, one file each, and a runner that executes them without AWS."""

from builds.buildspecs import buildspec, names

__all__ = ["buildspec", "names"]
