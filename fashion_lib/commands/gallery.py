"""Commands that search one's own pictures: embed a gallery once, then ask it for pictures like a photograph."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import listed, one_line

RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="a run's folder, such as runs/.../asen.v2/seed0")
]
ON_BOARD = 69  # ten rows of seven pictures, the query among them; the table has all
IndexFolder = Annotated[
    Path | None,
    typer.Option("--index", help="folder of the index (default: in the run's)", show_default=False),
]


def index(
    run: RunFolder,
    gallery: Annotated[
        Path, typer.Argument(metavar="GALLERY", help="a folder of pictures; labels are not needed")
    ],
    folder: IndexFolder = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="threads that decode (default: one per core)")
    ] = None,
) -> None:
    """Embed a folder of pictures for search; later only what is new or changed."""
    from fashion_lib.runs.gallery_index import index_gallery

    made = index_gallery(run, gallery, folder=folder, workers=workers)
    for note in made.notes:
        print(note)
    for name, reason in made.broken.items():
        print(f"left out: {name if one_line(name) else repr(name)}: {reason}")
    if made.broken:
        print(f"{len(made.broken):,} pictures cannot be read and were left out.")
    print(made.store.folder)


def search(
    run: RunFolder,
    query: Annotated[Path, typer.Argument(metavar="QUERY", help="a photograph")],
    attribute: Annotated[
        str | None, typer.Option(help="under which pictures are alike", show_default=False)
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option(help="sleeve_length=long, of a manipulation run; may repeat", show_default=False),
    ] = None,
    has: Annotated[
        list[str] | None, typer.Option(help="what the query has, sleeve_length=short", show_default=False)
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="number of pictures")] = 20,
    gallery: Annotated[
        Path | None,
        typer.Option(help="which gallery, where there are several, or it was moved", show_default=False),
    ] = None,
    folder: IndexFolder = None,
    output: Annotated[
        Path | None,
        typer.Option(help="folder of the board, table and heat map (build/search/...)", show_default=False),
    ] = None,
    approximate: Annotated[
        bool, typer.Option("--approximate", help="with faiss, past a million pictures")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="look for changes in the gallery first")
    ] = True,
) -> None:
    """Find the pictures of an indexed gallery that are like a photograph."""
    from fashion_lib.runs.gallery_search import search_gallery

    found = search_gallery(
        run,
        query,
        attribute,
        gallery=gallery,
        folder=folder,
        change=_pairs(change, "--change"),
        has=_pairs(has, "--has"),
        top=top,
        approximate=approximate,
        check=check,
    )
    for note in found.notes:
        print(note)
    print(found.table().to_string())
    name = "-".join([query.stem, attribute or "-".join(f"{k}={v}" for k, v in _pairs(change, "").items())])
    place = output or paths.build_dir() / "search" / "".join(
        c if c.isalnum() or c in "-_=." else "_" for c in name
    )
    for path in write_answer(found, paths.user_path(place, "--output"), top):
        print(path)


def write_answer(found, folder: Path, top: int) -> Sequence[Path]:
    """Write board.png, hits.csv and, where there is attention, heat.png.

    Args:
        found: a GalleryHits.
        folder: it is created if need be.
        top: number of answers on the board, which takes ON_BOARD at most.

    Returns:
        The files.

    Raises:
        FashionError: the folder cannot be written to.
    """
    from fashion_lib.show.gallery_board import gallery_board, gallery_heat

    figures = {"board.png": gallery_board(found, min(top, ON_BOARD)), "heat.png": gallery_heat(found)}
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "hits.csv", "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            found.table().to_csv(file, lineterminator="\n")
        written.append(folder / "hits.csv")
        for name, figure in figures.items():
            if figure is not None:
                with warnings.catch_warnings():  # a letter that the font lacks is drawn as a box
                    warnings.filterwarnings("ignore", message="Glyph .* missing from font")
                    figure.savefig(folder / name, dpi=130, bbox_inches="tight")
                written.append(folder / name)
            else:
                (folder / name).unlink(missing_ok=True)  # of an earlier search into the same folder
    except OSError as error:
        raise FashionError(
            f"the answer cannot be written to {folder} ({error.strerror or error}): give another folder with --output."
        ) from error
    return written


def _pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise FashionError(
                f"{option} is {shortened(text)}: write attribute=value, such as sleeve_length=long."
            )
        if name in pairs:
            raise FashionError(f"{option} names {shortened(name)} twice ({listed(texts)}): keep one of them.")
        pairs[name] = value
    return pairs
