"""The second look: which square of a picture a second branch receives (ASEN++, RPF, IPAD)."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.base import Attended
from fashion_lib.parts.cropping import crop, shrunk
from fashion_lib.show import style
from fashion_lib.show.heat import STRONG, outline, overlay
from fashion_lib.show.pictures import check_one_each, checked_images, draw_picture, lines_of, two_lines
from fashion_lib.show.style import CHARACTER, DPI, LETTERS, LINE, WIDEST
from fashion_lib.show.title_text import literal


def draw_box(axes: Axes, box, side: int, colour: str = "orange") -> None:
    """Draw a box as a frame on axes that show the picture.

    Args:
        axes: with a picture of side x side pixels or cells.
        box: left, top, right and bottom as fractions of the side, (4,).
        side: of what the axes show, in pixels or cells.
        colour: of the frame.
    """
    left, top, right, bottom = (side * float(edge) - 0.5 for edge in box)
    axes.add_patch(plt.Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, linewidth=2))


def cuts(pictures: np.ndarray, boxes, titles: Sequence[str], scale: int = 2) -> Figure:
    """Draw one column per picture: the shrunk picture with its box, the box cut from it, and cut from the original.

    Args:
        pictures: the large pictures, uint8 (B, H, H, 3).
        boxes: fractions, float (B, 4).
        titles: one per picture.
        scale: the side of the large picture divided by the side of the shrunk one.

    Raises:
        FashionError: for what is no pictures, and for another number of boxes or titles than of pictures.
    """
    pictures = checked_images(pictures)
    check_one_each("cuts", pictures, boxes=boxes, titles=titles)
    large = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    small, side = shrunk(large, scale), pictures.shape[1] // scale
    rows = {"input of the region branch": small, "cut from that": crop(small, boxes, side),
            "cut from the large one": crop(large, boxes, side)}  # fmt: skip
    size = (min(2.2 * len(titles) + 0.5, WIDEST), 6.2)
    figure, grid = plt.subplots(3, len(titles), figsize=size, dpi=DPI, layout="constrained", squeeze=False)
    for line, (title, images) in zip(grid, rows.items(), strict=True):
        line[0].set_ylabel(title, fontsize=10)
        for axes, image in zip(line, images, strict=True):
            draw_picture(axes, _pixels(image))
    for axes, box, title in zip(grid[0], boxes, titles, strict=True):
        draw_box(axes, box, side)
        axes.set_title(literal(title).replace("_", " "), fontsize=10)
    plt.close(figure)
    return figure


def cut_rows(pictures: np.ndarray, regions: Sequence[np.ndarray | None], found: Sequence[Mapping[str, Attended]],
             labels: Sequence[str], colours: Mapping[str, str], size: int) -> Figure:  # fmt: skip
    """Draw one row per picture: the picture with all boxes, then per model its map with its box, and its crop.

    The maps of a row share one scale. A model whose branch attends inside the crop gets one more column, whose map has
    a scale of its own.

    Args:
        pictures: uint8 (B, H, H, 3).
        regions: the true region of each picture, bool (H, H), outlined in the first column; None if unknown.
        found: per picture, model name -> the Attended of this picture alone, with boxes["patch"], maps["spatial"] and,
            if the patch branch attends, crop_maps["patch"].
        labels: one per picture.
        colours: model name -> colour of its box; one pair of columns per model, in this order.
        size: the side of the drawn crops, in pixels.

    Raises:
        FashionError: for what is no pictures, for another number of regions, models or labels than of pictures, and
            for a model without map or box.
    """
    pictures = checked_images(pictures)
    check_one_each("cut_rows", pictures, regions=regions, found=found, labels=labels)
    for name in colours:
        if any(name not in one or "patch" not in one[name].boxes or "spatial" not in one[name].maps for one in found):
            raise FashionError(f"cut_rows lacks the map or the box of {name!r} for a picture: give what attend returned"
                               " for a method with two branches.")
    inside = [name for name in colours if found[0][name].crop_maps]
    titles = ["picture", *(text for name in colours for text in (f"{name}: map", "its crop"))]
    titles += [f"{name}: patch attention" for name in inside]
    side = min(1.42, (WIDEST - 0.4) / len(titles))  # inches per picture
    titles = [lines_of(title.replace(": ", ":\n"), int(side / CHARACTER)) for title in titles]
    high = side * len(pictures) + LINE * max(title.count("\n") + 1 for title in titles)
    figure, grid = plt.subplots(len(pictures), len(titles), figsize=(side * len(titles) + 0.4, high), dpi=DPI,
                                layout="constrained", squeeze=False)  # fmt: skip
    for line, picture, region, models, label in zip(grid, pictures, regions, found, labels, strict=True):
        top = max(float(models[name].maps["spatial"].max()) for name in colours) or 1.0
        draw_picture(line[0], picture if region is None else outline(picture, region))
        line[0].set_ylabel(two_lines(literal(label)), fontsize=LETTERS)
        large = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
        pieces = {name: _pixels(crop(large, models[name].boxes["patch"], size)[0]) for name in colours}
        for k, (name, colour) in enumerate(colours.items()):
            draw_picture(line[1 + 2 * k], overlay(picture, models[name].maps["spatial"][0] / top, STRONG))
            draw_picture(line[2 + 2 * k], pieces[name])
            for axes in (line[0], line[1 + 2 * k]):
                draw_box(axes, models[name].boxes["patch"][0], picture.shape[0], colour)
        for axes, name in zip(line[1 + 2 * len(colours) :], inside, strict=True):
            heat = models[name].crop_maps["patch"][0]
            draw_picture(axes, overlay(pieces[name], heat / (float(heat.max()) or 1.0), STRONG))
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=LETTERS)
    plt.close(figure)
    return figure


def beta_curves(curves: Mapping[str, pd.DataFrame], panels: Mapping[str, Sequence[str]], own: Mapping[str, float],
                methods: Mapping[str, str]) -> Figure:  # fmt: skip
    """Draw the score over the weight of the region branch, one panel per average and one line per model.

    Args:
        curves: model name -> scores in percent; index: beta; columns: attributes and averages.
        panels: title -> the columns whose mean it shows.
        own: model name -> its own beta, dotted.
        methods: model name -> registered name, for its colour.

    Raises:
        FashionError: for a model without beta, method or one of the columns.
    """
    columns = {column for several in panels.values() for column in several}
    for name, curve in curves.items():
        lacking = sorted(columns - set(curve)) + [
            what for what, known in (("beta", own), ("method", methods)) if name not in known
        ]
        if lacking:
            raise FashionError(f"beta_curves lacks {', '.join(lacking)} of {name!r}: give each model a beta, a method"
                               " and the columns of all panels.")
    figure, grid = plt.subplots(1, len(panels), figsize=(min(4.2 * len(panels), WIDEST), 2.9), dpi=DPI,
                                layout="constrained", squeeze=False)  # fmt: skip
    for axes, (title, columns) in zip(grid[0], panels.items(), strict=True):
        for name, curve in curves.items():
            colour = style.colour(methods[name])
            means = curve[list(columns)].mean(axis=1)
            axes.plot(means.index, means, marker="o", markersize=3, color=colour, label=name)
            axes.axvline(own[name], color=colour, linewidth=0.8, linestyle=":")
        axes.set_xlabel("β (0: patch alone, 1: region alone)", fontsize=LETTERS)
        axes.set_ylabel("MAP (%)", fontsize=LETTERS)
        axes.set_title(title, fontsize=10)
        style.tidy(axes)
        style.label_ends(axes)
    plt.close(figure)
    return figure


def _pixels(image: torch.Tensor) -> np.ndarray:
    """Return a picture (3, H, W) of 0..255 as uint8 (H, W, 3)."""
    return image.round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
