"""Items across splits: photographs of one garment in two splits. Both released splits leak that way, by known amounts.

DARN's paths are `pic/<category>/<offset>_<item>_<image>.jpg`: category, offset and item together are one item.
DeepFashion's are `img/<item folder>/img_<number>.jpg`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from fashion_lib.data.checks.asen_rows import SPLITS
from fashion_lib.data.checks.finding import Finding
from fashion_lib.data.checks.listings import Around, Listing


def darn_item(path: str) -> str:
    """Return the item of a DARN picture: the path without the last part of the file's name."""
    return path.rpartition("_")[0]


def folder_item(path: str) -> str:
    """Return the item of a DeepFashion picture: its folder."""
    return str(PurePosixPath(path).parent)


ITEM: dict[str, Callable[[str], str]] = {"darn": darn_item, "deepfashion": folder_item}


def check_items(listing: Listing, around: Around) -> Iterator[Finding]:
    """Count the items of this split that are also in an earlier one; the first such picture's line is given."""
    item = ITEM.get(around.dataset)
    if item is None:
        return
    for split in SPLITS[: SPLITS.index(listing.split)]:
        other = around.beside(listing, f"filenames_{split}.txt")
        if other is None:
            continue
        there = {item(path) for _, path in other.numbered()}
        images = [(line, item(path)) for line, path in listing.numbered() if item(path) in there]
        if not images:
            continue
        items = len({name for _, name in images})
        every = len({item(path) for _, path in listing.numbered()})
        what = (
            f"items that are also in {other.name}: {items:,} of {every:,} ({len(images):,} of {len(listing.rows):,} "
            "images), photographs of one garment in two splits"
        )
        known = around.facts.get("items_across", {}).get(f"{split},{listing.split}")
        advice = "say so beside every number: the released split is by image, not by item"
        if known:
            same = known == {"items": items, "images": len(images)}
            known_words = f"{known['items']:,} items, {known['images']:,} images"
            advice += (
                f"; exactly as many as in the released lists ({known_words})"
                if same
                else f" (released: {known_words})"
            )
        yield Finding("note", listing.file, images[0][0], what, advice)
