"""The frame and the style of every page. Pages have no scripts and load nothing from other origins."""

from __future__ import annotations

import base64
import hashlib

from localcloud.github.web import Reply
from localcloud.markup import Html, fill

STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --quiet: #59636e; --line: #d1d9e0; --soft: #f6f8fa; --back: #fff;
  --link: #0550ae; --good: #1a7f37; --bad: #c21c2c; --wait: #8a6100; --done: #6639ba; --add: #dafbe1; --cut: #ffebe9; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --quiet: #9198a1; --line: #3d444d; --soft: #151b23;
  --back: #0d1117; --link: #58a6ff; --good: #3fb950; --bad: #ff7b72; --wait: #d29922; --done: #bc8cff; --add: #12361f;
  --cut: #4a1b1d; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
header, main { max-width: 62rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.25rem; }
header p { margin: 0; font-size: 1.25rem; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .75rem 0 1.25rem; padding-bottom: .5rem;
  border-bottom: 1px solid var(--line); }
nav a[aria-current] { color: var(--text); font-weight: 600; text-decoration: none; }
h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; margin: .5rem 0; }
h2 { font-size: 1.125rem; margin: 1.5rem 0 .5rem; }
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible, button:focus-visible, summary:focus-visible, input:focus-visible, textarea:focus-visible {
  outline: 2px solid var(--link); outline-offset: 2px; }
code, pre, .sha { font: .875em/1.5 ui-monospace, Menlo, Consolas, monospace; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: .375rem; padding: .75rem;
  overflow-x: auto; }
.list { list-style: none; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: .375rem; }
.list li { display: grid; grid-template-columns: 1.5rem 1fr; gap: 0 .25rem; padding: .625rem .75rem; }
.list li + li { border-top: 1px solid var(--line); }
.list .main { min-width: 0; overflow-wrap: anywhere; }
.list .main > a:first-child { color: var(--text); font-weight: 600; text-decoration: none; }
.list .main > a:first-child:hover { color: var(--link); text-decoration: underline; }
.quiet { color: var(--quiet); font-size: .875rem; }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: 2rem; padding: 0 .6rem; font-weight: 600;
  font-size: .875rem; }
.success, .open { color: var(--good); } .failure, .error, .closed { color: var(--bad); }
.pending { color: var(--wait); }
.merged, .completed { color: var(--done); }
.mark { font-weight: 700; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.box { border: 1px solid var(--line); border-radius: .375rem; margin: 1rem 0; }
.box > .quiet { background: var(--soft); border-bottom: 1px solid var(--line); padding: .5rem .75rem; margin: 0; }
.text { padding: 0 .75rem; overflow-wrap: anywhere; }
.text table, .wide { display: block; overflow-x: auto; }
table { border-collapse: collapse; } td:first-child, th { overflow-wrap: normal; }
td, th { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left; }
.lines span { display: block; } .lines .add { background: var(--add); } .lines .cut { background: var(--cut); }
.row { display: flex; flex-wrap: wrap; gap: .5rem .75rem; align-items: baseline; }
form { display: flex; flex-direction: column; gap: .5rem; align-items: start; margin: 1rem 0; }
.row form { margin: 0; }
input[type=text], textarea { width: 100%; font: inherit; padding: .4rem .6rem; color: inherit; background: var(--back);
  border: 1px solid var(--quiet); border-radius: .375rem; }
button { font: inherit; font-weight: 600; padding: .35rem .9rem; border: 1px solid var(--quiet); border-radius: .375rem;
  background: var(--soft); color: var(--text); cursor: pointer; }
.empty { padding: 2rem 1rem; text-align: center; color: var(--quiet); }
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": f"default-src 'none'; img-src data:; style-src 'sha256-{_HASH}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",  # so that browsers send the Origin of a form
    "Cache-Control": "no-store",
}


def page(status: int, title: str, header: Html, body: Html) -> Reply:
    """Returns a complete HTML page."""
    whole = fill(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">\n'
        "<style>{style}</style></head>\n<body>{header}<main>{body}</main></body></html>\n",
        title=title,
        style=Html(STYLE),
        header=header,
        body=body,
    )
    return Reply(status, whole.encode("utf-8", "replace"), HEADERS)
