"""Links of the course's texts: a file of the repository that has no page of its own gets one."""

import os
import re
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import write_atomically

# Markdown's code, which is left as it is: fenced blocks and code spans.
CODE = re.compile(r"(?ms)^ {0,3}(?P<fence>`{3,}|~{3,}).*?^ {0,3}(?P=fence)[`~]*[ \t]*$|`+[^`\n]+`+")
LINK = re.compile(r"(\]\()([^)\s]+)(\))")
WHOLE_LINK = re.compile(r"(?<!!)\[([^\[\]]+)\]\(([^)\s#]+)[^)\s]*\)")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#")  # an address with a scheme, or a place on the same page
PICTURES = (".png", ".jpg", ".jpeg", ".svg", ".gif")
LANGUAGES = {".py": "python", ".toml": "toml", ".yml": "yaml", ".yaml": "yaml", ".sh": "bash", ".json": "json",
             "Makefile": "make", "Dockerfile": "docker"}  # fmt: skip
LONGEST = 200_000  # characters of a file that a page shows


def outside_code(text: str, change) -> str:
    """Return Markdown with `change` applied to all of it that is no code.

    Args:
        text: Markdown.
        change: from text to text.
    """
    parts, start = [], 0
    for code in CODE.finditer(text):
        parts += [change(text[start : code.start()]), code.group()]
        start = code.end()
    return "".join([*parts, change(text[start:])])


def fenced(text: str, language: str = "") -> str:
    """Return a text as a fenced block, whatever rows of backticks stand in it."""
    longest = max(map(len, re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"


class SiteLinks:
    """The pages of the site by the repository's files that they show; the pages' folders mirror the repository's."""

    def __init__(self, root: Path, out: Path, own_pages: set[str], left_out: Collection[str] = ()):
        """Take the folders of the repository and of the pages, and the files that are pages themselves.

        Args:
            root: of the repository.
            out: folder of the pages.
            own_pages: paths below root, with slashes, such as "notebooks/00_tour.ipynb".
            left_out: files that the site does not show; a link to one becomes plain text.
        """
        self.root, self.out, self.own_pages = root.resolve(), out, own_pages
        self.left_out = frozenset(left_out)
        self.files: set[str] = set()  # pages of single files, written by code_page

    def in_markdown(self, text: str, source: str) -> str:
        """Return a text whose links lead to pages of the site.

        Args:
            text: Markdown.
            source: path of the text's file below root; its links are relative to it.

        Raises:
            FashionError: a link leads to nothing.
        """

        def without(link: re.Match) -> str:
            return link[1] if _below_root(link[2], source) in self.left_out else link[0]

        def changed(link: re.Match) -> str:
            return link[1] + self._target(link[2], source) + link[3]

        return outside_code(text, lambda part: LINK.sub(changed, WHOLE_LINK.sub(without, part)))

    def _target(self, target: str, source: str) -> str:
        if ELSEWHERE.match(target):
            return target
        path, _, place = unquote(target).partition("#")
        wanted = _below_root(path, source)
        file = self.root / wanted
        if wanted.startswith("..") or not file.exists():
            raise FashionError(f"{source} links {target}, where nothing is: correct the link.")
        if wanted in self.own_pages:
            return target
        if file.suffix in PICTURES:
            (self.out / wanted).parent.mkdir(parents=True, exist_ok=True)
            (self.out / wanted).write_bytes(file.read_bytes())
            return target
        return self.to_file(wanted, source)

    def to_page(self, wanted: str, page: str) -> str:
        """Return the address of a file's page as `to_file` does, whether it is a page itself or needs one.

        Args:
            wanted: path of a file below root.
            page: path of the other page below the folder of pages.
        """
        if wanted in self.own_pages:
            return os.path.relpath(wanted, PurePosixPath(page).parent).replace(os.sep, "/")
        return self.to_file(wanted, page)

    def to_file(self, wanted: str, page: str) -> str:
        """Return the address of the page that shows a file, as seen from another page; write it if it is missing.

        Args:
            wanted: path of a file or folder below root.
            page: path of the other page below the folder of pages.
        """
        own = f"code/{wanted}.md"
        if own not in self.files:
            self.files.add(own)
            write_atomically(self.out / own, _file_page(self.root / wanted, wanted))
        return os.path.relpath(own, PurePosixPath(page).parent).replace(os.sep, "/")


def _below_root(path: str, source: str) -> str:
    """Return the path below root that a link of the file `source` names."""
    return os.path.normpath(PurePosixPath(source).parent / path).replace(os.sep, "/")


def _file_page(file: Path, name: str) -> str:
    heading = f"---\norphan: true\n---\n# `{name}`\n\n"  # orphan: in no list of contents
    if file.is_dir():
        names = [one.name + "/" * one.is_dir() for one in sorted(file.iterdir()) if one.name[0] not in "._"]
        return heading + "\n".join(f"- `{one}`" for one in names) + "\n"
    if file.suffix == ".ipynb":
        return heading + "A notebook that was left out of this site.\n"
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return heading + f"A file of {file.stat().st_size:,} bytes that is no text.\n"
    if len(text) > LONGEST:
        text = text[:LONGEST] + f"\n... {len(text) - LONGEST:,} more characters"
    return heading + fenced(text, LANGUAGES.get(file.suffix or file.name, "text"))
