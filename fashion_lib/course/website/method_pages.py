"""One page per method: what it is, its equations, its files in reading order, and its rows of the ledger."""

import inspect
import re
from pathlib import Path

import nbformat
import pandas as pd

from fashion_lib.core import paths
from fashion_lib.core.markdown import markdown_table
from fashion_lib.core.words import plain_markdown
from fashion_lib.course.website.docstring_pages import (
    as_markdown,
    equation_lines,
    first_sentence,
    module_docstring,
)
from fashion_lib.course.website.ledger_pages import method_tables
from fashion_lib.course.website.notebook_pages import short_title
from fashion_lib.course.website.site_links import LANGUAGES, SiteLinks, fenced
from fashion_lib.methods.reading import LIBRARY, reading_order
from fashion_lib.methods.registry import METHODS, Method

# Where the course derives a method: number of the notebook, and which of its sections are on this method.
TAUGHT_IN = {
    "random": (("02", "What is chance"),),
    "triplet": (("03", "Three garments|cautionary tale"),),
    "csn": (("03", "conditional similarity network"),),
    "asen": (("04", ""), ("08", "ASEN version 1")),
    "attnfashion": (("08", "AttnFashion"),),
    "haen": (("08", "HAEN"),),
    "isln": (("08", "ISLN"),),
    "asen_pp": (("16", r"ASEN\+\+"),),
    "rpf": (("16", "RPF|E-InfoNCE|One feature"),),
    "ipad": (("17", ""), ("18", ""), ("19", "")),
    "ag_mlan": (("09", ""),),
    "image_only": (("15", "The queries"),),
    "amnet": (("14", "memory"),),
    "adde_m": (("14", "memory"), ("13", "Triplets in every subspace")),
    "yao2026": (("12", ""), ("13", ""), ("14", "memory")),
}
SPELLED = {"asen_pp": "ASEN++", "yao2026": "Yao", "adde_m": "ADDE"}  # as docstrings write these methods
FORMULA = re.compile(r"\$\$.+?\$\$", re.DOTALL)


def method_page(method: Method, ledger: pd.DataFrame, notebooks: Path, links: SiteLinks) -> str:
    """Return the page of one method as Markdown.

    Args:
        method: an entry of METHODS.
        ledger: rows in the ledger's columns; those of other methods are left out.
        notebooks: folder of the course's notebooks.
        links: of the site; files that the method reads get pages.
    """
    page, files = f"methods/{method.name}", reading_order(method.name)
    own = [file for file in files if _module(file).startswith(_home(method))]
    parts = [
        f"# {method.name}",
        plain_markdown(f"{method.reference}. Task: {method.task}."),
        plain_markdown(f"Variants, default first: {', '.join(method.variants)}."),
        as_markdown(inspect.getmodule(method.build).__doc__),
        "## Equations", *_formulas(method.name, page, notebooks, links), *_citations(method.name, files, own),
        "## Files in reading order",
        f"Pieces come first, the method's own file last, as `fl.read(\"{method.name}\")` prints them.",
        "\n".join(f"{n}. {_file_line(file, page, links)}" for n, file in enumerate(files, start=1)),
        "## Its own code",
        *(f"### `{_name(file)}`\n\n" + fenced(file.read_text(encoding="utf-8"), LANGUAGES[".py"]) for file in own),
        "## Rows of the ledger", *method_tables(ledger[ledger.method.str.split("+").str[0] == method.name]),
    ]  # fmt: skip
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def method_index() -> str:
    """Return the page that lists all methods, simplest first, with their pages below it."""
    rows = [(f"[{one.name}]({one.name}.md)", one.task, plain_markdown(one.reference),
             first_sentence(inspect.getmodule(one.build).__doc__)) for one in METHODS.values()]  # fmt: skip
    table = pd.DataFrame(rows, columns=["method", "task", "source", "in one sentence"])
    tree = "\n".join(["```{toctree}", ":hidden:", "", *METHODS, "```"])
    listed = markdown_table(table, index=False)
    return f"# Methods\n\nIn the order of the tables, simplest first.\n\n{listed}\n\n{tree}\n"


def _home(method: Method) -> str:
    """The module of a method with a file of its own, or the package of one that has several."""
    module = method.build.__module__
    return module.rpartition(".")[0] + "." if module.count(".") > 2 else module


def _module(file: Path) -> str:
    return ".".join(file.relative_to(LIBRARY.parent).with_suffix("").parts)


def _name(file: Path) -> str:
    return file.relative_to(LIBRARY.parent).as_posix()


def _file_line(file: Path, page: str, links: SiteLinks) -> str:
    return f"[`{_name(file)}`]({links.to_file(_name(file), page)}): {first_sentence(module_docstring(file))}"


def _formulas(name: str, page: str, notebooks: Path, links: SiteLinks) -> list[str]:
    """The display formulas of the notebooks' sections on a method, each section under a link."""
    parts = []
    for number, wanted in TAUGHT_IN.get(name, ()):
        for file in paths.numbered_notebooks(notebooks):
            if file.name.startswith(number):
                address = links.to_page(f"notebooks/{file.name}", page)
                for heading, formulas in _sections(file):
                    if formulas and re.search(wanted, heading):
                        parts += [f"[{short_title(file)}]({address}), “{heading}”:", *formulas]
    return parts


def _sections(file: Path) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = [("", [])]
    for cell in nbformat.read(file, as_version=4).cells:
        if cell.cell_type == "markdown":
            for part in re.split(r"(?m)^(?=#{1,6} )", cell.source):
                if heading := re.match(r"#{1,6} +(.+)", part):
                    found.append((heading[1].strip(), []))
                found[-1][1].extend(FORMULA.findall(part))
    taught = (
        [heading for heading, _ in found].index("Exercises") if ("Exercises", []) in found else len(found)
    )
    return found[:taught]


def _citations(method: str, files: list[Path], own: list[Path]) -> list[str]:
    """List the equations that a method's own files cite, and those of shared files that name the method."""
    called = SPELLED.get(method, method.replace("_", "-")).lower()
    rows = [
        (f"`{name}`", f"`{_name(file)}`", sentence)
        for file in files
        for name, sentence in equation_lines(file)
        if file in own or called in sentence.lower()
    ]
    if not rows:
        return []
    table = pd.DataFrame(rows, columns=["class or function", "file", "cites"])
    return ["Where the code cites an equation of the paper:", markdown_table(table, index=False)]
