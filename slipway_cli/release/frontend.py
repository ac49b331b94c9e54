"""Publishes a built frontend in an order that never shows a visitor an incomplete one."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from builds import immutable_files, site_files, site_list
from products.names import FILES_OUTPUT
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.target import Target

_IMMUTABLE = "public, max-age=31536000, immutable"
_NO_CACHE = "no-cache"


@dataclass(frozen=True)
class Site:
    """A built frontend, and the folder that it was built from."""

    folder: Path
    source: Path
    source_maps: bool = False
    """True to publish `*.map`."""
    file_endings: tuple[str, ...] = ()
    """Endings of files beyond the known ones."""
    name: str = ""
    """The frontend's name in the manifest; empty for the single one."""
    path: str = "/"
    """The path below which the site serves it."""
    others: tuple[str, ...] = ()
    """Folders that belong to other frontends, e.g. `admin/`."""

    @property
    def prefix(self) -> str:
        """The prefix of its files' names in the bucket."""
        return self.path[1:]

    def files(self) -> list[str]:
        """Returns the files to publish, by their names in the bucket.

        Raises:
            ReleaseError: if there is no built frontend, or it has a file that cannot be published.
        """
        if not (self.folder / "index.html").is_file():
            raise ReleaseError(f"no index.html in {self.folder}: build the frontend first")
        if (self.folder / site_files.RESERVED).exists():
            raise ReleaseError(
                f"{self.folder} has a folder {site_files.RESERVED}, the name of Slipway's records: rename it"
            )
        found = [name for name in site_files.files(self.folder) if self.source_maps or not name.endswith(".map")]
        try:
            site_files.check(found, self.file_endings, self.others)
            site_files.check_base(self.folder, found, self.path)
        except site_files.Refused as refused:
            raise ReleaseError(str(refused)) from None
        return found

    def immutable(self, files: list[str]) -> list[str]:
        """Returns the files whose names contain a hash of their content, as the bundler's manifest says."""
        output = self.folder.relative_to(self.source).as_posix() if self.folder.is_relative_to(self.source) else ""
        return immutable_files.find(self.folder, files, immutable_files.sources(self.source, output)).files


def publish(target: Target, site: Site, release: str, keep_releases: int) -> list[str]:
    """Uploads hashed assets, then other files, `index.html` last, and deletes the files of old releases.

    Returns the paths to invalidate in CloudFront.

    Raises:
        ReleaseError: if there is no built frontend in `folder`.
    """
    files = site.files()
    bucket, s3 = target.output("edge", "SiteBucketName"), target.client("s3")
    records = _Records(s3, bucket, site)
    records.move_former()
    hashes = site_files.hashes(site.folder, site.immutable(files))
    for name in site_files.changed(hashes, records.read().values()):
        del hashes[name]
    pages = [name for name in files if name not in hashes]
    listing, store = site_list.Frontend(site.path, site.others, files, list(hashes)), _store(target)
    _upload(s3, bucket, site, sorted(hashes), _IMMUTABLE)
    if store:
        site_list.add(store, listing)
    _upload(s3, bucket, site, sorted(pages, key=lambda name: (name == "index.html", name)), _NO_CACHE)
    records.write(release, {name: hashes.get(name) for name in files})
    kept = records.forget(keep_releases, files)
    if store:
        site_list.remove(store, listing._replace(kept=kept))
    return [site_files.url_path(name, site.path) for name in pages]


def _upload(s3: Any, bucket: str, site: Site, names: list[str], cache_control: str) -> None:
    for name in names:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        s3.put_object(
            Bucket=bucket,
            Key=site.prefix + name,
            Body=(site.folder / name).read_bytes(),
            ContentType=kind,
            CacheControl=cache_control,
        )


def _store(target: Target) -> site_list.Store | None:
    """Returns the list of the site's files; None if the Edge stack is of before the list."""
    arn = target.outputs("edge").get(FILES_OUTPUT)
    return KeyValueStore(target.client("cloudfront-keyvaluestore"), arn) if arn else None


