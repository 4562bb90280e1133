"""What a deck of slides takes from a notebook, by one rule for all of them.

Per section: its heading, the first sentence of its prose (two where they are short), its first displayed formula with
the sentence before it, and every figure with the sentence before it. A section without formula and figure shows its
first paragraph. A cell tagged `slide` comes whole. The take-aways and the titles of the exercises end a deck. The whole
prose of a section is in the speaker's notes. So a slide never says anything that its notebook does not say.
"""

import re
from dataclasses import dataclass, field, replace

from nbformat import NotebookNode

from fashion_lib.core.errors import FashionError

TAG = "slide"
TAKE_AWAY, EXERCISES, REFERENCES = "What to take away", "Exercises", "References"
PER_SLIDE = 4  # take-aways
SHORT = 200  # characters: two sentences that fit into them stand together
LONG = 600  # characters of a paragraph that fits on a slide of its own
HEADING = re.compile(r"^(#{1,4}) (.+)$")
FORMULA = re.compile(r"(?:\$\$.+?\$\$\s*)+", re.DOTALL)  # one or several lines of formulas
# A sentence ends before a capital letter, unless the dot belongs to an abbreviation.
SENTENCE_END = re.compile(
    r"(?<!\bal\.)(?<!\beq\.)(?<!\bvs\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<=[.?!:])[*)”]*\s+(?=[*\[($`]*[A-Z])"
)
NO_PROSE = re.compile(r"\s*([|>#]|[-*] |\d+\. |\$\$|```|!\[)")


@dataclass(frozen=True)
class Slide:
    """Hold one slide.

    Attributes:
        heading: without its number signs.
        text: Markdown under the heading.
        picture: (MIME type, data in base64), or None.
        notes: Markdown for the speaker.
        begins: whether it begins a column of the deck; the others stand below it.
    """

    heading: str
    text: str = ""
    picture: tuple[str, str] | None = None
    notes: str = ""
    begins: bool = False


@dataclass
class _Section:
    heading: str
    level: int
    parts: list = field(default_factory=list)  # in order: str for Markdown, a cell for code or a tagged cell

    @property
    def prose(self) -> str:
        return "\n\n".join(part for part in self.parts if isinstance(part, str))


def slides_of(notebook: NotebookNode, name: str) -> list[Slide]:
    """Return the slides of a notebook, in order.

    Args:
        notebook: executed, since the figures are its outputs.
        name: its name, for the error sentence.

    Raises:
        FashionError: the notebook does not begin with a title.
    """
    sections = _sections(notebook)
    if not sections or sections[0].level != 1:
        raise FashionError(f"The notebook {name} does not begin with a Markdown title '# ...': write one.")
    slides = [_title(sections[0])]
    for section in sections[1:]:
        if section.heading == TAKE_AWAY:
            slides += _take_aways(section)
        elif section.heading == EXERCISES:
            slides += _exercises(notebook)
        elif section.heading != REFERENCES:
            slides += _section_slides(section)
    return slides


def _sections(notebook: NotebookNode) -> list[_Section]:
    """Cut the notebook at its headings; the cells of the exercises are left out but for their heading."""
    found: list[_Section] = []
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "exercise" in tags and not cell.source.startswith("## "):
            continue
        if cell.cell_type == "markdown" and TAG not in tags:
            for heading, level, body in _chunks(cell.source):
                if heading:
                    found.append(_Section(heading, level))
                if body and found:
                    found[-1].parts.append(body)
        elif found:
            found[-1].parts.append(cell)
    return found


def _chunks(source: str) -> list[tuple[str, int, str]]:
    """Cut Markdown at its headings, outside code: (heading or "", level, body)."""
    chunks, lines, fenced = [("", 0)], [[]], False
    for line in source.splitlines():
        fenced ^= line.startswith("```")
        if (match := HEADING.match(line)) and not fenced:
            chunks.append((match[2].strip(), len(match[1])))
            lines.append([])
        else:
            lines[-1].append(line)
    return [
        (heading, level, "\n".join(body).strip())
        for (heading, level), body in zip(chunks, lines, strict=True)
    ]


def _title(section: _Section) -> Slide:
    """Return the title slide: the question in bold, or the first sentence."""
    bold = re.search(r"\*\*(.+?\?)\*\*", section.prose, re.DOTALL)
    question = " ".join(bold[1].split()) if bold else "" if "?" in section.heading else opening(section.prose)
    return Slide(section.heading, question, notes=section.prose, begins=True)


