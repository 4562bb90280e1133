"""One picture file to an upright 8-bit RGB image, in bounded memory and without clipping deep greys.

What people's files need beyond `Image.open(path).convert("RGB")`:

- Pillow clips 16-bit, 32-bit and float grey to 0..255. Here 16-bit grey and floats from 0 to 1 are scaled;
  grey without an agreed white is refused.
- A very large picture is decoded once and converted strip by strip. JPEG is decoded at a fraction of its size.
- Threads that decode at the same time need at most `SMALL_BYTES` each, and one of them `MOST_BYTES`.
- A HEIC photograph, the form of iPhones, is read through the package pillow-heif; without it, it is named as one.
"""

from __future__ import annotations

import shlex
import threading
from contextlib import nullcontext, suppress
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.Image import Transpose

MOST_BYTES = 1 << 30  # that decoding one picture may need
SMALL_BYTES = 1 << 26  # above, one picture is decoded at a time
LARGE = 1 << 26  # pixels: above, a picture is made smaller while it is converted, strip by strip
STRIP = 256  # rows of one strip
# Bytes per pixel that Pillow 13 needs to decode: 4 for every mode of a raw decoder. These keep whole frames
# beside the picture (measured).
BYTES = {"WEBP": 20, "AVIF": 12, "JPEG2000": 20, "HEIF": 12}
ORIENTATION = 0x0112  # the EXIF tag; 1 and unknown values mean upright
SIGNED = 2  # of the TIFF tag 339, the format of the samples
BITS, PHOTOMETRIC, SAMPLES = 258, 262, 339  # TIFF: bits per sample, 12 or 16 for whole numbers; 0 is white, 1 is black
TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_OPENING, _LARGE = threading.Lock(), threading.Lock()


def read_rgb(path: str | Path, size: int) -> Image.Image:
    """Decode the first frame of a picture file, turned upright, on white where it is transparent.

    Args:
        path: the file, in any format that Pillow reads.
        size: side in pixels of the square that the picture will be scaled into. Large pictures come back
            reduced, but with a long side of at least `2 * size`.

    Returns:
        An image of mode RGB.

    Raises:
        ValueError: the picture needs more memory than `MOST_BYTES`, is HEIC where pillow-heif is missing, is
            empty, or has grey values without an agreed white. Other damage raises what Pillow raises.
    """
    with _opened(path) as image:
        stored = image.size
        image.draft("RGB", (2 * size, 2 * size))  # large JPEGs are decoded at a half, quarter or eighth
        with _LARGE if _memory(image, stored) > SMALL_BYTES else nullcontext():
            image.load()  # PNG has its EXIF data only now; TIFF is turned by Pillow itself, and says no more of it
            turn = _turn(image)
            image = _flat_rgb(image, size)
            return image if turn is None else image.transpose(turn)


def _opened(path: str | Path) -> Image.Image:
    """Open with our own limit of memory: Pillow's counts the pixels of the file, not those that are decoded."""
    try:
        return _opened_by_pillow(path)
    except UnidentifiedImageError:
        with open(path, "rb") as file:
            head = file.read(12)
        if not head:
            raise ValueError("the file is empty") from None
        if not is_heic(head):
            raise
        if not reads_heic():
            names = shlex.join([Path(path).name, f"{Path(path).stem}.jpg"])
            raise ValueError(
                "it is a HEIC photograph; install the package pillow-heif, or convert it to JPEG, for example with "
                f"`heif-convert {names}` or, on macOS, with the Preview app"
            ) from None
    return _opened_by_pillow(path)


def _opened_by_pillow(path: str | Path) -> Image.Image:
    with _OPENING:  # the limit is a global of Pillow; only the header is read while it is off
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(path)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def is_heic(head: bytes) -> bool:
    """Return whether a file that begins with these 12 bytes is a HEIC photograph."""
    return head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS


def reads_heic() -> bool:
    """Let Pillow read HEIC from now on, and return whether it can: whether pillow-heif is installed."""
    try:
        import pillow_heif
    except ImportError:
        return False
    # An embedded thumbnail may be of another quality than the picture; photographs are decoded in parallel already.
    pillow_heif.register_heif_opener(thumbnails=False, decode_threads=1)
    return True


