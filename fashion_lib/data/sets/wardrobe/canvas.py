"""A super-sampled canvas in body units that keeps the picture, the parts map and the garment masks in step."""

import math

import cv2
import numpy as np

from fashion_lib.data.sets.wardrobe.garment_schema import PARTS

SUPERSAMPLING = 2
_SUBPIXEL = 4  # cv2 takes polygon corners in 1/16 pixels
cv2.setNumThreads(1)  # images are drawn in parallel processes; threads inside one would only fight them


class Frame:
    """The similarity transform from body units to pixels of a square picture: scale, rotation, shift, flip."""

    def __init__(
        self, size: int, top: float, bottom: float, *, zoom=1.0, turn=0.0, shift=(0.0, 0.0), flip=1, width=1.0
    ):
        scale = size / (bottom - top) * zoom
        cos, sin = math.cos(turn) * scale, math.sin(turn) * scale
        self.linear = np.array([[flip * width * cos, -sin], [flip * width * sin, cos]])
        centre = np.array([0.0, (top + bottom) / 2])
        self.offset = size * (0.5 + np.array(shift)) - self.linear @ centre
        self.scale = scale
        self.inverse = np.linalg.inv(self.linear)

    def pixels(self, points) -> np.ndarray:
        """Body points (N, 2) to pixel positions (N, 2), float64."""
        return np.asarray(points, dtype=np.float64) @ self.linear.T + self.offset

    def body_grid(self, size: int, step: float) -> tuple[np.ndarray, np.ndarray]:
        """Body coordinates u, v (size, size) float32 of pixel centres that lie `step` canvas pixels apart."""
        line = (np.arange(size) + 0.5) * step
        x, y = line[None, :] - self.offset[0], line[:, None] - self.offset[1]
        (a, b), (c, d) = self.inverse
        return (a * x + b * y).astype(np.float32), (c * x + d * y).astype(np.float32)


class Canvas:
    """RGB picture (S, S, 3), parts map (S, S) and named garment masks (S, S), all uint8; S = size x SUPERSAMPLING."""

    def __init__(self, picture: np.ndarray, frame: Frame):
        self.picture, self.frame = picture, frame
        self.side = picture.shape[0]
        self.parts = np.zeros((self.side, self.side), np.uint8)
        self.masks: dict[str, np.ndarray] = {}
        self.line_width = max(1, round(0.04 * frame.scale))

    def _corners(self, points) -> list[np.ndarray]:
        return [np.rint(self.frame.pixels(points) * 2**_SUBPIXEL).astype(np.int32)]

    def mask(self, polygons) -> np.ndarray:
        """Filled polygons as a fresh mask (S, S) uint8, 0 or 255."""
        mask = np.zeros((self.side, self.side), np.uint8)
        for points in polygons:
            cv2.fillPoly(mask, self._corners(points), 255, shift=_SUBPIXEL)
        return mask

    def outline(self, points, colour, width: float | None = None, closed=True) -> None:
        """A line along the points; width in body units (default: the drawing's pen)."""
        pixels = self.line_width if width is None else max(1, round(width * self.frame.scale))
        cv2.polylines(self.picture, self._corners(points), closed, colour, pixels, cv2.LINE_AA, _SUBPIXEL)

    def fill(self, points, colour, part: str, edge=None) -> None:
        """A flat polygon."""
        corners = self._corners(points)
        cv2.fillPoly(self.picture, corners, colour, cv2.LINE_AA, _SUBPIXEL)
        cv2.fillPoly(self.parts, corners, PARTS.index(part), shift=_SUBPIXEL)
        for mask in self.masks.values():
            if part != "detail":
                cv2.fillPoly(mask, corners, 0, shift=_SUBPIXEL)
        if edge is not None:
            self.outline(points, edge)

    def cloth(self, points, fabric: np.ndarray, edge, part: str, garment: str | None = None) -> None:
        """A polygon cut out of a fabric picture (S, S, 3); `garment` names the mask that it adds to."""
        mask = self.mask([points])
        cv2.copyTo(fabric, mask, self.picture)
        self.parts[mask > 0] = PARTS.index(part)
        for name, other in self.masks.items():
            if name != garment:
                other[mask > 0] = 0
        if garment is not None:
            self.masks[garment] = np.maximum(self.masks[garment], mask) if garment in self.masks else mask
        self.outline(points, edge)
