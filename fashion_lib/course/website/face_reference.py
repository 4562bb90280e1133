"""The API reference: every name of `import fashion_lib as fl`, and the library's packages with their modules."""

import inspect
import re
from pathlib import Path
from types import ModuleType

import pandas as pd

import fashion_lib
from fashion_lib.core.markdown import markdown_table
from fashion_lib.course.website import docstring_pages as docstrings
from fashion_lib.course.website.site_links import SiteLinks, fenced
from fashion_lib.methods.reading import LIBRARY

SOLUTIONS = (
    "nb[0-9][0-9]*.py",
    "student_*.py",
)  # of the exercises: a reader of the site should not find them by chance
ROOMS = ("core", "data", "parts", "methods", "training", "tasks", "runs", "show", "papers", "course", "explorer",
         "workflow", "commands")  # fmt: skip


def face_page(links: SiteLinks) -> str:
    """Return the page of the public face: how each name is called, and its docstring."""
    parts = ["# The public face", docstrings.as_markdown(fashion_lib.__doc__)]
    for name in fashion_lib.__all__:
        found = getattr(fashion_lib, name)
        if callable(found) or isinstance(found, ModuleType):
            parts += [f"## `fl.{name}`", *_described(name, found, links)]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _described(name: str, found, links: SiteLinks) -> list[str]:
    parts = []
    if callable(found):
        call = type(found).__call__ if isinstance(found, ModuleType) else found  # a package that is called
        parts += [fenced(f"fl.{name}{_signature(call)}", "python")]
        parts += [docstrings.as_markdown(inspect.getdoc(call)) if call is not found else ""]
    parts.append(docstrings.as_markdown(inspect.getdoc(found)))
    if inspect.isclass(found):
        parts += _methods(found)
    if isinstance(found, ModuleType) and hasattr(found, "__all__"):
        for inner in found.__all__:
            piece = getattr(found, inner)
            shown = _signature(piece) if callable(piece) else ""
            parts += [f"### `fl.{name}.{inner}`", fenced(f"fl.{name}.{inner}{shown}", "python") if shown else "",
                      docstrings.as_markdown(inspect.getdoc(piece))]  # fmt: skip
    if file := inspect.getsourcefile(found):
        path = Path(file).resolve().relative_to(LIBRARY.parent).as_posix()
        parts.append(f"Source: [`{path}`]({links.to_file(path, 'api/face')})")
    return parts


def _methods(kind: type) -> list[str]:
    """The public methods and properties that a class of the library defines itself."""
    parts = []
    for name, member in vars(kind).items():
        member = getattr(member, "__func__", member)
        if name.startswith("_") or not (inspect.isfunction(member) or isinstance(member, property)):
            continue
        shown = f"{name}{_signature(member)}" if inspect.isfunction(member) else name
        if text := inspect.getdoc(member):
            parts += [f"### `{kind.__name__}.{name}`", fenced(shown, "python"), docstrings.as_markdown(text)]
    return parts


def _signature(called) -> str:
    try:
        return re.sub(
            r"\b(fashion_lib|pathlib|typing|collections\.abc)(\._local)?\.",
            "",
            str(inspect.signature(called)),
        ).replace("(self, ", "(")
    except (TypeError, ValueError):  # what C code defines has none
        return "(...)"


def room_page(room: str, links: SiteLinks) -> str:
    """Return the page of a room: each module, and its public classes and functions with their first sentence.

    Args:
        room: a folder of the library.
        links: of the site; every module gets a page.
    """
    folder = LIBRARY / room
    parts = [f"# Package `{room}`", docstrings.as_markdown(docstrings.module_docstring(folder / "__init__.py"))]
    for file in sorted(folder.rglob("*.py")):
        name = file.relative_to(LIBRARY.parent).as_posix()
        definitions = docstrings.public_definitions(file)
        if any(map(file.match, SOLUTIONS)) or (file.name == "__init__.py" and not definitions):
            continue
        parts += [f"## [`{name.removeprefix('fashion_lib/')}`]({links.to_file(name, f'api/{room}')})"]
        parts += [docstrings.as_markdown(docstrings.module_docstring(file))]
        parts.append("\n".join(
            f"- `{docstrings.signature(node)}`: {docstrings.first_sentence(docstrings.ast.get_docstring(node))}"
            for node in definitions
        ))  # fmt: skip
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def rooms_index() -> str:
    """Return the page that lists the rooms in the order in which they may import each other."""
    said = {room: docstrings.module_docstring(LIBRARY / room / "__init__.py") for room in ROOMS}
    rows = [(f"[{room}]({room}.md)", docstrings.first_sentence(text)) for room, text in said.items()]
    table = markdown_table(pd.DataFrame(rows, columns=["package", "what it is for"]), index=False)
    tree = "\n".join(["```{toctree}", ":hidden:", "", "face", *ROOMS, "```"])
    return (
        "# API reference\n\n[The public face](face.md) is what `import fashion_lib as fl` gives. A package imports the "
        f"packages above it in this table only.\n\n{table}\n\n{tree}\n"
    )
