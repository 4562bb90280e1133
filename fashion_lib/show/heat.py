"""Heat maps on pictures. The maps come in as `forward` made them: these functions enlarge and colour, no more."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure

from fashion_lib.core.errors import FashionError
from fashion_lib.show.pictures import checked_images, draw_picture, lines_of, two_lines
from fashion_lib.show.style import CHARACTER, DPI, LETTERS, LINE, WIDEST

# Without inferno's black, which on a grey picture would not be heat.
HEAT = ListedColormap(colormaps["inferno"](np.linspace(0.3, 1.0, 256)))
OUTLINE = (0, 255, 255)  # no colour of HEAT, so that it is never taken for heat
DIMMED = 0.85
STRONG = 0.85  # weight of the heat's colour in rows of maps
BESIDE = 1.85  # sizes of a picture that a row needs beside its maps: the picture itself and the scale
SMALLEST = 0.95  # inches of a picture: with more maps than fit at that size, a row takes several lines


def enlarged(heat, height: int, width: int) -> np.ndarray:
    """Enlarge a map to the picture's size, each cell as one block.

    Nothing is smoothed: that would draw a precision that a map of 8 x 8 cells does not have.

    Args:
        heat: float (h, w).
        height, width: of the picture, in pixels.

    Returns:
        float32 (height, width).
    """
    heat = torch.as_tensor(np.asarray(heat, dtype=np.float32))[None, None]
    return F.interpolate(heat, size=(height, width), mode="nearest-exact")[0, 0].numpy()


def overlay(image: np.ndarray, heat, alpha: float = 0.6) -> np.ndarray:
    """Lay a map over a picture: strong heat in colour, the rest in dimmed grey.

    Divide the maps of one picture by their common maximum first (heat = maps / maps.max()). Otherwise nobody can
    see which of them is stronger.

    Args:
        image: uint8 (H, W, 3).
        heat: float (h, w), from 0 to 1.
        alpha: weight of the heat's colour where heat is 1.

    Returns:
        uint8 (H, W, 3).

    Raises:
        FashionError: for a map of another form or with values outside 0..1.
    """
    heat = np.asarray(heat, dtype=np.float32)
    if heat.ndim != 2 or not np.isfinite(heat).all() or heat.min() < 0 or heat.max() > 1:
        raise FashionError(f"overlay takes a map (h, w) with values in 0..1 but got {heat.shape}, {np.min(heat):.3g} to"
                           f" {np.max(heat):.3g}: divide by the largest value of the maps to compare.")
    heat = enlarged(heat, *image.shape[:2])
    grey = np.repeat(image.astype(np.float32).mean(axis=2, keepdims=True), 3, axis=2)
    colour = 255 * HEAT(heat)[..., :3]
    weight = alpha * np.sqrt(heat)[..., None]  # the root lets weak heat show without hiding the picture under strong
    return ((1 - weight) * DIMMED * grey + weight * colour).round().clip(0, 255).astype(np.uint8)


def scale_colours(alpha: float) -> ListedColormap:
    """Return the colours in which `overlay` shows weights 0 to 1 on medium grey, for the bar beside the pictures.

    Args:
        alpha: as `overlay` was given it.
    """
    strip = overlay(np.full((1, 256, 3), 128, dtype=np.uint8), np.linspace(0, 1, 256)[None], alpha)
    return ListedColormap(strip[0] / 255)


def outline(image: np.ndarray, mask: np.ndarray, colour: Sequence[int] = OUTLINE) -> np.ndarray:
    """Draw the edge of a mask into a copy of a picture, on the mask's own outermost pixels.

    Args:
        image: uint8 (H, W, 3).
        mask: bool (H, W).
        colour: red, green and blue, 0 to 255.

    Returns:
        uint8 (H, W, 3).

    Raises:
        FashionError: for a mask of another type or size.
    """
    if mask.dtype != bool or mask.shape != image.shape[:2]:
        raise FashionError(f"the mask is {mask.dtype} {mask.shape} for a picture of {image.shape[:2]}: give bool of"
                           " that size.")
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    drawn = np.array(image)
    drawn[mask & ~inside] = colour
    return drawn


def heat_map_rows(
    images, maps: Sequence, titles: Sequence[str], region_masks: Sequence | None = None, shared_scale: bool = True, *,
    row_titles: Sequence[str] | None = None, scale_label: str = "weight of a cell", size: float = 1.25,
) -> Figure:
    """Draw one row per picture: the picture, then one map per title, with the bar of their scale at the right.

    Args:
        images: uint8 (B, H, W, 3).
        maps: one float (B, h, w) per title, non-negative.
        titles: attributes or methods, one per column of maps.
        region_masks: one bool (B, H, W) per title, drawn as an outline, or None where there is none.
        shared_scale: True gives each row one scale; False gives each map its own 0..1, and the bar says so.
        row_titles: one text per picture, left of the rows.
        scale_label: stands beside the bar.
        size: inches per picture; less, and then several lines per picture, where a row would be wider than a page.

    Raises:
        FashionError: if the numbers of pictures, titles, maps and masks do not fit together.
    """
    images = checked_images(images)
    maps = [np.asarray(one.detach().cpu() if torch.is_tensor(one) else one, dtype=np.float32) for one in maps]
    wrong = [one.shape for one in maps if one.ndim != 3 or len(one) != len(images)]
    if wrong or len(maps) != len(titles) or (region_masks is not None and len(region_masks) != len(titles)):
        raise FashionError(f"{len(titles)} titles and {len(images)} pictures need as many maps (and region masks), each"
                           f" (pictures, h, w), but {len(maps)} came{f', one of shape {wrong[0]}' if wrong else ''}.")
    lines = max(1, -(-len(titles) // int(WIDEST / SMALLEST - BESIDE)))
    columns = -(-len(titles) // lines)
    size = min(size, WIDEST / (columns + BESIDE))
    room = int(size / CHARACTER)
    titles = [lines_of(two_lines(title), room) for title in titles]
    above = 0.05 + LINE * max((title.count("\n") + 1 for title in titles), default=0)  # inches
    rows, scale = len(images) * lines, scale_colours(STRONG)
    figure, grid = plt.subplots(
        rows, columns + 2, squeeze=False, layout="constrained", width_ratios=[*[1] * (columns + 1), 0.07], dpi=DPI,
        figsize=(size * (columns + BESIDE), size * rows + above * (1 if lines == 1 else rows)),
    )  # fmt: skip
    for row, line in enumerate(grid):
        (picture, part), image = divmod(row, lines), images[row // lines]
        if part == 0:
            draw_picture(line[0], image)
            if row_titles is not None:
                line[0].set_ylabel(lines_of(row_titles[picture], room), fontsize=LETTERS)
        else:
            line[0].axis("off")
        top = max(float(one[picture].max()) for one in maps) or 1.0
        here = range(part * columns, min((part + 1) * columns, len(maps)))
        for axes in line[1 + len(here) : -1]:
            axes.axis("off")
        for k, axes in zip(here, line[1:], strict=False):
            own = float(maps[k][picture].max()) or 1.0
            draw_picture(axes, overlay(image, maps[k][picture] / (top if shared_scale else own), STRONG))
            if region_masks is not None and region_masks[k] is not None:
                draw_outline(axes, region_masks[k][picture])
            if row == 0 or lines > 1:
                axes.set_title(titles[k], fontsize=LETTERS, pad=3)
        colours = ScalarMappable(Normalize(0, top if shared_scale else 1), scale)
        bar = figure.colorbar(colours, cax=line[-1], ticks=[0, top if shared_scale else 1])
        bar.ax.set_yticklabels(["0", f"{top:.2g}" if shared_scale else "max"], fontsize=LETTERS)
        bar.set_label(lines_of(scale_label if shared_scale else "of each map", room), fontsize=LETTERS, labelpad=2)
    plt.close(figure)
    return figure


def draw_outline(axes, mask: np.ndarray, colour: str = "cyan") -> None:
    """Draw the edge of a mask, bool (H, W), as a thin line on axes that show the picture."""
    if not mask.any():
        return  # matplotlib would warn that there is nothing to draw
    axes.contour(mask.astype(float), levels=[0.5], colors=[colour], linewidths=1.1)
