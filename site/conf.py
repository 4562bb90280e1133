"""Sphinx renders the pages that `python -m fashion_lib site-pages` wrote: no network, and nothing is executed.

Formulas become MathML, which browsers draw by themselves; STIX Two Math, the font of the formulas, comes from ziamath.
"""

import html
import re
from pathlib import Path

import ziamath
from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

HERE = Path(__file__).parent
FONT = next((Path(ziamath.__file__).parent / "fonts").rglob("STIXTwoMath*.ttf"))
FUNCTION = re.compile(r"<mi>(exp|log|ln|cos|sin|tanh)</mi>(?!<mo stretchy=\"false\">&#x00028;)")
SPACED = r'<mrow><mi>\1</mi><mspace width="0.17em"/></mrow>'  # "log x" and not "logx"
logger = logging.getLogger(__name__)

project = "Fine-grained fashion retrieval"
extensions = ["myst_nb", "sphinx.ext.githubpages"]  # the second writes .nojekyll
exclude_patterns = ["WRITTEN_BY_SITE_PAGES"]
suppress_warnings = ["mystnb.unknown_mime_type"]

nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_dmath_allow_space = False
myst_dmath_allow_digits = False
myst_heading_anchors = 4

html_theme = "furo"
html_title = project
html_static_path = [str(HERE / "_static"), str(FONT)]
html_css_files = ["course.css"]
html_js_files = ["sortable.js", "figures.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False  # the licence is a file of the repository
html_show_search_summary = False  # a browser reads no other page of a file:// address


def mathml(latex: str, display: str) -> str:
    try:
        return FUNCTION.sub(SPACED, convert(latex, display=display))
    except Exception as error:  # the converter has many kinds of errors
        logger.warning("a formula is not understood (%s): %s", error, latex)
        return f"<code>{html.escape(latex)}</code>"


def visit_math(translator, node) -> None:
    translator.body.append(f'<span class="formula">{mathml(node.astext(), "inline")}</span>')
    raise nodes.SkipNode


def visit_display(translator, node) -> None:
    translator.body.append(f'<div class="formula">{mathml(node.astext(), "block")}</div>')
    raise nodes.SkipNode


def setup(app) -> dict:
    app.add_html_math_renderer(
        "mathml", inline_renderers=(visit_math, None), block_renderers=(visit_display, None)
    )
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
