"""Docstrings as Markdown: sections as lists, and nothing that Markdown would take for a mark of its own."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from fashion_lib.course.website.site_links import outside_code

SECTION = re.compile(r"^(Args|Returns|Raises|Attributes|Yields):$")
ENTRY = re.compile(r"^(\*{0,2}[\w.]+)(?: \([^)]*\))?: +(.+)$")
Definition = ast.ClassDef | ast.FunctionDef


def as_markdown(docstring: str | None) -> str:
    """Return a docstring as Markdown; its sections (Args, Returns, Raises) become lists under a bold word."""
    parts: list[str] = []
    section = ""
    for line in inspect.cleandoc(docstring or "").splitlines():
        if found := SECTION.match(line):
            section = found[1]
            parts += ["", f"**{section}**", ""]
        elif section and line.startswith("    "):
            parts.append(_entry(line[4:], section))
        elif line.strip():
            section = ""
            parts.append(line)
        else:
            parts.append("")
    return outside_code("\n".join(parts), escaped).strip() + "\n"


def _entry(line: str, section: str) -> str:
    """Return a line of a section; what does not begin an entry goes on with the one before."""
    if section in ("Args", "Raises", "Attributes") and (found := ENTRY.match(line)):
        return f"- `{found[1]}`: {found[2]}"
    return ("  " if section in ("Args", "Raises", "Attributes") else "") + line.lstrip()


def escaped(text: str) -> str:
    """Return Markdown in which no bracket, star or dollar sign of plain text is a mark; "**Args**" stays bold."""
    return re.sub(
        r"(?m)^(?!\*\*\w+\*\*$).*$", lambda line: re.sub(r"[<$*]|(?<=\])(?=\()", r"\\\g<0>", line[0]), text
    )


def first_sentence(docstring: str | None) -> str:
    """Return the first sentence of a docstring on one line, as Markdown; "" for none."""
    paragraph = " ".join(inspect.cleandoc(docstring or "").partition("\n\n")[0].split())
    return outside_code(re.split(r"(?<=[.?!]) +(?=[A-Z`])", paragraph)[0], escaped).replace("|", "\\|")


def module_docstring(file: Path) -> str:
    """Return the docstring of a Python file, "" for none; nothing is imported."""
    return ast.get_docstring(_parsed(file)) or ""


def public_definitions(file: Path) -> list[Definition]:
    """Return the classes and functions of a Python file whose names begin without an underscore, in their order."""
    found = [node for node in _parsed(file).body if isinstance(node, Definition)]
    return [node for node in found if not node.name.startswith("_")]


def equation_lines(file: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of each class and function whose docstring cites an equation, with the sentence that does."""
    for node in ast.walk(_parsed(file)):
        if isinstance(node, Definition) and (docstring := ast.get_docstring(node)):
            text = " ".join(docstring.split())
            for sentence in re.split(r"(?<!eq\.)(?<!eqs\.)(?<=[.?!]) +(?=[A-Z`])", text):
                if re.search(r"\beqs?\. *\(?\d", sentence):
                    yield node.name, outside_code(sentence, escaped).replace("|", "\\|")
                    break


def signature(node: Definition) -> str:
    """Return how a function or class of a parsed file is called, such as `fuse(maps, weights)`."""
    if isinstance(node, ast.ClassDef):
        makers = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
        if not makers:
            return node.name
        arguments = ast.unparse(makers[0].args).removeprefix("self").removeprefix(", ")
        return f"{node.name}({arguments})"
    returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{node.name}({ast.unparse(node.args)}){returned}"


def _parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))
