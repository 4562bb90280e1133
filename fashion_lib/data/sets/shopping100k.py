"""Shopping100k (Ak et al. 2018) with ADDE's released split: shop photographs in twelve attributes without names."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from fashion_lib.core.errors import FashionError
from fashion_lib.data import published_schemas
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.picture_geometry import STRETCH, WHOLE
from fashion_lib.data.sets.adde_data import adde_data
from fashion_lib.data.sets.adde_lists import find_adde, read_adde, sized
from fashion_lib.data.sets.set_layout import Found, PictureFiles, Tree

NAME = "shopping100k"
ALIASES = ("Shopping100k", "adde", "fashion-attribute-disentanglement")
SCHEMA = published_schemas.ADDE_SHOPPING100K
GEOMETRY = STRETCH  # of the papers' code
HOW_TO_GET = (
    "ask its author for the pictures by e-mail (ADDE's README says how), and clone ADDE's code with git-lfs for "
    "splits/Shopping100k"
)
CARD = {
    "source": "Shopping100k, Ak et al., WACV 2018; split by ADDE, Hou et al., ICCV 2021",
    "licence": "pictures non-commercial; splits CC BY-NC 4.0",
    "how to get it": HOW_TO_GET,
    "in the papers": "ADDE: 80,586 train and 20,000 test pictures, 120,371 triplets, 14,361 queries",
}
TOPS = ("Female", "Male")


def find(tree: Tree) -> Found | None:
    """Recognise Shopping100k in a tree: ADDE's split of it, and the picture folders Female and Male."""
    lists = find_adde(tree, "Shopping100k", TOPS)
    pictures = tuple(tree.folders_named(*TOPS))
    if not (lists or pictures):
        return None
    words = (["ADDE's split"] if lists else []) + [f"pictures in {folder.name}" for folder in pictures]
    return Found(NAME, tree.folder, "; ".join(words), lists, (), pictures)


def load_found(found: Found, size: int, geometry: str = WHOLE) -> RetrievalData:
    """Load Shopping100k with ADDE's split.

    Args:
        found: where it is, as `find` returns it.
        size: side of the square pictures, in pixels.
        geometry: how a picture becomes a square, see `picture_geometry`.
    """
    if found.lists is None:
        raise FashionError(
            f"{found.folder} has Shopping100k's pictures, but not ADDE's split of them: {HOW_TO_GET}."
        )
    finders = {folder.name: PictureFiles(folder) for folder in reversed(found.pictures)}

    def file_of(name: str) -> Path | None:
        top, _, rest = name.partition("/")
        file = finders[top].find(rest) if top in finders else None
        return finders[top].root / file if file else None

    lists = read_adde(found.lists)
    note = "The released files name neither attributes nor values: both are shown by number."
    return adde_data(
        found, lists, sized(SCHEMA, lists), file_of, size, geometry=geometry,
        at_size=partial(load_found, found, geometry=geometry), card=CARD, notes=(note,)
    )
