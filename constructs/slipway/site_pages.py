"""The CloudFront function that finds the file of a page's URL."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aws_cdk import aws_cloudfront as cloudfront
from constructs import Construct

# CloudFront decides about a whole distribution's error responses, so a missing file cannot become the application's
# page there: an unknown path of the API would too. The function knows files by their endings; the build of the
# frontend refuses a file with another ending.
_CODE = """\
var endings = ENDINGS;
function handler(event) {
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
  var name = path.split('/').pop().replace(/^[.]+/, '');
  var ending = name.includes('.') ? name.split('.').pop().toLowerCase() : '';
  if (endings.indexOf(ending) < 0 && path.indexOf('/.well-known/') !== 0) {
    request.uri = PAGE;
  }
  return request;
}
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
    - a URL whose ending is one of `endings`, or that begins with `/.well-known/`, is a file: 404 if there is none;
    - every other URL is a page: the `index.html` of the frontend's `path`, or of the URL's folder if `folders` is true;
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
        path: str = "/",
    ) -> None:
        page = "request.uri.replace(/[/]+$/, '') + '/index.html'" if folders else f"'{path}index.html'"
        redirect = "" if path == "/" else _REDIRECT.replace("BARE", f"'{path.removesuffix('/')}'")
        code = _CODE.replace("REDIRECT", redirect).replace("DEPTH", str(path.count("/")))
        code = code.replace("ENDINGS", json.dumps(sorted(endings), separators=(",", ":")))
        super().__init__(
            scope,
            construct_id,
            function_name=function_name,
            comment="URLs without a known ending are pages",
            runtime=cloudfront.FunctionRuntime.JS_2_0,
            code=cloudfront.FunctionCode.from_inline(code.replace("RESERVED", reserved).replace("PAGE", page)),
        )
