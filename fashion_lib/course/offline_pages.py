"""Executed notebooks as web pages that need no network: formulas as MathML, which browsers draw by themselves."""

import html
from pathlib import Path

from jinja2 import DictLoader
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from fashion_lib.core.files import write_atomically

EMPTY = (
    "html_head_js",
    "html_head_js_mathjax",
    "html_head_js_mermaidjs",
)  # what nbconvert would load from servers
TEMPLATE = "offline.html.j2"
PAGE = "{% extends 'lab/index.html.j2' %}" + "".join(
    f"{{% block {name} %}}{{% endblock %}}" for name in EMPTY
)


def formula(latex: str, display: str = "inline") -> str:
    """Return a LaTeX formula as MathML; as its own text where the converter does not know a part of it.

    Args:
        latex: without dollar signs.
        display: "inline" or "block".
    """
    try:
        return convert(latex, display=display)
    except Exception:  # the converter has many kinds of errors, and a formula in LaTeX can still be read
        return f"<code>{html.escape(latex)}</code>"


class _Renderer(IPythonRenderer):
    """Markdown with formulas as MathML."""

    def block_math(self, body: str) -> str:
        return f"<p>{formula(body, 'block')}</p>"

    def inline_math(self, body: str) -> str:
        return formula(body)

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")


class OfflineExporter(HTMLExporter):
    """nbconvert's page without scripts from other servers."""

    def __init__(self, **settings):
        super().__init__(template_file=TEMPLATE, extra_loaders=[DictLoader({TEMPLATE: PAGE})], **settings)
        self.register_filter("markdown2html", markdown_as_html)


def markdown_as_html(source: str) -> str:
    """Return Markdown as HTML, formulas as MathML."""
    return MarkdownWithMath(renderer=_Renderer(escape=False)).render(source)


def offline_page(notebook: Path) -> Path:
    """Return the notebook's HTML page beside it; make it where it is missing or older than the notebook."""
    page = notebook.with_suffix(".html")
    if not page.is_file() or page.stat().st_mtime < notebook.stat().st_mtime:
        write_atomically(page, OfflineExporter().from_filename(str(notebook))[0])
    return page
