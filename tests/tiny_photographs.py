"""A clothing data set of a few tiny JPEGs, in the form of the real one, for the tests of loading and downloading."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

TOP = "clothing-dataset-master/"  # the folder that GitHub packs a repository into
TINY = SimpleNamespace(image_size=16)
LABELS = (
    "T-Shirt",
    "Longsleeve",
    "Shirt",
    "Pants",
    "Shorts",
    "Hoodie",
    "Undershirt",
    "Blazer",
    "Polo",
    "Not sure",
)


def photograph(path: Path, seed: int, width: int = 20, height: int = 30) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=90)


def clothing(folder: Path, images: int = 240, per_sender: int = 4) -> Path:
    """`images` photographs of images / per_sender senders, a fifth of them for kids."""
    lines = ["image,sender_id,label,kids"]
    for number in range(images):
        photograph(folder / "images" / f"p{number:03d}.jpg", number)
        sender, label = number // per_sender, LABELS[(number * 7 + number // 10) % len(LABELS)]
        lines.append(f"p{number:03d},{sender},{label},{number % 5 == 0}")
    (folder / "images.csv").write_text("\n".join(lines) + "\n")
    return folder


def zipped(folder: Path, method: int = zipfile.ZIP_DEFLATED, extra: Iterable[tuple[str, bytes]] = ()) -> bytes:
    """The folder as GitHub packs a repository, everything under one top folder, and more entries after it."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", method) as out:
        out.writestr(TOP, b"")
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                out.write(file, f"{TOP}{file.relative_to(folder)}")
        for name, content in extra:
            out.writestr(name, content)
    return memory.getvalue()
