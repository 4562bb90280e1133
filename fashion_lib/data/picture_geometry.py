"""How a photograph becomes a square: whole, or as the papers' code does.

| geometry | the square | who |
|---|---|---|
| whole | long side to S, short side padded in the border's colour | this course: hems and collars stay in the picture |
| centre_crop | short side to S, the middle S x S cut out | ASEN, CSN, ASEN++, AG-MAN, RPF, IPAD; their released code |
| stretch | both sides to S | ADDE, in evaluation; its training cuts 224 out of a picture stretched to 256 |

A profile's setting `geometry` is "whole", or "papers": then each real data set takes that of the code it was used by.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from fashion_lib.core.errors import FashionError
from fashion_lib.core.words import suggestion

WHOLE, CENTRE_CROP, STRETCH = "whole", "centre_crop", "stretch"
# The words are kept in checkpoints (`training.model_inputs`): other words mean other pixels.
FITS = {
    WHOLE: "the long side is scaled to the size, the short side padded with the border's mean colour",
    CENTRE_CROP: "the short side is scaled to the size, the middle of the long side cut out",
    STRETCH: "both sides are scaled to the size",
}
PAPERS = "papers"
CHOICES = (WHOLE, PAPERS)  # of a profile's setting


def check_geometry(geometry: str) -> str:
    """Return the geometry. Raises FashionError for one that is not in FITS."""
    if geometry not in FITS:
        raise FashionError(
            f"there is no geometry {geometry!r} of pictures: {suggestion(str(geometry), tuple(FITS))}"
        )
    return geometry


def fit(image: Image.Image, size: int, geometry: str = WHOLE) -> np.ndarray:
    """Turn an RGB image into uint8 (size, size, 3).

    "centre_crop" and "stretch" are torchvision's `Resize` and `CenterCrop` on Pillow images, to the bit.

    Args:
        image: of mode RGB.
        size: side of the square, in pixels.
        geometry: a key of FITS.
    """
    if geometry == WHOLE:
        return square_pixels(image, size)
    width, height = image.size
    short = min(width, height)
    scaled = (size, size)
    if geometry == CENTRE_CROP:
        scaled = (size * width // short, size * height // short)
    left, top = (
        round((side - size) / 2) for side in scaled
    )  # Python's round: a half goes to the even number
    resized = image if scaled == image.size else image.resize(scaled, Image.Resampling.BILINEAR)
    return np.array(resized.crop((left, top, left + size, top + size)))


def square_pixels(image: Image.Image, size: int) -> np.ndarray:
    """Fit a whole RGB image into uint8 (size, size, 3), centred on the mean colour of its border."""
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    pixels = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])  # (2 width + 2 height, 3)
    square = np.empty((size, size, 3), dtype=np.uint8)
    square[:] = np.round(border.mean(axis=0)).astype(np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = pixels
    return square
