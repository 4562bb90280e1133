"""A super-sampled canvas in body units: one call changes the picture, the parts map and the garment masks.

One body unit is an eighth of the figure's height (see `geometry`). Super-sampled means drawn larger and then
reduced.
"""

import math

import cv2
import numpy as np

from fashion_lib.data.sets.wardrobe.garment_schema import PARTS

SUPERSAMPLING = 2
_SUBPIXEL = 4  # cv2 takes polygon corners in 1/16 pixels
cv2.setNumThreads(1)  # images are drawn in parallel processes: threads inside one would compete for cores


class Frame:
    """The similarity transform from body units to pixels of a square picture.

    Args:
        size: side of the canvas, in pixels.
        top: body height y (0 at the top of the head, 8 at the soles) at the picture's upper edge.
        bottom: y at the lower edge.
        zoom: further scale factor about the centre.
        turn: rotation, in radians.
        shift: displacement (right, down) as fractions of `size`.
        flip: 1, or -1 for a mirrored figure.
        width: further scale factor of the body's x axis.
    """

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
        """Return the pixel positions (N, 2), float64, of body points (N, 2)."""
        return np.asarray(points, dtype=np.float64) @ self.linear.T + self.offset

    def body_grid(self, size: int, step: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the body coordinates of a grid of pixel centres.

        Args:
            size: number of grid points per axis.
            step: distance between grid points, in canvas pixels.

        Returns:
            u and v, each float32 (size, size).
        """
        line = (np.arange(size) + 0.5) * step
        x, y = line[None, :] - self.offset[0], line[:, None] - self.offset[1]
        (a, b), (c, d) = self.inverse
        return (a * x + b * y).astype(np.float32), (c * x + d * y).astype(np.float32)


class Canvas:
    """A picture with its ground truth, drawn in one pass.

    S is the output size times SUPERSAMPLING. `picture` is RGB (S, S, 3), `parts` is the parts map (S, S), and
    `masks` maps a garment's name to its mask (S, S). All are uint8.
    """

    def __init__(self, picture: np.ndarray, frame: Frame):
        self.picture, self.frame = picture, frame
        self.side = picture.shape[0]
        self.parts = np.zeros((self.side, self.side), np.uint8)
        self.masks: dict[str, np.ndarray] = {}
        self.line_width = max(1, round(0.04 * frame.scale))

    def _corners(self, points) -> list[np.ndarray]:
        return [np.rint(self.frame.pixels(points) * 2**_SUBPIXEL).astype(np.int32)]

    def mask(self, polygons) -> np.ndarray:
        """Return filled polygons as a new mask (S, S) uint8, 0 or 255."""
        mask = np.zeros((self.side, self.side), np.uint8)
        for points in polygons:
            cv2.fillPoly(mask, self._corners(points), 255, shift=_SUBPIXEL)
        return mask

    def outline(self, points, colour, width: float | None = None, closed=True) -> None:
        """Draw a line along body points.

        Args:
            points: corners in body units.
            colour: RGB, 0..255.
            width: line width in body units; None takes the drawing's pen.
            closed: whether the last corner is joined to the first.
        """
        pixels = self.line_width if width is None else max(1, round(width * self.frame.scale))
        cv2.polylines(self.picture, self._corners(points), closed, colour, pixels, cv2.LINE_AA, _SUBPIXEL)

    def fill(self, points, colour, part: str, edge=None) -> None:
        """Draw a polygon of one colour and mark its pixels in the parts map.

        A part other than "detail" also removes the polygon from all garment masks, because it covers the
        garments there.

        Args:
            points: corners in body units.
            colour: RGB, 0..255.
            part: one of PARTS.
            edge: RGB of an outline, or None for no outline.
        """
        corners = self._corners(points)
        cv2.fillPoly(self.picture, corners, colour, cv2.LINE_AA, _SUBPIXEL)
        cv2.fillPoly(self.parts, corners, PARTS.index(part), shift=_SUBPIXEL)
        for mask in self.masks.values():
            if part != "detail":
                cv2.fillPoly(mask, corners, 0, shift=_SUBPIXEL)
        if edge is not None:
            self.outline(points, edge)

    def cloth(self, points, fabric: np.ndarray, edge, part: str, garment: str | None = None) -> None:
        """Draw a polygon cut out of a fabric picture.

        Args:
            points: corners in body units.
            fabric: uint8 (S, S, 3).
            edge: RGB of the outline.
            part: one of PARTS.
            garment: name of the mask that the polygon is added to, or None. All other masks lose the polygon.
        """
        mask = self.mask([points])
        cv2.copyTo(fabric, mask, self.picture)
        self.parts[mask > 0] = PARTS.index(part)
        for name, other in self.masks.items():
            if name != garment:
                other[mask > 0] = 0
        if garment is not None:
            self.masks[garment] = np.maximum(self.masks[garment], mask) if garment in self.masks else mask
        self.outline(points, edge)
