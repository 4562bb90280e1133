"""All pages of the site as Markdown and notebooks, in one folder that Sphinx then renders (`make site`)."""

import shutil
from collections.abc import Collection
from pathlib import Path

import nbformat
import pandas as pd

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import write_atomically
from fashion_lib.core.markdown import markdown_table
from fashion_lib.core.words import plain_markdown
from fashion_lib.course.website import face_reference, ledger_pages, method_pages
from fashion_lib.course.website.notebook_pages import listed, site_notebook
from fashion_lib.course.website.site_links import SiteLinks, outside_code
from fashion_lib.data import sets
from fashion_lib.methods.registry import METHODS
from fashion_lib.papers import differences
from fashion_lib.papers.differences.difference_tables import code_spans
from fashion_lib.runs import ledger as results
from fashion_lib.tasks.retrieval.protocol import protocol_card
from fashion_lib.training.profiles import Profile

MARK = "WRITTEN_BY_SITE_PAGES"  # the file by which a folder is known as one of ours
KEYS = ("docs/quiz_keys.md",)  # for instructors: students read the site
INDEX = """# Fine-grained fashion retrieval

A notebook course and an honest reproduction: given a photograph, find garments with the same sleeve length, the same
collar, or the same pattern. The notebooks stand here with their committed outputs: nothing was executed for this site.

{picture}

{guide}

{trees}
"""
PICTURE = (
    "![One picture as the query, once per attribute; a row shows its nearest pictures](figures/boards.png)"
)
GUIDE = {
    "notebooks": "New here: [a tour in five minutes](notebooks/00_tour.ipynb), then the notebooks in their order. An "
    "appendix (00a, 01a, …) stands below its notebook at the side; no exercise needs one.",
    "repository": "Running it: [the README](README.md) installs the course and says what each notebook costs.",
    "teaching": "A word that you do not know: [the glossary](docs/glossary.md). Teaching: [the instructor's "
    "guide](docs/teaching.md).",
    "ledger": "Looking for a number: [the ledger](ledger/index.md) and its [protocol cards](protocols/index.md).",
    "methods": "Reading code: [the methods](methods/index.md) with their files in reading order.",
    "api": "Calling code: [the API reference](api/index.md).",
    "differences": "What a paper says and what its code does: [papers against code](papers_against_code.md).",
}
# What a site has beside its notebooks and the texts of docs/. "ledger" brings the protocol cards.
PARTS = ("methods", "differences", "ledger", "api", "repository")
START = {
    "methods": "methods/index",
    "differences": "papers_against_code",
    "ledger": "ledger/index",
    "api": "api/index",
}
# The notebooks by what they are about: the first number of each part.
CHAPTERS = {
    "The question, the data, the score": 0,
    "An attribute as an input": 3,
    "Curves, heat maps, tables": 5,
    "ASEN's successors": 8,
    "Attribute manipulation": 12,
    "A second, closer look": 16,
    "Your data, your machine": 21,
}
# The instructor's guide in the order of use; other pages of docs/ follow.
TAUGHT = ("teaching", "syllabi", "objectives", "mistakes", "quiz", "rubrics")


def write_site(
    out: Path, profile: Profile, *, only: Collection[str] = (), parts: Collection[str] = PARTS
) -> Path:
    """Write the pages of the site; what an earlier call left in the folder goes.

    Args:
        out: the folder: a new one, an empty one, or one that this function wrote.
        profile: of the protocol cards.
        only: numbers of notebooks, such as "02"; the others stay out. Empty is all.
        parts: of PARTS.

    Returns:
        The folder.

    Raises:
        FashionError: the folder holds something else, a number has no notebook, or a link leads to nothing.
    """
    root = paths.root()
    notebooks = _chosen(only)
    found = (file.relative_to(root).as_posix() for file in (root / "docs").rglob("*.md"))
    texts = sorted(set(found).difference(KEYS), key=_place_of_text)
    texts += paths.texts() if "repository" in parts else []
    _emptied(out)
    links = SiteLinks(root, out, {*texts, *(f"notebooks/{file.name}" for file in notebooks)}, KEYS)
    below = appendices(notebooks)
    for file in notebooks:
        book = site_notebook(file, links, below.get(file, ()))
        write_atomically(out / "notebooks" / file.name, nbformat.writes(book) + "\n")
    for name in texts:
        write_atomically(out / name, links.in_markdown((root / name).read_text(encoding="utf-8"), name))
    if "ledger" in parts:
        _write_ledger(out)
        _write_protocols(out, profile)
    if "methods" in parts:
        _write_methods(out, links)
    if "differences" in parts:
        write_atomically(out / "papers_against_code.md", differences_page(links))
    if "api" in parts:
        _write_reference(out, links)
    own = [file for file in notebooks if not any(file in ones for ones in below.values())]
    write_atomically(out / "index.md", _index(own, texts, parts, links.in_markdown(PICTURE, "index.md")))
    return out


def _emptied(out: Path) -> None:
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        raise FashionError(f"{out} holds other files than the site's pages: name an empty or a new folder.")
    shutil.rmtree(out, ignore_errors=True)
    write_atomically(
        out / MARK, "Written by `python -m fashion_lib site-pages`, which empties this folder first.\n"
    )


