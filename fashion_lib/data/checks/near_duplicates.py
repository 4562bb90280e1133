"""Pictures that are nearly equal: the same photograph in another size, compression or format.

Two difference hashes of 64 bits find candidates among billions of pairs, a small colour picture confirms them. Of 375
photographs of the Clothing dataset, copies at half the size and JPEG quality 50 differ in at most NEAR bits (374 of
them) and by at most 1.4 in colour. Of 4.5 million pairs of different photographs, 31 are as near in bits, by 6.5 or
more in colour: the same pose on the same cloth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from fashion_lib.data.checks.finding import Finding, of_files

NEAR = 8  # bits of 128 that differ at most
TONE = 3  # mean difference of the small colour pictures at most, of 255
PLAIN = 16  # bits set or unset: below, a picture is too plain to be compared
BLOCK = 64  # rows of one block of comparisons: 10 million pairs against a split of FashionAI


@dataclass(frozen=True)
class Mark:
    """What copies of a picture share.

    Attributes:
        bits: two whole numbers of 64 bits: is a pixel of 8 x 8 brighter than its right, its lower neighbour.
        tone: 8 x 8 pixels RGB, 192 bytes.
    """

    bits: tuple[int, int] = (0, 0)
    tone: bytes = bytes(192)

    @property
    def plain(self) -> bool:
        """Whether too few bits are set or unset, as in an empty picture."""
        return not PLAIN <= sum(bits.bit_count() for bits in self.bits) <= 128 - PLAIN


def mark_of(image: Image.Image) -> Mark:
    """Compute a picture's mark. It survives another size and compression, not mirroring and cropping.

    Args:
        image: of mode RGB.
    """
    grey = np.asarray(image.convert("L").resize((9, 9))).astype(np.int16)
    right, lower = grey[:8, :8] > grey[:8, 1:] + 1, grey[:8, :8] > grey[1:, :8] + 1
    bits = tuple(int.from_bytes(np.packbits(side).tobytes(), "big") for side in (right, lower))
    return Mark(bits, image.resize((8, 8)).tobytes())


def nearly_equal(bits: np.ndarray, others: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield (row of `bits`, row of `others`) for all pairs with at most NEAR different bits.

    Args:
        bits, others: uint64 (N, 2) and (M, 2), as in `Mark`.
    """
    for start in range(0, len(bits), BLOCK):
        block = bits[start : start + BLOCK]
        different = np.bitwise_count(block[:, None, 0] ^ others[None, :, 0])  # (rows, M)
        rows, columns = np.nonzero(different <= NEAR)
        different = different[rows, columns] + np.bitwise_count(block[rows, 1] ^ others[columns, 1])
        near = different <= NEAR
        yield from zip((start + rows[near]).tolist(), columns[near].tolist(), strict=True)


def same_tone(mark: Mark, other: Mark) -> bool:
    """Return whether the small colour pictures differ by at most TONE on average."""
    pixels = [np.frombuffer(each.tone, dtype=np.uint8).astype(np.int16) for each in (mark, other)]
    return np.abs(pixels[0] - pixels[1]).mean() <= TONE


def check_near(
    files: Sequence[str], marks: Sequence[Mark], split_of: Callable[[str], str]
) -> Iterator[Finding]:
    """Report pictures that are nearly equal to one of an earlier split, or among those without a split.

    Args:
        files: paths of the pictures.
        marks: of each.
        split_of: file -> "train", "valid", "test", or "" for none.
    """
    of_split = defaultdict(list)
    for file, mark in zip(files, marks, strict=True):
        if not mark.plain:
            of_split[split_of(file)].append((file, mark))
    order = ("train", "valid", "test")
    for later in order[1:]:
        for earlier in order[: order.index(later)]:
            pairs = _near(of_split[later], of_split[earlier])
            faults = [
                (file, f"it looks like {other}, which is in {earlier}") for file, other in pairs.items()
            ]
            advice = f"look at both: near-duplicates in {earlier} and {later} make scores too good"
            yield from of_files("note", faults, advice)
    pairs = _near(of_split[""], of_split[""])
    faults = [(file, f"it looks like {other}") for file, other in pairs.items()]
    yield from of_files(
        "note", faults, "look at both: nearly equal pictures belong into one split (column group)"
    )


def _near(mine: list[tuple[str, Mark]], theirs: list[tuple[str, Mark]]) -> dict[str, str]:
    """File -> the first file of the others that is nearly equal; within one list, an earlier file."""
    if not (mine and theirs):
        return {}
    arrays = (np.array([mark.bits for _, mark in part], dtype=np.uint64) for part in (mine, theirs))
    first: dict[str, str] = {}
    for row, column in nearly_equal(*arrays):
        if (mine is not theirs or column < row) and same_tone(mine[row][1], theirs[column][1]):
            first.setdefault(mine[row][0], theirs[column][0])
    return first
