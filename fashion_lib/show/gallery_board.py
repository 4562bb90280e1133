"""The answer of a search over a gallery in pictures: the board of what was found, and the heat map of the query."""

import numpy as np
from matplotlib.figure import Figure

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import check_has
from fashion_lib.data.photographs import decode_photograph
from fashion_lib.show.heat import heat_map_rows
from fashion_lib.show.pictures import QUERY, lines_of, show_images
from fashion_lib.show.title_text import literal

SIDE = 192  # pixels of a picture on the board
NAME = 17  # characters above a picture: names of digits alone, as FashionAI has, are wider than most text
MISSING = 225  # grey of a picture that is no longer there
ANSWER = "give what fl.search(run, 'picture.jpg', 'sleeve_length') returned"


def gallery_board(found, top: int = 20, columns: int = 7) -> Figure:
    """Draw the query and its nearest pictures of the gallery, each with rank, similarity (or distance) and name.

    Args:
        found: a GalleryHits.
        top: number of answers.
        columns: pictures per row.

    Raises:
        FashionError: for what is no answer of a search over a gallery, and for a `top` below 1.
    """
    check_has(found, ("index", "query", "names", "similarity"), "answer of a search over a gallery", ANSWER)
    if top < 1:
        raise FashionError(f"top={top} leaves no picture to draw: give at least 1.")
    files, names = found.files[:top], found.names[:top]
    pictures = [_picture(found.query), *map(_picture, files)]
    numbers = np.abs(found.similarity[:top])
    titles = [f"query\n{literal(found.question).replace('_', ' ')}"]
    titles += [
        f"{rank}: {number:.3f}\n{lines_of(literal(_shown(name.rpartition('/')[2])), NAME)}"
        for rank, (name, number) in enumerate(zip(names, numbers, strict=True), start=1)
    ]
    titles = [
        title if one is not None else f"{title}\n(gone)" for title, one in zip(titles, pictures, strict=True)
    ]
    blank = np.full((SIDE, SIDE, 3), MISSING, np.uint8)
    images = np.stack([blank if one is None else one for one in pictures])
    frames = [QUERY, *[None] * len(names)]
    return show_images(images, titles, columns=columns, frame=frames, size=1.45)


def gallery_heat(found) -> Figure | None:
    """Draw where the model looked in the query: its attention map per attribute, from its own forward pass.

    Args:
        found: a GalleryHits.

    Returns:
        The figure; None for a method without spatial attention.
    """
    check_has(found, ("pixels", "maps", "query"), "answer of a search over a gallery", ANSWER)
    if not found.maps:
        return None
    titles = [literal(name) for name in found.maps]
    return heat_map_rows(found.pixels[None], [one[None] for one in found.maps.values()], titles, size=2.0)


def _picture(file) -> np.ndarray | None:
    try:
        return decode_photograph(file, SIDE)
    except FashionError:
        return None


def _shown(text: str) -> str:
    """Return a name as a font can show it: bytes that are no UTF-8 and control characters become marks."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "�" for c in text)