def _chosen(only: Collection[str]) -> list[Path]:
    found = paths.numbered_notebooks()
    for number in only:
        if not any(file.name.startswith(f"{number}_") for file in found):
            raise FashionError(f"there is no notebook {number}: give numbers such as 02, or leave them out.")
    return [file for file in found if not only or file.name.partition("_")[0] in only]


def _write_ledger(out: Path) -> None:
    ledger = results.committed_rows()
    for dataset, rows in ledger.groupby("dataset"):
        write_atomically(out / "ledger" / f"{dataset}.md", ledger_pages.dataset_page(dataset, rows))
    runs = pd.read_csv(paths.data_file("runs.csv"))
    page = ledger_pages.ledger_index(runs, sorted(ledger.dataset.unique()))
    write_atomically(out / "ledger" / "index.md", page)


def _write_methods(out: Path, links: SiteLinks) -> None:
    ledger = results.committed_rows()
    for method in METHODS.values():
        page = method_pages.method_page(method, ledger, paths.notebooks_dir(), links)
        write_atomically(out / "methods" / f"{method.name}.md", page)
    write_atomically(out / "methods" / "index.md", method_pages.method_index())


def _write_reference(out: Path, links: SiteLinks) -> None:
    for room in face_reference.ROOMS:
        write_atomically(out / "api" / f"{room}.md", face_reference.room_page(room, links))
    write_atomically(out / "api" / "face.md", face_reference.face_page(links))
    write_atomically(out / "api" / "index.md", face_reference.rooms_index())


def _write_protocols(out: Path, profile: Profile) -> None:
    """Write a card for every data set whose files are here, and the page that says how to get the others."""
    written = []
    for name in sets.DATASETS:
        try:
            data = sets.load_dataset(name, profile)
        except FashionError:  # its licence forbids that it is shipped; the table says how people get it
            continue
        write_atomically(out / "protocols" / f"{name}.md", protocol_card(data, profile))
        written.append(name)
    table = sets.as_table().loc[list(sets.DATASETS)].drop(columns="how to get it")
    table["how to get it"] = [entry.how_to_get for entry in sets.DATASETS.values()]
    table = table.map(lambda cell: outside_code(cell, plain_markdown))
    table.index = [f"[{name}]({name}.md)" if name in written else name for name in table.index]
    table = table.rename_axis("data set").reset_index()
    text = "# Protocol cards\n\nWhat a score on a data set means, written from the code and the data. A data set "
    text += "without a link was not on the machine that built this site.\n\n"
    tree = "\n".join(["```{toctree}", ":hidden:", "", *written, "```"])
    write_atomically(
        out / "protocols" / "index.md", f"{text}{markdown_table(table, index=False)}\n\n{tree}\n"
    )


def differences_page(links: SiteLinks) -> str:
    """Return every difference between a paper and its code as one sortable table, in Markdown."""
    rows = differences.table().data
    table = ledger_pages.sortable(rows.map(code_spans), f"{len(rows)} differences", escape=False)
    text = (
        f"{ledger_pages.WHOLE_WIDTH}# Papers against code\n\nOne row per difference that we know of. "
        "[Notebook 11](notebooks/11_paper_against_code.ipynb) says how to read the columns, what was measured, and "
        f"what the printed numbers are.\n\n{table}\n"
    )
    return links.in_markdown(text, "papers_against_code.md")


def appendices(notebooks: list[Path]) -> dict[Path, list[Path]]:
    """Return the appendices of each notebook: 09a and 09b belong to 09, where 09 is among the notebooks."""
    numbers = {file.name.partition("_")[0]: file for file in notebooks}
    found: dict[Path, list[Path]] = {}
    for number, file in numbers.items():
        if len(number) > 2 and number[:2] in numbers:
            found.setdefault(numbers[number[:2]], []).append(file)
    return found


def _place_of_text(name: str) -> tuple[int, str]:
    stem = Path(name).stem
    return TAUGHT.index(stem) if stem in TAUGHT else len(TAUGHT), name


def _index(notebooks: list[Path], texts: list[str], parts: Collection[str], picture: str) -> str:
    names = [name.removesuffix(".md") for name in texts]
    glossary = [name for name in names if name == "docs/glossary"]
    trees = _chapters(notebooks)
    trees["Reference"] = glossary + [START[part] for part in START if part in parts]
    trees["Reference"] += ["protocols/index"] * ("ledger" in parts)
    trees["Teaching"] = [name for name in names if name.startswith("docs/") and name not in glossary]
    trees["The repository"] = [
        "README <README>" if name == "README" else name for name in names if not name.startswith("docs/")
    ]
    lists = ["\n".join(["```{toctree}", f":caption: {caption}", ":maxdepth: 1", "", *pages, "```", ""])
             for caption, pages in trees.items() if pages]  # fmt: skip
    there = set(parts)
    there |= {"notebooks"} if any(file.name.startswith("00_") for file in notebooks) else set()
    there |= {"teaching"} if glossary else set()
    guide = "\n".join(f"- {line}" for part, line in GUIDE.items() if part in there)
    return INDEX.format(picture=picture, guide=guide, trees="\n".join(lists))


def _chapters(notebooks: list[Path]) -> dict[str, list[str]]:
    """Return the entries of the notebooks' lists by their captions."""
    found: dict[str, list[str]] = {caption: [] for caption in CHAPTERS}
    for file in notebooks:
        first = [caption for caption, number in CHAPTERS.items() if number <= int(file.name[:2])]
        found[first[-1]].append(listed(file, "notebooks/"))
    return found
