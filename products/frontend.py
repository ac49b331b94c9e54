"""The frontend of a product: static files that the pipeline builds."""

from __future__ import annotations

from pydantic import Field

from products.base import Model


class Frontend(Model):
    """A single-page application that is built into static files."""

    directory: str
    install: str | None = None
    """Command that installs the packages. By default, the package manager whose lock file the repository has: `npm ci`,
    `pnpm install --frozen-lockfile`, `yarn install --immutable` or `bun install --frozen-lockfile`."""
    build: str | None = None
    """Command that builds the pages, in `directory`. By default, the package manager's `run build`."""
    output: str = "dist"
    """Folder below `directory` that the build writes to."""
    keep_releases: int = Field(default=5, ge=1)
    """Number of releases whose hashed assets are kept, so that pages opened earlier still find their files."""
