"""The book: Sphinx with MyST. It builds without a network, and its pages open without one."""

import re
from html import escape
from pathlib import Path as File

from docutils.nodes import SkipNode
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from sphinx.errors import ExtensionError

import minidl

project = "minidl"
copyright = "the minidl contributors, MIT licence"
release = minidl.__version__

extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["examples"]

html_theme = "furo"
html_title = f"minidl {release}"
html_static_path = ["static"]
html_css_files = ["book.css"]
html_copy_source = False
html_show_sourcelink = False
html_math_renderer = "outlines"
pygments_style = "friendly"
pygments_dark_style = "github-dark"


# Formulas. Sphinx's default sends every reader's browser to a server for MathJax; MathML needs no server, but a font
# that many machines lack, and without it a browser may leave out the sign of a square root. So formulas are drawn when
# the book is built, by Matplotlib, as outlines: the same everywhere, in the colour of the text around them.

SIZE = 10.0  # of the font in which Matplotlib measures; the page then speaks of em, a tenth of it
FONT = FontProperties(math_fontfamily="cm", size=SIZE)
PARSER = MathTextParser("path")


def outlined(tex: str, scale: float) -> str:
    """A formula as an SVG that stands on the line of the text; readers that do not see hear its TeX."""
    tex = " ".join(tex.split())
    width, height, depth, _, _ = PARSER.parse(f"${tex}$", dpi=72, prop=FONT)
    outline = TextPath((0, 0), f"${tex}$", size=SIZE, prop=FONT)
    marks = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C", Path.CLOSEPOLY: "Z"}
    drawn = []
    for points, code in outline.iter_segments(curves=True, simplify=False):
        points[1::2] *= -1  # SVG counts downwards
        drawn.append(marks[code] + ("" if code == Path.CLOSEPOLY else " ".join(f"{v:.2f}" for v in points)))
    box = f"-0.5 {-height - 0.5:.2f} {width + 1:.2f} {height + depth + 1:.2f}"
    size = f"width:{(width + 1) / SIZE * scale:.3f}em;vertical-align:{-(depth + 0.5) / SIZE * scale:.3f}em"
    return (
        f'<svg role="img" aria-label="{escape(tex, quote=True)}" class="formula" viewBox="{box}" style="{size}">'
        f'<path d="{"".join(drawn)}"/></svg>'
    )


def inline_formula(writer, node):
    writer.body.append(outlined(node.astext(), 1.12))
    raise SkipNode


def displayed_formula(writer, node):
    tex = node.astext().replace(r"\frac", r"\dfrac")  # as large as what surrounds them
    writer.body.append(f'<div class="math">{outlined(tex, 1.15)}</div>')
    raise SkipNode


# The promise of the first line, kept: a page that would load something from elsewhere fails the build.

LOADS = re.compile(r'<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)="(?:https?:)?//[^"]*"')


def refuse_foreign_resources(app, exception):
    if exception is not None or app.builder.name != "html":
        return
    for page in File(app.outdir).rglob("*.html"):
        found = LOADS.search(page.read_text(encoding="utf-8"))
        if found:
            raise ExtensionError(f"{page.relative_to(app.outdir)} needs the network: {found[0]}")


def setup(app):
    app.add_html_math_renderer(
        "outlines",
        inline_renderers=(inline_formula, None),
        block_renderers=(displayed_formula, None),
    )
    app.connect("build-finished", refuse_foreign_resources)
