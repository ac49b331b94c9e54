"""The CloudFront function that finds the file of a page's URL."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aws_cdk import aws_cloudfront as cloudfront
from constructs import Construct

# CloudFront decides about a whole distribution's error responses, so a missing file cannot become the application's
# page there: an unknown path of the API would too. The function asks the list of the bundle's files instead, which each
# release writes (builds/site_list.py). Until the list of a new release is at every edge location, a few seconds, and
# before the first list, endings tell files from pages: so a URL that looks like a file is never answered with a page.
_CODE = """\
import cf from 'cloudfront';
var endings = ENDINGS;
async function listed(path) {
  try {
    return await cf.kvs().exists(path);
  } catch (error) {
    return false;
  }
}
async function amongAssets(path) {
  try {
    var folders = (await cf.kvs().get('BASE')).split(' ');
    return folders.some(function (folder) {
      return folder !== '' && path.indexOf('BASE' + folder) === 0;
    });
  } catch (error) {
    return false;
  }
}
async function handler(event) {
  var request = event.request;
  var path = request.uri;
  try {
    path = decodeURIComponent(path);
  } catch (error) {
    return {statusCode: 400, statusDescription: 'Bad Request'};
  }
REDIRECT  if (path.split('/')[DEPTH] === 'RESERVED') {
    return {statusCode: 404, statusDescription: 'Not Found'};
  }
  if (path.slice(-1) !== '/' && (await listed(path))) {
    return request;
  }
  var name = path.split('/').pop().replace(/^[.]+/, '');
  var ending = name.includes('.') ? name.split('.').pop().toLowerCase() : '';
  if (endings.indexOf(ending) >= 0 || path.indexOf('/.well-known/') === 0) {
    return request;
  }
  if (ending && (await amongAssets(path))) {
    return request;
  }
PAGE  return request;
}
"""

_SINGLE_PAGE = """\
  request.uri = 'BASEindex.html';
"""

_FOLDERS = """\
  var page = request.uri.replace(/[/]+$/, '');
  var stem = path.replace(/[/]+$/, '');
  var isFile = !(await listed(stem + '/index.html')) && (await listed(stem + '.html'));
  request.uri = page + (isFile ? '.html' : '/index.html');
"""

# Relative links of a page at /admin would lead out of the frontend's path.
_REDIRECT = """\
  if (path === BARE) {
    var query = [];
    for (var key in request.querystring) {
      var given = request.querystring[key];
      (given.multiValue || [given]).forEach(function (one) {
        query.push(key + (one.value ? '=' + one.value : ''));
      });
    }
    var location = BARE + '/' + (query.length ? '?' + query.join('&') : '');
    return {statusCode: 302, statusDescription: 'Found', headers: {location: {value: location}}};
  }
"""


class SitePages(cloudfront.Function):
    """A function that maps the URLs of pages to files, and leaves URLs of files as they are.

    Default settings:
    - a URL that the list in `files` names is a file. Its keys are the decoded paths of URLs; the key `path` has the
      folders, below `path`, in which all names have a hash;
    - a URL whose ending is one of `endings`, or that begins with `/.well-known/`, or that has any ending and is in one
      of these folders, is a file too: 404 if there is none;
    - every other URL is a page: the `index.html` of the frontend's `path`. If `folders` is true: the `index.html` of
      the URL's folder, or the file with the ending `.html` if only that is listed;
    - `/admin` of the path `/admin/` is redirected to it, with its query;
    - the folder `reserved` below the path does not exist for visitors.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function_name: str,
        endings: Sequence[str],
        folders: bool,
        reserved: str,
        files: cloudfront.IKeyValueStore,
        path: str = "/",
    ) -> None:
        redirect = "" if path == "/" else _REDIRECT.replace("BARE", f"'{path.removesuffix('/')}'")
        code = _CODE.replace("REDIRECT", redirect).replace("DEPTH", str(path.count("/")))
        code = code.replace("ENDINGS", json.dumps(sorted(endings), separators=(",", ":")))
        code = code.replace("PAGE", _FOLDERS if folders else _SINGLE_PAGE).replace("BASE", path)
        super().__init__(
            scope,
            construct_id,
            function_name=function_name,
            comment="URLs without a known ending are pages",
            runtime=cloudfront.FunctionRuntime.JS_2_0,
            code=cloudfront.FunctionCode.from_inline(code.replace("RESERVED", reserved)),
            key_value_store=files,
        )
