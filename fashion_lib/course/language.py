"""Find sentences of notebooks and pages that are hard for a second-language reader: too long, or of a bad pattern."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pandas as pd

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.course.language_patterns import PATTERNS

LONGEST = 25  # words of a sentence
ALLOWED = "language_findings.csv"  # in docs/
MARK, DOT = (
    "\u2060",
    "\u2024",
)  # characters that no notebook has: before emphasis, and a full stop that ends nothing
ABBREVIATIONS = r"e\.g|i\.e|et al|eqs?|figs?|vs|cf|no|sec|tab"
REFERENCES = "## References"  # what follows are titles of papers


@dataclass(frozen=True)
class Finding:
    """Hold one sentence and what was found in it.

    Attributes:
        path: file.
        cell: id of the cell, or "" in a Markdown file.
        sentence: as plain text; CODE, MATH and QUOTE stand for what is not read.
        pattern: name of the pattern, with the words it found, or the number of words.
        advice: what to write instead.
    """

    path: Path
    cell: str
    sentence: str
    pattern: str
    advice: str

    def __str__(self) -> str:
        where = f"{self.path.name}:{self.cell}" if self.cell else self.path.name
        return f"{where}: {self.pattern}: {self.advice}\n    {self.sentence}"


def sentences(markdown: str) -> Iterator[str]:
    """Yield the sentences of a Markdown text: of paragraphs and list items, not of headings, tables, code or formulas.

    Args:
        markdown: the text of a cell or a file.
    """
    from markdown_it import MarkdownIt

    text = re.sub(r"\$\$.*?\$\$", "\n\n", markdown, flags=re.DOTALL)
    text = re.sub(r"(?<![\\`\w])\$[^$\n]+(?:\n[^$\n]+)?\$", "MATH", text)
    blocks = MarkdownIt("commonmark").enable("table").parse(text)
    for before, block in zip(blocks, blocks[1:], strict=False):
        if block.type == "inline" and before.type == "paragraph_open":
            yield from _split(_plain(block.children))


def _plain(tokens: list) -> str:
    """Return the text of a paragraph; where emphasis begins, MARK keeps that a sentence may begin there."""
    spaces = {"softbreak": " ", "hardbreak": " ", "code_inline": "CODE", "image": "", "html_inline": ""}
    spaces |= {"strong_open": MARK, "em_open": MARK}
    text = "".join(spaces.get(token.type, token.content) for token in tokens)
    text = re.sub(r"“[^”]*”|(?<!\w)\"[^\"]*\"", "QUOTE", text)
    text = re.sub(r"\([^()]*\b(?:19|20)\d\d\b[^()]*\)", "", text)  # a citation
    return re.sub(r"\s+", " ", text).strip()


def _split(text: str) -> Iterator[str]:
    guarded = re.sub(rf"\b({ABBREVIATIONS})\.", rf"\1{DOT}", text, flags=re.IGNORECASE)
    for sentence in re.split(r"(?<=[.!?])[)*]* (?=[^a-z]|[a-z]+\d)|(?<=[.!?]\)) (?=[^a-z])", guarded):
        if sentence := sentence.replace(DOT, ".").replace(MARK, "").strip():
            yield sentence


def words(sentence: str) -> int:
    """Return the number of words; a formula, a piece of code and a quotation count as one each."""
    return sum(1 for word in sentence.split() if re.search(r"\w", word))


def findings_in(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield (pattern with what it found, advice) for one sentence."""
    if (count := words(sentence)) > LONGEST:
        yield f"{count} words", "cut it in two"
    for pattern in PATTERNS:
        if found := pattern.found.search(sentence):
            yield f"{pattern.name} '{found.group().strip(' .,;:')[:40]}'", pattern.advice


def findings(path: Path) -> list[Finding]:
    """Return what is found in a notebook's Markdown cells, or in a Markdown file.

    Raises:
        FashionError: the file cannot be read.
    """
    return [
        Finding(path, cell, sentence, pattern, advice)
        for cell, text in _texts(path)
        for sentence in sentences(text)
        for pattern, advice in findings_in(sentence)
    ]


def _texts(path: Path) -> list[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".ipynb":
            return [("", text)]
        cells = nbformat.reads(text, as_version=4).cells
    except Exception as error:  # nbformat raises many kinds
        raise FashionError(
            f"{path} cannot be read as a notebook or Markdown ({error}): name another file."
        ) from None
    return [(cell.id, cell.source.split(REFERENCES)[0]) for cell in cells if cell.cell_type == "markdown"]


def pages() -> list[Path]:
    """Return the course's Markdown pages for readers: the README, the guide for contributors, docs/ and others."""
    return [paths.root() / name for name in paths.texts()] + sorted((paths.root() / "docs").glob("*.md"))


def number(path: Path) -> str:
    """Return what findings are counted under: the two digits of a notebook and its appendices, else the file's name."""
    return paths.notebook_number(path)[:2] or path.name


def per_notebook(found: list[Finding]) -> pd.Series:
    """Return the number of findings per `number`."""
    return pd.Series([number(one.path) for one in found], dtype=str).value_counts().sort_index()


def allowed_file() -> Path:
    """Return the file of the numbers of findings that are still allowed, one row per number of a notebook."""
    return paths.notebooks_dir().parent / "docs" / ALLOWED


def read_allowed() -> pd.Series:
    """Return the allowed findings per two digits of a notebook; a notebook without a row has none."""
    if not allowed_file().is_file():
        return pd.Series(dtype=int)
    return pd.read_csv(allowed_file(), dtype={"notebook": str}).set_index("notebook")["findings"]


def lower_allowed(counts: pd.Series) -> pd.Series:
    """Write the smaller of each allowed and present number of findings, and return them. No number can rise."""
    before = read_allowed()
    lowered = before.combine(counts, min, fill_value=0).loc[before.index].astype(int)
    lowered = lowered[lowered > 0]
    lowered.rename_axis("notebook").rename("findings").to_csv(allowed_file(), lineterminator="\n")
    return lowered
