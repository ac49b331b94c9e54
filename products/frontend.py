"""The frontend of a product: static files that the pipeline builds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from products.base import ExistingSecret, Model, Variables, text

SitePath = Annotated[str, text(r"^/(?:[A-Za-z0-9][A-Za-z0-9._-]*/)*$", "/admin/", max_length=48)]
FileEnding = Annotated[str, text(r"^[a-z0-9]{1,16}$", "glb")]


class Frontend(Model):
    """A single-page application that is built into static files."""

    directory: str
    path: SitePath = "/"
    """Where the site serves it: `/`, or a path that begins and ends with a slash, such as `/admin/`. The build gets
    another path than `/` as the variable `BASE_PATH`, for the bundler."""
    install: str | None = None
    """Command that installs the packages. By default, the package manager whose lock file the repository has: `npm ci`,
    `pnpm install --frozen-lockfile`, `yarn install --immutable` or `bun install --frozen-lockfile`."""
    build: str | None = None
    """Command that builds the pages, in `directory`. By default, the package manager's `run build`."""
    variables: Variables = {}
    """Environment variables of the build, such as `VITE_API_URL`. The bundle is built once for all environments, and
    every visitor can read what it contains: no value may differ between environments or be secret."""
    secrets: dict[str, ExistingSecret] = {}
    """Environment variables that only the install gets, such as `NPM_TOKEN` for a private registry, from secrets of the
    tooling account. Every branch's install can read them: give a token that may only read packages."""
    output: str = "dist"
    """Folder below `directory` that the build writes to."""
    source_maps: bool = False
    """True to publish source maps (`*.map`), which show visitors the source."""
    file_endings: tuple[FileEnding, ...] = ()
    """Endings of files beyond the known ones, such as `html`, `js`, `png` and `pdf`. A URL with another ending, such as
    `/docs/v2.1`, is a page of the application."""
    pages: Literal["single-page", "folders"] = "single-page"
    """The file of a page's URL: `single-page` returns `/index.html` for every page, `folders` returns
    `/admin/index.html` for `/admin` and `/admin/`, as static site generators write it."""
    keep_releases: int = Field(default=5, ge=1)
    """Number of releases whose hashed assets are kept, so that pages opened earlier still find their files."""

    @property
    def key_prefix(self) -> str:
        """The prefix of its files' names in the site's bucket, e.g. `admin/`; empty for `/`."""
        return self.path[1:]
