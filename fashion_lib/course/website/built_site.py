"""What a rendered site must hold: links that lead somewhere, a text for every picture, nothing from other servers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fashion_lib.core.errors import FashionError

LOADED = {
    ("script", "src"),
    ("img", "src"),
    ("source", "src"),
    ("iframe", "src"),
    ("video", "src"),
    ("link", "href"),
}


@dataclass
class Page:
    """What the check reads of one page.

    links: targets of <a>. loaded: what the browser loads by itself. ids: places that a link may name. silent: sources
    of the pictures without a text.
    """

    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    silent: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.page = Page()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.page.ids |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and "href" in given:
            self.page.links.append(given["href"])
        if tag == "img" and not given.get("alt", "").strip():
            self.page.silent.append(given.get("src", "")[:80])
        preconnected = given.get("rel") in ("canonical", "next", "prev")
        self.page.loaded += [
            given[name] for kind, name in LOADED if kind == tag and name in given and not preconnected
        ]


def read_page(file: Path) -> Page:
    """Return what the check reads of one HTML file."""
    reader = _Reader()
    reader.feed(file.read_text(encoding="utf-8"))
    return reader.page


def site_problems(site: Path) -> Iterator[str]:
    """Yield one sentence per fault of a rendered site, page by page.

    Args:
        site: the folder with index.html.

    Raises:
        FashionError: the folder holds no site.
    """
    if not (site / "index.html").is_file():
        raise FashionError(f"there is no page {site / 'index.html'}: `make site` renders the site.")
    pages = {file.resolve(): read_page(file) for file in sorted(site.rglob("*.html"))}
    for file, page in pages.items():
        name = file.relative_to(site.resolve()).as_posix()
        for source in page.silent:
            yield f"{name}: the picture {source} has no alt text."
        for target in page.loaded:
            if fault := _missing(target, file, pages) or _remote(target):
                yield f"{name}: it loads {target}, {fault}."
        for target in page.links:
            if fault := _missing(target, file, pages):
                yield f"{name}: it links {target}, {fault}."
    for wanted in (".nojekyll", "searchindex.js"):
        if not (site / wanted).is_file():
            yield f"the site has no {wanted}."


def _remote(target: str) -> str:
    parts = urlsplit(target)
    return "which needs a network" if parts.netloc or parts.scheme in ("http", "https") else ""


def _missing(target: str, file: Path, pages: dict[Path, Page]) -> str:
    """What is wrong with a link to a place of the site; "" for a good one, and for one that leads elsewhere."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return "which is a file of one machine" if parts.scheme == "file" else ""
    wanted = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if wanted.is_dir():
        return "which is a folder: a file:// address shows no page of it"
    if not wanted.is_file():
        return "which is not there"
    if parts.fragment and wanted in pages and unquote(parts.fragment) not in pages[wanted].ids:
        return "a place that the page does not have"
    return ""
