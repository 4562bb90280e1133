"""The finish of a fabric: satin's sheen, knit's stitches, denim's seams, tweed's speckles, quilting."""

import cv2
import numpy as np

from fashion_lib.data.sets.wardrobe.streams import Stream

KNIT, QUILT = 0.22, 0.46  # width of a stitch column and of a quilted diamond, in body units
SPECKLES = 72  # per side of the picture


def smooth_noise(generator: np.random.Generator, size: int, cells: int) -> np.ndarray:
    """Draw smooth random noise, (size, size) float32, about unit variance.

    Args:
        generator: source of the random numbers.
        size: side of the result, in pixels.
        cells: random numbers per axis, between which the noise is interpolated.
    """
    noise = generator.standard_normal((cells, cells), dtype=np.float32)
    return cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC)


def _knit(u, v, per_unit):
    """Columns of stitches, each a row of small v shapes."""
    across = u / KNIT - np.floor(u / KNIT) - 0.5
    rows = np.sin(2 * np.pi * (v / (0.75 * KNIT) - 1.1 * np.abs(across)))
    groove = np.clip((np.abs(across) - 0.36) * 6, 0, 1)
    return 0.2 * rows - 0.42 * groove


def _quilted(u, v, per_unit):
    a, b = (u + v) / QUILT, (u - v) / QUILT
    a, b = np.abs(a - np.floor(a) - 0.5), np.abs(b - np.floor(b) - 0.5)
    seam = np.maximum(a, b)
    return 0.2 - 0.62 * np.clip((seam - 0.38) * 10, 0, 1) - 0.3 * seam


def finished(finish: str, cloth: np.ndarray, u, v, per_unit: float, stream: Stream) -> np.ndarray:
    """Shade a fabric by its finish.

    Args:
        finish: a value of the attribute finish.
        cloth: float32 (S, S, 3), RGB.
        u: body coordinate to the right, (S, S).
        v: body coordinate downwards, (S, S).
        per_unit: pixels per body unit.
        stream: the random draws of the fabric.

    Returns:
        float32 (S, S, 3). A dark fabric is lightened where a light one is darkened by a share of its colour, so
        that a finish can be seen on black, too.
    """
    size = len(u)
    relief = 0.06 * smooth_noise(stream.generator, size, 7)
    phase = stream.uniform(0, 6.28)
    if finish == "satin":  # broad soft streaks of light
        wave = np.sin(3.1 * u + 1.9 * v + phase + 0.9 * np.sin(1.7 * v + phase))
        relief = relief + 1.0 * np.clip(wave, 0, 1) ** 3 - 0.2
    elif finish == "knit":
        relief = relief + _knit(u, v, per_unit)
    elif finish == "denim":  # twill, worn patches and light seams down the middle of each half
        twill = np.sin(2 * np.pi * (u + 1.4 * v) / 0.17)
        seam = np.abs(np.abs(u) - 0.36) < 0.028
        dashes = np.sin(2 * np.pi * v / 0.17) > -0.2
        relief = relief * 2.5 + 0.14 * twill + 0.75 * (seam & dashes)
    elif finish == "tweed":
        relief = relief + 0.34 * smooth_noise(stream.generator, size, SPECKLES)
    elif finish == "quilted":
        relief = relief + _quilted(u, v, per_unit)
    return cloth * (1 + 0.75 * relief[..., None]) + 52 * relief[..., None]
