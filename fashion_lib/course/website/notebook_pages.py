"""Notebooks as pages: committed outputs as they are, links that lead to pages, and a text for every picture."""

import re
from collections.abc import Sequence
from pathlib import Path

import nbformat

from fashion_lib.course.badges import badges
from fashion_lib.course.website.site_links import SiteLinks

HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)
# Words that the code puts into the picture: titles, and labels of axes.
WORDS = re.compile(
    r"""(?:set_title|suptitle|set_xlabel|set_ylabel|xlabel=|ylabel=|title=)\(?\s*f?(["'])(.+?)\1"""
)
LONGEST = 300  # characters of the text


# The first cell is for another machine: folded, under a title that says so.
COLAB = {
    "code_prompt_show": "First cell: installs the course on Colab, and does nothing where it is installed"
}


def site_notebook(file: Path, links: SiteLinks, below: Sequence[Path] = ()) -> nbformat.NotebookNode:
    """Return a notebook for Sphinx, with every picture's text in its cell's metadata, where myst-nb looks for it.

    Args:
        file: the notebook; it is not changed.
        links: of the site.
        below: its appendices, which the list at the side shows below it.
    """
    book = nbformat.read(file, as_version=4)
    source, section, before = f"notebooks/{file.name}", "", ""
    for cell in book.cells:
        if cell.cell_type == "markdown":
            headings = HEADING.findall(_without_code(cell.source))
            section, before = (headings[-1] if headings else section), cell.source
            cell.source = links.in_markdown(cell.source, source)
        elif cell.cell_type == "code":
            count = sum(_is_picture(output) for output in cell.outputs)
            image = cell.metadata.setdefault("mystnb", {}).setdefault("image", {})
            if count:  # a text that the notebook's author gave stays
                image.setdefault("alt", picture_text(section, before, cell.source, count))
            if "colab" in cell.metadata.get("tags", ()):
                cell.metadata.tags.append("hide-input")
                cell.metadata.mystnb.update(COLAB)
            for output in cell.outputs:
                _for_reading(output)
    book.cells[0].source += f"\n\n{links_out}" if (links_out := badges(file.name)) else ""
    if below:
        tree = "\n".join(["```{toctree}", ":hidden:", "", *(listed(one) for one in below), "```"])
        book.cells.append(nbformat.v4.new_markdown_cell(tree, id="appendices"))
    return book


def short_title(file: Path) -> str:
    """Return the number and the title of a notebook, such as "04 · Training"; a question stays on its page."""
    title = HEADING.findall(nbformat.read(file, as_version=4).cells[0].source)[0]
    number, _, words = title.partition(" · ")
    if words.startswith("Appendix of"):
        words = file.stem.partition("_")[2].replace("_", " ").capitalize()
    short = words.partition(":")[0] if words.endswith("?") else words
    return f"{number} · {short}"


def listed(file: Path, folder: str = "") -> str:
    """Return the entry of a notebook in a list of pages.

    Args:
        file: the notebook.
        folder: before its name, such as "notebooks/".
    """
    return f"{short_title(file)} <{folder}{file.stem}>"


def picture_text(section: str, before: str, code: str, count: int = 1) -> str:
    """Return the text of a picture: its section, the words drawn into it, and the sentence that leads to it.

    Args:
        section: the last heading before the cell, in Markdown.
        before: the last Markdown before the cell.
        code: of the cell.
        count: pictures of the cell; they share the text.
    """
    text = "Figure" if count == 1 else f"One of {count} figures"
    text += f" of “{_plain(section)}”"
    if words := list(dict.fromkeys(word for _, word in WORDS.findall(code) if "{" not in word)):
        text += f", with the words {', '.join(words)}"
    paragraphs = [part for part in re.split(r"\n\s*\n", before.strip()) if part and part[0] not in "#|$"]
    if paragraphs:
        text += ". " + re.split(r"(?<=[.?!]) +", _plain(paragraphs[-1]))[-1]
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def _is_picture(output) -> bool:
    return any(kind.startswith("image/") for kind in output.get("data", {}))


def _for_reading(output) -> None:
    """Take the second form of an output away: "<Figure size ...>" beside a picture says nothing."""
    data = output.get("data", {})
    if len(data) > 1:
        data.pop("text/plain", None)


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def _plain(markdown: str) -> str:
    """Return one line of text without the marks of Markdown, quotation marks and line breaks."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return " ".join(re.sub(r"[*`$\\\"]|^[-#>]+ ", "", text).split())
