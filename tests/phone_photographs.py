"""A folder of photographs as phones, scanners and people leave them: turned, CMYK, 16 bits, odd names, HEIC."""

from pathlib import Path

import numpy as np
from PIL import Image

KINDS = ("turned", "spaces", "cmyk", "deep", "folder", "transparent", "heic", "plain")


def phone_photographs(folder: Path, count: int = 60, heic: bool = False) -> dict[str, str]:
    """Write `count` pictures, red ones and blue ones; return file -> "red" or "blue"."""
    folder.mkdir(parents=True)
    found = {}
    for number in range(count):
        colour = ("red", "blue")[number * 7 % 5 % 2]
        pixels = np.random.default_rng(number).integers(0, 90, (40, 30, 3), dtype=np.uint8)
        pixels[..., 0 if colour == "red" else 2] += 150
        name = _write(folder, number, KINDS[number % len(KINDS)], Image.fromarray(pixels), heic)
        found[name] = colour
    return found


def _write(folder: Path, number: int, kind: str, image: Image.Image, heic: bool) -> str:
    exif = Image.Exif()
    exif[0x0112] = 6
    if kind == "turned":
        return _saved(folder, f"IMG_{number}.JPG", image.transpose(Image.Transpose.ROTATE_90), exif=exif)
    if kind == "spaces":
        return _saved(folder, f"Bluse, Größe {number}.jpeg", image)
    if kind == "cmyk":
        return _saved(folder, f"scan_{number}.jpg", image.convert("CMYK"))
    if kind == "deep":
        return _saved(
            folder, f"grau_{number}.png", Image.fromarray(np.asarray(image)[..., 0].astype(np.uint16) * 257)
        )
    if kind == "folder":
        (folder / "Köln im März").mkdir(exist_ok=True)
        return _saved(folder, f"Köln im März/été {number}.png", image)
    if kind == "transparent":
        return _saved(folder, f"cut_{number}.webp", image.convert("RGBA"), lossless=True)
    if kind == "heic" and heic:
        return _saved(folder, f"IMG_{number}.HEIC", image, format="HEIF")
    return _saved(folder, f"IMG_{number}.jpg", image)


def _saved(folder: Path, name: str, image: Image.Image, **options) -> str:
    image.save(folder / name, **options)
    return name


def fill_in(table: Path, cells: dict[str, dict[str, str]], encoding: str = "utf-8") -> None:
    """Write cells (file -> column -> text) into a label table, as its owner does in a spreadsheet."""
    import csv

    with open(table, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    with open(table, "w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | cells.get(row["file"], {}) for row in rows)
