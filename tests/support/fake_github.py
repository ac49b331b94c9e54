"""A GitHub with one repository: issues, comments, tags, releases and commit statuses."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.fake_web import Reply, Request, Web

TOKEN = "ghs_canary-of-the-token"
REPOSITORY = "allthrive-ai/allthrive"


class GitHubWeb(Web):
    """The part of GitHub's API that the handlers use."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.issues: list[dict[str, Any]] = []
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.statuses: list[tuple[str, dict[str, Any]]] = []
        self.commit_comments: dict[str, list[dict[str, Any]]] = {}
        self.tags: dict[str, str] = {}
        self.annotated: dict[str, str] = {}
        self.releases: dict[str, dict[str, Any]] = {}
        self.app_tokens = 0

    def open_issues(self) -> list[dict[str, Any]]:
        """Returns the open issues."""
        return [issue for issue in self.issues if issue["state"] == "open"]

    def _answer(self, request: Request) -> Reply:
        if request.path == "/app/installations/42/access_tokens":
            assert request.headers["authorization"].count(".") == 2
            self.app_tokens += 1
            return 201, {"token": TOKEN}
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        path = urlsplit(request.path)
        prefix = f"/repos/{REPOSITORY}/"
        assert path.path.startswith(prefix)
        rest = path.path.removeprefix(prefix)
        for pattern, serve in (
            (r"issues", self._issues),
            (r"issues/(\d+)", self._issue),
            (r"issues/(\d+)/comments", self._comments),
            (r"statuses/(\w+)", self._statuses),
            (r"commits/(\w+)/comments", self._commit_comments),
            (r"releases", self._release),
            (r"releases/tags/(.+)", self._release_of),
            (r"git/ref/tags/(.+)", self._tag),
            (r"git/tags/(.+)", self._annotated),
        ):
            match = re.fullmatch(pattern, rest)
            if match:
                return serve(request, parse_qs(path.query), *match.groups())
        raise AssertionError(f"unexpected request {request.method} {request.path}")

    @staticmethod
    def _page(items: list[dict[str, Any]], query: dict[str, list[str]]) -> Reply:
        size, page = int(query["per_page"][0]), int(query["page"][0])
        return 200, items[size * (page - 1) : size * page]

    def _issues(self, request: Request, query: dict[str, list[str]]) -> Reply:
        if request.method == "GET":
            (label,) = query["labels"]
            return self._page([issue for issue in self.open_issues() if label in issue.get("labels", [label])], query)
        issue = {**request.body, "number": len(self.issues) + 1, "state": "open"}
        self.issues.append(issue)
        return 201, issue

    def _issue(self, request: Request, _query: dict[str, list[str]], number: str) -> Reply:
        if int(number) > len(self.issues):
            return 404, {"message": "Not Found"}
        if request.method == "GET":
            return 200, self.issues[int(number) - 1]
        self.issues[int(number) - 1] |= request.body
        return 200, self.issues[int(number) - 1]

    def _comments(self, request: Request, query: dict[str, list[str]], number: str) -> Reply:
        comments = self.comments.setdefault(int(number), [])
        if request.method == "GET":
            return self._page(comments, query)
        comments.append(request.body)
        return 201, request.body

    def _commit_comments(self, request: Request, query: dict[str, list[str]], commit: str) -> Reply:
        comments = self.commit_comments.setdefault(commit, [])
        if request.method == "GET":
            return self._page(comments, query)
        url = f"https://github.com/{REPOSITORY}/commit/{commit}#commitcomment-{len(comments) + 1}"
        comments.append({**request.body, "html_url": url})
        return 201, comments[-1]

    def _statuses(self, request: Request, _query: dict[str, list[str]], commit: str) -> Reply:
        assert len(request.body["description"]) <= 140
        self.statuses.append((commit, request.body))
        return 201, {}

    def _release(self, request: Request, _query: dict[str, list[str]]) -> Reply:
        tag = request.body["tag_name"]
        if tag in self.releases:
            return 422, {"message": "Validation Failed", "errors": [{"code": "already_exists"}]}
        self.tags.setdefault(tag, request.body["target_commitish"])
        self.releases[tag] = {**request.body, "html_url": f"https://github.com/{REPOSITORY}/releases/tag/{tag}"}
        return 201, self.releases[tag]

    def _release_of(self, _request: Request, _query: dict[str, list[str]], tag: str) -> Reply:
        return (200, self.releases[tag]) if tag in self.releases else (404, {"message": "Not Found"})

    def _tag(self, _request: Request, _query: dict[str, list[str]], tag: str) -> Reply:
        if tag in self.annotated:
            return 200, {"object": {"type": "tag", "sha": f"object-of-{tag}"}}
        if tag not in self.tags:
            return 404, {"message": "Not Found"}
        return 200, {"object": {"type": "commit", "sha": self.tags[tag]}}

    def _annotated(self, _request: Request, _query: dict[str, list[str]], name: str) -> Reply:
        return 200, {"object": {"type": "commit", "sha": self.annotated[name.removeprefix("object-of-")]}}
