"""Renders diagrams as self-contained SVGs that support light and dark mode."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import quoteattr

from paths import NODE, ROOT
from products.drawing import Graph
from slipway_cli.review.diagrams.dot import dot
from slipway_cli.review.errors import ReviewError

_PROGRAM = Path(__file__).with_name("draw.mjs")
_SECONDS = 60

COLOURS = """\
.diagram { --ink: #1f2328; --line: #59636e; --box: #ffffff; --store: #ddf4ff; --end: #eaeef2; --gate: #fff8c5;
  --frame: #8c959f14; }
"""
DARK = """\
.diagram { --ink: #e6edf3; --line: #9198a1; --box: #1c2128; --store: #0c2d4f; --end: #2d333b; --gate: #3d2f00;
  --frame: #8c959f1f; }
"""
RULES = """\
.diagram text { fill: var(--ink); font-family: Helvetica, Arial, "Liberation Sans", sans-serif; }
.diagram .edge path, .diagram .edge polygon { stroke: var(--line); }
.diagram .edge polygon { fill: var(--line); }
.diagram .node path, .diagram .node polygon, .diagram .node ellipse { stroke: var(--line); fill: var(--box); }
.diagram .store path { fill: var(--store); }
.diagram .store path + path { fill: none; }
.diagram .end ellipse { fill: var(--end); }
.diagram .gate polygon { fill: var(--gate); stroke-width: 2; stroke-dasharray: 4 3; }
.diagram .cluster polygon, .diagram .cluster path { fill: var(--frame); stroke: var(--line); stroke-opacity: .5; }
"""
STYLE = f"{COLOURS}@media (prefers-color-scheme: dark) {{\n{DARK}}}\n{RULES}"


def drawn(graphs: Mapping[str, Graph]) -> dict[str, str]:
    """Returns each diagram as an `<svg>` element for a page that includes STYLE.

    Raises:
        ReviewError: if the pinned Node or Graphviz is not installed.
    """
    if not graphs:
        return {}
    given = json.dumps({name: dot(graph) for name, graph in graphs.items()})
    try:
        done = subprocess.run(  # noqa: S603 - our own program, by the pinned Node
            [NODE, _PROGRAM], input=given, capture_output=True, text=True, check=True, timeout=_SECONDS, cwd=ROOT
        )
    except (OSError, subprocess.SubprocessError) as error:
        # Node prints the failed line first, which is very long in the WebAssembly wrapper; the end has the message.
        message = str(getattr(error, "stderr", "") or error)[-300:]
        raise ReviewError(f"diagrams cannot be drawn; type `make setup` and try again: {message}") from None
    found: dict[str, str] = json.loads(done.stdout)
    return {name: _cleaned(name, text) for name, text in found.items()}


def standalone(svg: str) -> str:
    """Returns a diagram as the content of an SVG file."""
    return svg.replace(">", f"><style>\n{STYLE}</style>", 1) + "\n"


def _cleaned(name: str, text: str) -> str:
    """Returns an SVG without Graphviz's header, comments, fixed size, and ids that could collide on a page."""
    text = text[text.index("<svg") :]
    text = re.sub(
        r"<!--.*?-->\s*|<title>.*?</title>\s*| id=\"[^\"]*\"| xmlns:xlink=\"[^\"]*\"", "", text, flags=re.DOTALL
    )
    # The white background.
    text = re.sub(r"<polygon fill=\"white\"[^>]*/>\s*", "", text, count=1)
    width, height = re.search(r'width="(\d+)pt" height="(\d+)pt"', text, re.DOTALL).groups()  # type: ignore[union-attr]  # Graphviz always writes both
    label = quoteattr(f"Diagram of {name}")
    return re.sub(
        r'<svg width="\d+pt" height="\d+pt"',
        f'<svg class="diagram" role="img" aria-label={label} width="{round(int(width) * 4 / 3)}" '
        f'height="{round(int(height) * 4 / 3)}"',
        text,
        count=1,
    ).strip()
