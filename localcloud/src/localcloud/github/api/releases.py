"""Releases: docs.github.com/rest/releases."""

from __future__ import annotations

from http import HTTPStatus

from localcloud.github import releases
from localcloud.github.api import shapes
from localcloud.github.api.call import Call, invalid, not_found, number
from localcloud.github.store import Row
from localcloud.github.web import Reply, as_json

_NAME = 255


def _shown(call: Call, row: Row | None) -> Reply:
    if row is None:
        raise not_found()
    return as_json(HTTPStatus.OK, shapes.release(call, row))


def _list(call: Call) -> Reply:
    return call.page([shapes.release(call, row) for row in releases.find_all(call.hub, call.repository)])


def _latest(call: Call) -> Reply:
    return _shown(call, releases.latest(call.hub, call.repository))


def _by_tag(call: Call, tag: str) -> Reply:
    return _shown(call, releases.find_by_tag(call.hub, call.repository, tag))


def _get(call: Call, text: str) -> Reply:
    wanted = number(text)
    return _shown(
        call, next((row for row in releases.find_all(call.hub, call.repository) if row["id"] == wanted), None)
    )


def _target(call: Call, tag: str) -> tuple[str, str]:
    """Returns the release's target and commit; an existing tag determines the commit."""
    if len(tag) > _NAME or tag.startswith("-") or not call.repository.is_valid_reference(f"refs/tags/{tag}"):
        raise invalid("Release", "tag_name", "custom", "tag_name is not a valid tag")
    target = call.text("target_commitish") or call.repository.default_branch
    existing = call.repository.resolve(f"refs/tags/{tag}")
    commit = existing or call.repository.resolve(target)
    if commit is None:
        raise invalid("Release", "target_commitish")
    return target, commit


def _create(call: Call) -> Reply:
    tag = call.required("tag_name")
    target, commit = _target(call, tag)
    name, body = call.text("name"), call.text("body")
    flags = {"draft": call.flag("draft"), "prerelease": call.flag("prerelease")}
    if call.flag("generate_release_notes"):
        made = releases.notes(call.hub, call.repository, tag, commit)
        name, body = name or tag, f"{body}\n\n{made}" if body else made
    try:
        row = releases.create(
            call.hub,
            call.repository,
            tag=tag,
            target=target,
            commit=commit,
            name=name or "",
            body=body or "",
            **flags,
        )
    except releases.TakenError as error:
        raise invalid("Release", "tag_name", "already_exists") from error
    return as_json(HTTPStatus.CREATED, shapes.release(call, row))


def _notes(call: Call) -> Reply:
    tag = call.required("tag_name")
    _, commit = _target(call, tag)
    previous = call.text("previous_tag_name")
    if previous and call.repository.resolve(f"refs/tags/{previous}") is None:
        raise invalid("Release", "previous_tag_name")
    content = {"name": tag, "body": releases.notes(call.hub, call.repository, tag, commit, previous)}
    return as_json(HTTPStatus.OK, content)


ROUTES = (
    ("GET", r"/releases", _list),
    ("POST", r"/releases", _create),
    ("POST", r"/releases/generate-notes", _notes),
    ("GET", r"/releases/latest", _latest),
    ("GET", r"/releases/tags/(.+)", _by_tag),
    ("GET", r"/releases/(\d+)", _get),
)
