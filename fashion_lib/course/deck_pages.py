"""Decks as web pages that need no network: reveal.js lies beside them, formulas are MathML.

reveal.js is not in this repository: the Python package sphinx-revealjs carries a copy (MIT licence), which is put
beside the decks. Nothing else of that package is used.
"""

import html
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

from jinja2 import Environment

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import write_atomically
from fashion_lib.course import sources
from fashion_lib.course.deck import EXERCISES, TAKE_AWAY, Slide, slides_of
from fashion_lib.course.offline_pages import markdown_as_html
from fashion_lib.course.syllabus_plans import LECTURE

REVEAL = "reveal.js"  # the folder beside the decks
NEEDED = ("dist", "plugin/notes", "LICENSE")
LINK = re.compile(
    r"(?<!!)\[([^\[\]]+)\]\((?!https?:)[^)\s]+\)"
)  # to a file of the repository, which no deck has
FONT = "STIXTwoMath-Regular.ttf"  # of the formulas; without the package ziamath, the browser's own
STYLE = """\
@font-face { font-family: "STIX Two Math"; src: url("reveal.js/STIXTwoMath-Regular.ttf"); }
.reveal math { font-family: "STIX Two Math", math; }
.reveal { font-size: 30px; }
.reveal .slides section { text-align: left; }
.reveal h1 { font-size: 1.9em; text-transform: none; margin: 150px 0 0.6em; }
.reveal h2 { font-size: 1.25em; text-transform: none; margin-bottom: 0.6em; }
.reveal img { display: block; margin: 0.4em auto 0; width: 100%; height: 440px; object-fit: contain; }
.reveal math[display=block] { font-size: 0.88em; margin: 0.5em 0; padding: 0.35em 0; overflow: auto hidden; }
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
<footer>{{ name }}</footer>
</div>
<script src="{{ reveal }}/dist/reveal.js"></script>
<script src="{{ reveal }}/plugin/notes/notes.js"></script>
<script>
// A formula that is wider than its slide is made smaller, and a figure takes all the height that is left. Both can be
// measured when their slide is shown.
function fit() {
  for (const figure of document.querySelectorAll(".reveal section.present img"))
    if (figure.offsetTop) figure.style.height = `${670 - figure.offsetTop}px`;
  for (const formula of document.querySelectorAll(".reveal math[display=block]")) {
    formula.style.fontSize = "";
    const share = formula.clientWidth / formula.scrollWidth;
    const size = parseFloat(getComputedStyle(formula).fontSize);
    if (share > 0 && share < 1) formula.style.fontSize = `${0.98 * share * size}px`;
  }
}
for (const shown of ["ready", "slidechanged", "pdf-ready"]) Reveal.on(shown, fit);
document.fonts.ready.then(fit);
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
        markdown_as_html(_without_links(slide.text)) if slide.text else "",
    ]
    if slide.picture:
        kind, data = slide.picture
        alt = html.escape(f"Figure of the section “{slide.heading}”. {slide.text}".strip(), quote=True)
        parts.append(f'<img alt="{alt}" src="data:{kind};base64,{data}">')
    if slide.notes:
        parts.append(f'<aside class="notes">{markdown_as_html(_without_links(slide.notes))}</aside>')
    return "\n".join(filter(None, parts))


def _without_links(markdown: str) -> str:
    return LINK.sub(r"\1", markdown)


def _inline(markdown: str) -> str:
    """Return one line of Markdown as HTML, without the paragraph around it."""
    return markdown_as_html(_without_links(markdown)).strip().removeprefix("<p>").removesuffix("</p>")


def deck_page(notebook: Path) -> tuple[str, str]:
    """Return a notebook's title and its deck as a page.

    Args:
        notebook: an executed notebook.

    Raises:
        FashionError: the notebook cannot be read, or has no title.
    """
    slides = slides_of(sources.read(notebook), notebook.name)
    return slides[0].heading, _page(slides, notebook.stem)


def lecture_page(notebooks: list[Path]) -> str:
    """Return the deck of the one lecture of docs/syllabi.md: the sections that `LECTURE` names, in its order.

    Args:
        notebooks: executed notebooks, appendices among them; others than the lecture's are left out.

    Raises:
        FashionError: a notebook or a section of the lecture is not there.
    """
    shown = [Slide("One lecture", "Six notebooks, a few sections of each", begins=True)]
    for number, wanted in LECTURE.items():
        columns = [column for path in notebooks if path.name[:2] == number
                   for column in _columns(slides_of(sources.read(path), path.name))]  # fmt: skip
        if missing := [
            name for name in wanted or ("",) if not any(name in column[0].heading for column in columns)
        ]:
            raise FashionError(
                f"The lecture shows the section {missing[0]!r} of notebook {number}, which is not there: correct "
                "LECTURE in syllabus_plans.py."
            )
        left_out = (TAKE_AWAY, EXERCISES)
        for column in columns:
            heading = column[0].heading
            if any(name in heading for name in wanted) or not (wanted or heading in left_out):
                shown += column
    return _page(shown, "in the order of the lecture")


def _columns(slides: list[Slide]) -> list[list[Slide]]:
    """Group slides that stand below each other."""
    columns: list[list[Slide]] = []
    for slide in slides:
        if slide.begins or not columns:
            columns.append([])
        columns[-1].append(slide)
    return columns


def _page(slides: list[Slide], name: str) -> str:
    first = slides[0]
    columns = [[slide_html(slide, first=slide is first) for slide in column] for column in _columns(slides)]
    return PAGE.render(title=first.heading, columns=columns, style=STYLE, reveal=REVEAL, name=name)


def write_decks(notebooks: list[Path], folder: Path | None = None) -> list[Path]:
    """Write one deck per notebook, one for the lecture, a list of them, and reveal.js beside them.

    Args:
        notebooks: executed notebooks. The lecture's deck is written where all of its notebooks are among them.
        folder: where the decks go; None is build/slides.

    Returns:
        The pages, the list first.

    Raises:
        FashionError: sphinx-revealjs is not installed, a notebook cannot be read, or a section of the lecture is
            not there.
    """
    folder = paths.made(folder or paths.build_dir() / "slides")
    copy_reveal(folder / REVEAL)
    copy_font(folder / REVEAL)
    decks = {folder / f"{path.stem}.html": deck_page(path) for path in notebooks}
    if set(LECTURE) <= {path.name[:2] for path in notebooks}:
        decks = {folder / "lecture.html": ("One lecture, 90 minutes", lecture_page(notebooks))} | decks
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


def copy_font(folder: Path) -> None:
    """Copy the font of the formulas out of the installed package ziamath; without it, browsers take their own."""
    package = find_spec("ziamath")
    found = next(Path(package.origin).parent.rglob(FONT), None) if package else None
    if found:
        shutil.copyfile(found, paths.made(folder) / FONT)