def _memory(image: Image.Image, stored: tuple[int, int]) -> int:
    """Return the bytes that decoding needs; ValueError above `MOST_BYTES`. stored: (width, height) in the file."""
    width, height = image.size
    needed = width * height * BYTES.get(image.format, 4)
    if image.format in ("JPEG", "MPO") and image.info.get("progressive"):
        # All coefficients of the stored picture, 2 bytes each, are kept until its last scan.
        most = max(h * v for _, h, v, _ in image.layer)
        needed += 2 * stored[0] * stored[1] * sum(h * v for _, h, v, _ in image.layer) // most
    if needed > MOST_BYTES:
        raise ValueError(
            f"its {stored[0]} x {stored[1]} pixels need {needed >> 20} MiB to decode, more than "
            f"{MOST_BYTES >> 20}; save it smaller"
        )
    return needed


def _turn(image: Image.Image) -> Transpose | None:
    """What turns the picture upright; None if it is, or if nobody can tell."""
    with suppress(Exception):  # damaged EXIF data raises anything; viewers, too, then show the picture as stored
        return TURNS.get(image.getexif().get(ORIENTATION))
    return None


def _flat_rgb(image: Image.Image, size: int) -> Image.Image:
    """The image as RGB. Strips keep the memory near that of the image and its result, whatever the mode."""
    large = image.width * image.height > LARGE
    ends = _grey_ends(image)
    if image.mode == "RGB" and not image.has_transparency_data and not large:
        return image
    factor = max(1, max(image.size) // (2 * size)) if large else 1
    rows = max(1, STRIP // factor) * factor
    flat = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        strip = _strip_rgb(strip, ends)
        flat.paste(strip.reduce(factor) if factor > 1 else strip, (0, top // factor))
    return flat


def _strip_rgb(strip: Image.Image, ends: tuple[float, float] | None) -> Image.Image:
    transparent = strip.info.get("transparency")
    if ends is not None:
        grey = np.asarray(strip)
        level = _levels(grey, *ends)
        if isinstance(transparent, int):
            level[grey == transparent] = 255
        return Image.fromarray(level).convert("RGB")
    if isinstance(transparent, tuple) and max(transparent) > 255:  # Pillow leaves a 16-bit colour as it is
        strip.info["transparency"] = tuple(channel >> 8 for channel in transparent)
    if strip.has_transparency_data:  # garments cut out for a shop: their empty pixels are not black
        strip = Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip.convert("RGBA"))
    return strip.convert("RGB")


def _grey_ends(image: Image.Image) -> tuple[float, float] | None:
    """The grey values of black and white; None where Pillow converts the mode itself, without clipping."""
    tags = image.tag_v2 if image.format == "TIFF" else {}
    # Pillow reads signed 8-bit values as unsigned ones: -1 would be white.
    if SIGNED in tags.get(SAMPLES, ()) or image.mode == "I" and image.format not in ("PNG", "PPM"):
        raise ValueError(
            "its grey values are signed or 32-bit whole numbers, for which no white is agreed; "
            "save it with 8 or 16 bits"
        )
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return None
    bits = tags.get(BITS, (16,))[0]
    most = 1.0 if image.mode == "F" else 2.0**bits - 1
    return (most, 0.0) if tags.get(PHOTOMETRIC) == 0 else (0.0, most)


def _levels(grey: np.ndarray, black: float, white: float) -> np.ndarray:
    """Scale grey values to uint8; ValueError where one is no number, or would have to be clipped."""
    level = np.rint((grey.astype(np.float64) - black) * (255.0 / (white - black)))
    if not (level.min() >= 0 and level.max() <= 255):  # a NaN makes both comparisons false
        raise ValueError(
            f"its grey values run from {grey.min():g} to {grey.max():g} instead of 0 to {max(black, white):g}; "
            "scale them or save it with 8 or 16 bits"
        )
    return level.astype(np.uint8)
