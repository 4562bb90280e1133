"""Fetching a batch from the pixel cache against decoding the same pictures from files with Pillow.

The files hold the pictures at the cache's own size, so the decoding side is spared the larger originals and their
resizing: the ratio is a lower bound. Pictures are smooth, as photographs are (noise would make JPEG slower still).
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from stopwatch import report, seconds


def smooth_pictures(count: int, size: int) -> np.ndarray:
    """Random 8 x 8 colours enlarged to uint8 (count, size, size, 3)."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((size, size), Image.Resampling.BICUBIC)) for one in coarse])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--size", type=int, default=96, help="side of the pictures in pixels")
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    pictures = smooth_pictures(options.images, options.size)
    order = np.random.default_rng(1).permutation(options.images)
    batches = [order[i:i + options.batch] for i in range(0, options.images, options.batch)]
    with tempfile.TemporaryDirectory() as folder:
        pictures.tofile(cache := Path(folder) / "cache.pixels")
        pixels = np.memmap(cache, np.uint8, "r", shape=pictures.shape)
        for i, picture in enumerate(pictures):
            Image.fromarray(picture).save(Path(folder) / f"{i}.jpg", quality=90)
            Image.fromarray(picture).save(Path(folder) / f"{i}.png")

        def decode(kind: str) -> None:
            for rows in batches:
                np.stack([np.asarray(Image.open(Path(folder) / f"{i}.{kind}").convert("RGB")) for i in rows])

        found = seconds({"cache": lambda: [pixels[rows] for rows in batches], "JPEG files": lambda: decode("jpg"),
                         "PNG files": lambda: decode("png")}, options.repeats)
    report(f"loading {options.images:,} pictures of {options.size} px in batches of {options.batch}, files warm",
           [(name, f"{options.images / time:,.0f}", f"{time / found['cache']:.1f}") for name, time in found.items()],
           ("way", "images/s", "times the cache"))


if __name__ == "__main__":
    main()