def _section_slides(section: _Section) -> list[Slide]:
    formula = FORMULA.search(section.prose)
    said = [opening(section.prose)]
    if formula:
        before = last_sentence(section.prose[: formula.start()])
        said += [before] if before not in said[0] else []
        said.append(formula[0].strip())
    text = "\n\n".join(filter(None, said))
    slides = [Slide(section.heading, text, notes=section.prose, begins=section.level == 2)]
    said = first_sentence(section.prose)
    for part in section.parts:
        if isinstance(part, str):
            said = last_sentence(part) or said
        elif TAG in part.metadata.get("tags", []):
            slides += _whole(section, part)
        else:
            slides += [Slide(section.heading, said, picture) for picture in pictures_of(part)]
    if (
        len(slides) > 1 and not formula and slides[1].picture
    ):  # the first figure fits below the first sentence
        slides[:2] = [replace(slides[0], picture=slides[1].picture)]
    if len(slides) == 1 and not formula and not slides[0].picture:  # nothing else to look at
        slides = [replace(slides[0], text=first_paragraph(section.prose) or text)]
    return slides


def _whole(section: _Section, cell: NotebookNode) -> list[Slide]:
    """Return the slides of a cell that is tagged: its text or code, then its figures."""
    if cell.cell_type == "markdown":
        return [
            Slide(heading or section.heading, body)
            for heading, _, body in _chunks(cell.source)
            if heading or body
        ]
    code = Slide(section.heading, f"```python\n{cell.source}\n```")
    return [code, *(Slide(section.heading, "", picture) for picture in pictures_of(cell))]


def _take_aways(section: _Section) -> list[Slide]:
    items = re.split(r"\n(?=- )", section.prose.strip())
    groups = [items[start : start + PER_SLIDE] for start in range(0, len(items), PER_SLIDE)]
    return [Slide(section.heading, "\n".join(group), begins=not k) for k, group in enumerate(groups)]


def _exercises(notebook: NotebookNode) -> list[Slide]:
    titles = [cell.source.splitlines()[0].lstrip("# ") for cell in notebook.cells
              if "exercise-question" in cell.metadata.get("tags", [])]  # fmt: skip
    return [Slide(EXERCISES, "\n".join(f"- {title}" for title in titles), begins=True)] if titles else []


def pictures_of(cell: NotebookNode) -> list[tuple[str, str]]:
    """Return the figures of a code cell, each as (MIME type, base64)."""
    bundles = [output.get("data", {}) for output in cell.get("outputs", [])]
    return [(kind, "".join(bundle[kind]).strip()) for bundle in bundles
            for kind in ("image/png", "image/jpeg") if kind in bundle]  # fmt: skip


def sentences(markdown: str) -> list[str]:
    """Return the sentences of the plain prose, in order; lists, tables, formulas and code are left out."""
    found = []
    for paragraph in re.split(r"\n\s*\n", FORMULA.sub("\n\n", markdown)):
        if paragraph.strip() and not NO_PROSE.match(paragraph):
            found += _cut(" ".join(paragraph.split()))
    return found


def _cut(paragraph: str) -> list[str]:
    """Cut a paragraph behind its sentences; bold type that goes over several of them is dropped."""
    found, start = [], 0
    for end in SENTENCE_END.finditer(paragraph):
        found.append(paragraph[start : end.end()].strip())
        start = end.end()
    found.append(paragraph[start:])
    return [part.replace("**", "") if part.count("**") % 2 else part for part in found]


def opening(markdown: str) -> str:
    """Return the first sentence of the prose, or two where they are short and in one paragraph."""
    first = next(
        (found for part in FORMULA.split(markdown) for found in map(sentences, part.split("\n\n")) if found),
        [],
    )
    together = " ".join(first[:2])
    announces = len(first) > 1 and first[1].endswith(":")  # a cell that is not on the slide
    return together if len(together) <= SHORT and not announces else first[0]


def first_paragraph(markdown: str) -> str:
    """Return the first paragraph of the prose without a sentence that announces a cell; "" for none or a long one."""
    paragraphs = (" ".join(sentences(part)) for part in re.split(r"\n\s*\n", markdown))
    found = sentences(next(filter(None, paragraphs), ""))
    if len(found) > 1 and found[-1].endswith(":"):
        found = found[:-1]
    text = " ".join(found)
    return text if len(text) <= LONG else ""


def first_sentence(markdown: str) -> str:
    """Return the first sentence of the prose; "" where there is none."""
    return next(iter(sentences(markdown)), "")


def last_sentence(markdown: str) -> str:
    """Return the last sentence of the prose, which often announces the next cell; "" where there is none."""
    return next(reversed(sentences(markdown)), "")
