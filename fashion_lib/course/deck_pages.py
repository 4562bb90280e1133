"""Decks as web pages that need no network: reveal.js lies beside them, formulas are MathML.

reveal.js is not in this repository: the Python package sphinx-revealjs carries a copy (MIT licence), which is put
beside the decks. Nothing else of that package is used.
"""

import html
import shutil
from importlib.util import find_spec
from pathlib import Path

from jinja2 import Environment

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import write_atomically
from fashion_lib.course import sources
from fashion_lib.course.deck import Slide, slides_of
from fashion_lib.course.offline_pages import markdown_as_html

REVEAL = "reveal.js"  # the folder beside the decks
NEEDED = ("dist", "plugin/notes", "LICENSE")
STYLE = """\
.reveal { font-size: 30px; }
.reveal .slides section { text-align: left; }
.reveal h1 { font-size: 1.9em; text-transform: none; margin: 150px 0 0.6em; }
.reveal h2 { font-size: 1.25em; text-transform: none; margin-bottom: 0.6em; }
.reveal img { display: block; margin: 0.4em auto 0; width: 100%; height: 440px; object-fit: contain; }
.reveal math[display=block] { font-size: 0.88em; margin: 0.5em 0; overflow-x: auto; }
.reveal table { font-size: 0.7em; margin: 0.4em 0; }
.reveal pre { width: 100%; font-size: 0.55em; box-shadow: none; background: #f4f4f4; padding: 0.5em; }
.reveal li { margin-bottom: 0.35em; }
.reveal .slide-number { right: auto; left: 50%; background: none; color: #595959; }
.reveal footer { font-size: 0.5em; color: #595959; position: fixed; left: 1em; bottom: 0.6em; }"""
PAGE = Environment(autoescape=True).from_string("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<link rel="stylesheet" href="{{ reveal }}/dist/reset.css">
<link rel="stylesheet" href="{{ reveal }}/dist/reveal.css">
<link rel="stylesheet" href="{{ reveal }}/dist/theme/white.css">
<style>
{{ style | safe }}
</style>
</head>
<body>
<div class="reveal">
<div class="slides">
{%- for column in columns %}
<section>
{%- for slide in column %}
<section>
{{ slide | safe }}
</section>
{%- endfor %}
</section>
{%- endfor %}
</div>
<footer>notebook {{ name }}</footer>
</div>
<script src="{{ reveal }}/dist/reveal.js"></script>
<script src="{{ reveal }}/plugin/notes/notes.js"></script>
<script>
Reveal.initialize({ hash: true, slideNumber: "c/t", center: false, transition: "none", width: 1120, height: 700,
                    plugins: [RevealNotes] });
</script>
</body>
</html>
""")
LIST = Environment(autoescape=True).from_string("""\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Decks</title>
<style>body { font: 16px/1.6 sans-serif; max-width: 45em; margin: 2em auto; padding: 0 1em; }</style></head>
<body>
<h1>Decks</h1>
<p>Arrow keys turn the pages: right is the next section, down goes deeper into one. S opens the speaker's notes,
O shows all slides, and <code>?print-pdf</code> behind an address makes a page to print.</p>
<ul>
{%- for file, title in decks %}
<li><a href="{{ file }}">{{ title }}</a></li>
{%- endfor %}
</ul>
</body>
</html>
""")


def slide_html(slide: Slide, first: bool = False) -> str:
    """Return the inside of a slide's section.

    Args:
        slide: with a heading.
        first: whether it is the title slide.
    """
    level = "h1" if first else "h2"
    parts = [
        f"<{level}>{_inline(slide.heading)}</{level}>",
        markdown_as_html(slide.text) if slide.text else "",
    ]
    if slide.picture:
        kind, data = slide.picture
        alt = html.escape(f"Figure of the section “{slide.heading}”. {slide.text}".strip(), quote=True)
        parts.append(f'<img alt="{alt}" src="data:{kind};base64,{data}">')
    if slide.notes:
        parts.append(f'<aside class="notes">{markdown_as_html(slide.notes)}</aside>')
    return "\n".join(filter(None, parts))


def _inline(markdown: str) -> str:
    """Return one line of Markdown as HTML, without the paragraph around it."""
    return markdown_as_html(markdown).strip().removeprefix("<p>").removesuffix("</p>")


def deck_page(notebook: Path) -> tuple[str, str]:
    """Return a notebook's title and its deck as a page.

    Args:
        notebook: an executed notebook.

    Raises:
        FashionError: the notebook cannot be read, or has no title.
    """
    slides = slides_of(sources.read(notebook), notebook.name)
    columns: list[list[str]] = []
    for number, slide in enumerate(slides):
        if slide.begins or not columns:
            columns.append([])
        columns[-1].append(slide_html(slide, first=not number))
    title = slides[0].heading
    return title, PAGE.render(title=title, columns=columns, style=STYLE, reveal=REVEAL, name=notebook.stem)


def write_decks(notebooks: list[Path], folder: Path | None = None) -> list[Path]:
    """Write one deck per notebook, a list of them, and reveal.js beside them.

    Args:
        notebooks: executed notebooks.
        folder: where the decks go; None is build/slides.

    Returns:
        The pages, the list first.

    Raises:
        FashionError: sphinx-revealjs is not installed, or a notebook cannot be read.
    """
    folder = paths.made(folder or paths.build_dir() / "slides")
    copy_reveal(folder / REVEAL)
    decks = {folder / f"{path.stem}.html": deck_page(path) for path in notebooks}
    for file, (_, page) in decks.items():
        write_atomically(file, page)
    index = write_atomically(
        folder / "index.html", LIST.render(decks=[(f.name, title) for f, (title, _) in decks.items()])
    )
    return [index, *decks]


def copy_reveal(folder: Path) -> None:
    """Copy reveal.js out of the installed package sphinx-revealjs.

    Raises:
        FashionError: the package is not installed, or it keeps reveal.js elsewhere.
    """
    package = find_spec("sphinx_revealjs")  # found without being imported
    source = Path(package.origin).parent / "_static" / "revealjs" if package else None
    if source is None or not (source / "dist" / "reveal.js").is_file():
        raise FashionError(
            "The decks need reveal.js, which the package sphinx-revealjs carries: run `pip install sphinx-revealjs`."
        )
    for name in NEEDED:
        if (source / name).is_dir():
            shutil.copytree(
                source / name, folder / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.map")
            )
        else:
            shutil.copyfile(source / name, paths.made(folder) / name)