def invalidate(target: Target, paths: list[str], release: str) -> None:
    """Invalidates the paths in CloudFront, and waits until that is complete."""
    cloudfront = target.client("cloudfront")
    distribution = target.output("edge", "DistributionId")
    # For a known reference, CloudFront returns the previous invalidation and creates no new one.
    batch = {"Paths": {"Quantity": len(paths), "Items": paths}, "CallerReference": f"{release}-{uuid4()}"}
    made = cloudfront.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)["Invalidation"]
    if made["Status"] != "Completed":
        waiter = cloudfront.get_waiter("invalidation_completed")
        waiter.wait(DistributionId=distribution, Id=made["Id"], WaiterConfig={"Delay": 5, "MaxAttempts": 120})


class KeyValueStore:
    """A key value store of CloudFront, by its API."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client, self._arn = client, arn

    def version(self) -> str:
        """Returns the store's ETag."""
        return str(self._client.describe_key_value_store(KvsARN=self._arn)["ETag"])

    def read(self) -> dict[str, str]:
        """Returns all pairs."""
        pages = self._client.get_paginator("list_keys").paginate(KvsARN=self._arn, PaginationConfig={"PageSize": 50})
        return {str(item["Key"]): str(item["Value"]) for page in pages for item in page.get("Items", [])}

    def write(self, version: str, puts: Mapping[str, str], deletes: Sequence[str]) -> str:
        """Writes and deletes pairs, and returns the new ETag.

        Raises:
            Conflict: if the store has another version.
        """
        try:
            answer = self._client.update_keys(
                KvsARN=self._arn,
                IfMatch=version,
                Puts=[{"Key": key, "Value": value} for key, value in puts.items()],
                Deletes=[{"Key": key} for key in deletes],
            )
        except self._client.exceptions.ConflictException as error:
            raise site_list.Conflict(str(error)) from error
        return str(answer["ETag"])


class _Records:
    """The lists of files that releases of a frontend leave in the bucket."""

    def __init__(self, s3: Any, bucket: str, site: Site) -> None:
        self._s3, self._bucket, self._site = s3, bucket, site
        self._folder = f"{site.prefix}{site_files.RECORDS}"

    def read(self, prefix: str | None = None) -> dict[str, Any]:
        """Returns the lists by key, newest first: hashes by name, or names only, as until 0.1.0."""
        prefix = self._folder if prefix is None else prefix
        listed = [
            entry
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            for entry in page.get("Contents", [])
            if entry["Key"].endswith(".json")
        ]
        listed.sort(key=lambda entry: entry["LastModified"], reverse=True)
        return {entry["Key"]: json.loads(self._get(entry["Key"])) for entry in listed}

    def _get(self, key: str) -> bytes:
        content: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return content

    def _put(self, key: str, content: object) -> None:
        self._s3.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=json.dumps(content).encode(),
            ContentType="application/json",
            CacheControl=_NO_CACHE,
        )

    def move_former(self) -> None:
        """Moves the lists from where they were until 0.1.0; other files there are pages of the site."""
        if self._site.prefix or self.read():
            return
        for key, content in reversed(self.read(site_files.OLD_RECORDS).items()):
            if isinstance(content, list) and all(str(name).startswith("assets/") for name in content):
                self._put(f"{site_files.RESERVED}/{key}", content)
                self._s3.delete_object(Bucket=self._bucket, Key=key)

    def write(self, release: str, files: dict[str, str | None]) -> None:
        """Writes the list of a release: the hashes of its immutable files, None for the others."""
        self._put(f"{self._folder}{release}.json", files)

    def forget(self, keep: int, published: list[str]) -> set[str]:
        """Deletes the files that only older releases than the newest `keep` list, and these lists.

        Returns the files of the newest ones.
        """
        records = self.read()
        newest, old = list(records.values())[:keep], list(records.values())[keep:]
        for name in site_files.forgotten(newest, old, published, self._site.others):
            self._s3.delete_object(Bucket=self._bucket, Key=self._site.prefix + name)
        for key in list(records)[keep:]:  # last: after an interruption they still say what is to go
            self._s3.delete_object(Bucket=self._bucket, Key=key)
        return {name for record in newest for name in record}
