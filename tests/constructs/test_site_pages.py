"""Which file a URL of the site returns: the function itself runs, in Node."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from urllib.parse import quote

import pytest
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk.assertions import Template
from hypothesis import given, settings
from hypothesis import strategies as st

from builds import site_files
from slipway.site_pages import SitePages
from tests.support.stack import empty_stack, properties

LIMIT = 10 * 1024  # docs.aws.amazon.com/AmazonCloudFront, "Restrictions on CloudFront Functions"
_RUN = """
const {uris, files} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const store = {
  exists: async (key) => key in files,
  get: async (key) => { if (key in files) return files[key]; throw new Error('no such key'); },
};
const cf = {kvs: () => { if (files === null) throw new Error('no store'); return store; }};
const all = (uris) => Promise.all(uris.map(async (uri) => {
  const [path, query] = uri.split('?');
  const asked = {a: {value: '1'}, b: {value: '2', multiValue: [{value: '2'}, {value: ''}]}};
  const answer = await handler({request: {uri: path, querystring: query ? asked : {}}});
  const to = answer.headers && answer.headers.location ? ' ' + answer.headers.location.value : '';
  return answer.statusCode ? answer.statusCode + to : answer.uri;
}));
all(uris).then((found) => console.log(JSON.stringify(found)));
"""


@cache
def code(*, folders: bool, path: str = "/") -> str:
    stack = empty_stack()
    endings = sorted({*site_files.ENDINGS, "glbx"})
    SitePages(
        stack,
        "Pages",
        files=cloudfront.KeyValueStore(stack, "Files"),
        function_name="pages",
        endings=endings,
        folders=folders,
        reserved=site_files.RESERVED,
        path=path,
    )
    return str(properties(Template.from_stack(stack), "AWS::CloudFront::Function")["FunctionCode"])


def answers(*uris: str, folders: bool = False, path: str = "/", files: dict[str, str] | None = None) -> list[str]:
    """Returns the file of each URL, or the status of the response and where it redirects; `files` is the list."""
    program = code(folders=folders, path=path).removeprefix("import cf from 'cloudfront';") + _RUN
    given = json.dumps({"uris": uris, "files": files})
    done = subprocess.run(["node", "-e", program], input=given, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


def test_the_code_is_within_cloudfronts_limit() -> None:
    assert max(len(code(folders=folders)) for folders in (True, False)) < LIMIT


@pytest.mark.parametrize(
    "uri",
    ["/", "/shop", "/shop/", "/docs/v2.1", "/docs/v2.1/", "/@ada.lovelace", "/release-1.0.0", "/a/.", "/~user",
     "/a%20b", "/users/ada@example.com", "/caf%C3%A9", "/x.unknownending", "/admin/users"],
)  # fmt: skip
def test_a_page_is_the_application(uri: str) -> None:
    assert answers(uri) == ["/index.html"]


@pytest.mark.parametrize(
    "uri",
    ["/assets/missing-abcd1234.js", "/favicon.ico", "/robots.txt", "/a/b.PNG", "/runtime~main.js", "/a%2Bb.css",
     "/.well-known/apple-app-site-association", "/site.webmanifest", "/model.glbx", "/v2.1/app.js"],
)  # fmt: skip
def test_a_file_stays_itself_so_that_a_missing_one_is_not_found(uri: str) -> None:
    assert answers(uri) == [uri]


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("/", "/index.html"),
        ("/admin", "/admin/index.html"),
        ("/admin/", "/admin/index.html"),
        ("/docs/v2.1", "/docs/v2.1/index.html"),
        ("/a%20b/", "/a%20b/index.html"),
        ("/about.html", "/about.html"),
        ("/feed.xml", "/feed.xml"),
    ],
)
def test_a_page_of_folders_is_the_index_of_its_folder(uri: str, file: str) -> None:
    assert answers(uri, folders=True) == [file]


@pytest.mark.parametrize(
    "uri",
    [
        "/.slipway/releases/1.json",
        "/.slipway/",
        "/.slipway",
        "/%2eslipway/releases/1.json",
        "/.slip%77ay/immutable.json",
    ],
)
def test_our_records_do_not_exist_for_visitors(uri: str) -> None:
    assert answers(uri) == ["404"]


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("/admin/", "/admin/index.html"),
        ("/admin/users/3", "/admin/index.html"),
        ("/admin/docs/v2.1", "/admin/index.html"),
        ("/admin/assets/missing-abcd1234.js", "/admin/assets/missing-abcd1234.js"),
        ("/admin", "302 /admin/"),
        ("/admin?x", "302 /admin/?a=1&b=2&b"),
        ("/admin/.slipway/releases/1.json", "404"),
    ],
)
def test_below_a_path_pages_fall_back_within_it(uri: str, file: str) -> None:
    assert answers(uri, path="/admin/") == [file]


def test_below_a_path_folders_are_within_it() -> None:
    assert answers("/admin/users/", "/admin/", "/admin", folders=True, path="/admin/") == [
        "/admin/users/index.html",
        "/admin/index.html",
        "302 /admin/",
    ]


LISTED = {
    "/": "assets/ static/js/",
    "/index.html": "1",
    "/about.html": "1",
    "/docs/index.html": "1",
    "/docs.html": "1",
    "/LICENSE": "1",
    "/models/chair.weird": "1",
    "/a b.c++": "1",
    "/assets/index-new.js": "1",
}


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("/LICENSE", "/LICENSE"),  # a file, since it is listed
        ("/models/chair.weird", "/models/chair.weird"),
        ("/a%20b.c%2B%2B", "/a%20b.c%2B%2B"),
        ("/assets/index-new.js", "/assets/index-new.js"),
        ("/assets/index-old.js", "/assets/index-old.js"),  # S3 has it no more, and answers 404
        ("/assets/scene.weird", "/assets/scene.weird"),
        ("/assets/123", "/index.html"),  # a page: it has no ending
        ("/models/other.weird", "/index.html"),
        ("/docs/v2.1", "/index.html"),
        ("/LICENSES", "/index.html"),
        ("/", "/index.html"),
    ],
)
def test_the_list_tells_files_from_pages(uri: str, file: str) -> None:
    assert answers(uri, files=LISTED) == [file]


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("/about", "/about.html"),
        ("/about/", "/about.html"),
        ("/docs", "/docs/index.html"),
        ("/docs/", "/docs/index.html"),
        ("/", "/index.html"),
        ("/docs/v2.1", "/docs/v2.1/index.html"),  # listed nowhere: 404
        ("/LICENSE", "/LICENSE"),
        ("/missing.css", "/missing.css"),
    ],
)
def test_a_page_of_folders_is_the_file_that_the_list_has(uri: str, file: str) -> None:
    assert answers(uri, folders=True, files=LISTED) == [file]


def test_below_a_path_the_list_has_whole_paths() -> None:
    listed = {"/": "assets/", "/admin/": "chunks/", "/admin/LICENSE": "1", "/admin/users.html": "1", "/other": "1"}
    uris = ("/admin/LICENSE", "/admin/chunks/a.weird", "/admin/assets/a.weird", "/admin/users")

    assert answers(*uris, path="/admin/", files=listed) == [uris[0], uris[1], *["/admin/index.html"] * 2]
    assert answers(uris[3], path="/admin/", folders=True, files=listed) == ["/admin/users.html"]


def test_a_url_that_cannot_be_decoded_is_refused() -> None:
    assert answers("/%", "/%zz.js") == ["400", "400"]


LETTERS = st.characters(exclude_characters='*?\\"<>\x7f', exclude_categories=["Cc", "Cs"])
NAMES = st.text(LETTERS, min_size=1, max_size=20)


@settings(max_examples=20, deadline=None)
@given(stems=st.lists(NAMES.filter(lambda name: name.strip("./")), min_size=1, max_size=20))
def test_every_file_that_the_build_accepts_is_found_under_its_url(stems: list[str]) -> None:
    names = [f"a/{stem.replace('/', '-')}.js" for stem in stems]
    site_files.check(names)
    uris = [f"/{quote(name)}" for name in names]

    assert answers(*uris) == uris
