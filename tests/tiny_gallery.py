"""Runs trained for three steps, and galleries of small picture files, shared by the tests of search."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from tiny_data import tiny_data
from tiny_manipulation import tiny_manipulation

from fashion_lib.runs.run import Run, load_or_train
from fashion_lib.training.profiles import SMOKE

SIZE = 32
PROFILE = SMOKE.with_options(steps=3, batch_size=16, image_size=SIZE, evaluations=1, start="random")
MANIPULATION = SMOKE.with_options(steps=3, batch_size=12, image_size=SIZE, evaluations=1, start="random")


def pictures(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Smooth random pictures of different colours, so that vectors differ by more than half precision rounds."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    return np.stack(
        [np.asarray(Image.fromarray(one).resize((size, size), Image.Resampling.BICUBIC)) for one in coarse]
    )


def retrieval_run(method: str = "asen", **options) -> Run:
    scale = 2 if method in ("asen_pp", "rpf", "ipad") else 1
    data = tiny_data(60, pixels=pictures(60, scale * SIZE))
    return load_or_train(method, data, profile=PROFILE, progress=False, **options)


def manipulation_run(method: str = "yao2026") -> Run:
    return load_or_train(method, tiny_manipulation(90), profile=MANIPULATION, progress=False)


def alone(run: Run, folder: Path) -> Path:
    """Copy a run's best weights to a folder far from the project; nothing else of the run goes with them."""
    folder.mkdir(parents=True)
    shutil.copy(run.folder / "best.safetensors", folder / "best.safetensors")
    return folder


def save_pictures(folder: Path, pixels: np.ndarray, names=None) -> Path:
    """Save pictures as PNG files, so that decoding gives the same pixels back."""
    names = names or [f"{number:03d}.png" for number in range(len(pixels))]
    for name, one in zip(names, pixels, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(one).save(folder / name)
    return folder
