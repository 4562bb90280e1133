"""Outlines in body units: x = 0 is the body's axis, y = 0 the top of the head, y = 8 the soles (eight heads).
"""

import math

import numpy as np

Point = tuple[float, float]


def mirrored(half: list[Point]) -> list[Point]:
    """Close a half outline (x >= 0, top to bottom) into a symmetric polygon."""
    return half + [(-x, y) for x, y in reversed(half)]


def ellipse(
    cx: float, cy: float, rx: float, ry: float, start=0.0, end=2 * math.pi, corners=16
) -> list[Point]:
    """Return `corners` points on an elliptic arc.

    Args:
        cx: centre, x.
        cy: centre, y.
        rx: horizontal radius.
        ry: vertical radius.
        start: first angle, in radians, clockwise from the right since y points down.
        end: last angle.
        corners: number of points.
    """
    angles = np.linspace(start, end, corners)
    return list(zip((cx + rx * np.cos(angles)).tolist(), (cy + ry * np.sin(angles)).tolist(), strict=True))


def box(left: float, top: float, right: float, bottom: float) -> list[Point]:
    """Return the four corners of a rectangle, clockwise from the upper left."""
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def lerp(a: Point, b: Point, t: float) -> Point:
    """Return the point at fraction `t` of the way from `a` to `b` (linear interpolation)."""
    return (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t)


def section(line: list[Point], start: float, end: float) -> list[Point]:
    """Return the part of a polyline between two fractions of its length.

    Args:
        line: corners of the polyline.
        start: fraction of the length, at least 0.
        end: fraction of the length. It may exceed 1: the last segment is then prolonged.
    """
    lengths = [math.dist(a, b) for a, b in zip(line, line[1:], strict=False)]
    total = sum(lengths)

    def at(fraction: float) -> Point:
        left = fraction * total
        for a, b, length in zip(line, line[1:], lengths, strict=False):
            if left <= length:
                return lerp(a, b, left / length)
            left -= length
        return lerp(line[-2], line[-1], 1 + left / lengths[-1])

    walked, inner = 0.0, []
    for corner, length in zip(line[1:-1], lengths, strict=False):
        walked += length
        if start * total < walked < end * total:
            inner.append(corner)
    return [at(start), *inner, at(end)]


def limb(line: list[Point], half_widths: list[float]) -> list[Point]:
    """Return a polygon around a polyline, with one half width for each corner of the line."""
    left, right = [], []
    for i, ((x, y), w) in enumerate(zip(line, half_widths, strict=True)):
        (x0, y0), (x1, y1) = line[max(i - 1, 0)], line[min(i + 1, len(line) - 1)]
        length = math.hypot(x1 - x0, y1 - y0) or 1e-6
        nx, ny = -(y1 - y0) / length * w, (x1 - x0) / length * w
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
    return left + right[::-1]


def smooth(points: list[Point], rounds: int = 2) -> list[Point]:
    """Return a closed polygon with its corners cut off `rounds` times (Chaikin 1974), so that it looks round."""
    for _ in range(rounds):
        pairs = zip(points, points[1:] + points[:1], strict=True)
        points = [point for a, b in pairs for point in (lerp(a, b, 0.25), lerp(a, b, 0.75))]
    return points


def waved(start: Point, end: Point, waves: int, height: float) -> list[Point]:
    """Return a wavy line between two points with the same number of crests for every size.

    Args:
        start: first point.
        end: last point.
        waves: number of crests.
        height: height of a crest above the straight line (towards smaller y), in body units.
    """
    steps = 4 * waves
    return [
        (x, y - height * math.sin(math.pi * waves * k / steps) ** 2)
        for k in range(steps + 1)
        for x, y in [lerp(start, end, k / steps)]
    ]


def grown(points: list[Point], factor: float = 1.25) -> list[Point]:
    """Return a polygon enlarged about the middle of its bounding box.

    An edge is visible from both of its sides, so the region of an attribute includes both.
    """
    xs, ys = [x for x, _ in points], [y for _, y in points]
    cx, cy = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    return [(cx + factor * (x - cx), cy + factor * (y - cy)) for x, y in points]
