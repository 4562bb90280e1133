"""ASEN and its successors as one drawing: a row per method, with what is new in it in another colour."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fashion_lib.show.style import DPI, LETTERS

OLD, NEW, LINE, NEW_LINE = "#cfe3f3", "#ffc27a", "#666666", "#b35f00"
# name -> x, y, text
ASEN_BOXES = {
    "map": (0, 1, "feature map I\nC × h × w"),
    "ASA": (1.5, 1, "ASA\nwhere to look"),
    "sum": (3, 1, "sum over\npositions: $x_1$"),
    "ACA": (4.5, 1, "gate of ACA\ntimes $x_1$: $x_2$"),
    "end": (7.5, 1, "unit\nlength"),
    "attribute": (3, 0, "embedding of a"),
}
ASEN_ARROWS = {"map>ASA", "ASA>sum", "sum>ACA", "ACA>end", "attribute>ASA", "attribute>ACA"}
PLANS = {  # method -> new boxes, new arrows, arrows that go
    "ASEN v2": ({}, set(), set()),
    "AttnFashion": (
        {"fuse": (6.05, 1, "$w_1 x_1 + w_2 x_2$\nthen linear")},
        {"sum>fuse", "ACA>fuse", "fuse>end"},
        {"ACA>end"},
    ),
    "HAEN": (
        {
            "parent": (1.2, 0, "embedding of\na's parent"),
            "attribute": (4.8, 0, "embedding of a"),
            "join": (3, 0, "linear\nof both"),
            "mask": (6.05, 1, "times mask\nof a"),
        },
        {"parent>join", "attribute>join", "join>ASA", "join>ACA", "ACA>mask", "mask>end"},
        {"attribute>ASA", "attribute>ACA", "ACA>end"},
    ),
    "ISLN": (
        {"back": (6.05, 0, "linear back to\nan attribute")},
        {"ACA>back", "back>attribute", "ASA>map"},
        set(),
    ),
}
ARCHED = {"sum>fuse": "$x_1$", "ASA>map": "attended map, 3 passes"}  # arrows that pass above other boxes


def attention_family_figure() -> Figure:
    """Draw ASEN version 2, AttnFashion, HAEN and ISLN below each other.

    Sources: Ma et al. (AAAI 2020), Wan et al. (2022), Yan et al. (DSAA 2021), Yan et al. (ICME 2022).

    Returns:
        The figure, which pyplot no longer holds.
    """
    figure, grid = plt.subplots(len(PLANS), 1, figsize=(9.6, 6.6), dpi=DPI, layout="constrained")
    for axes, (name, plan) in zip(grid, PLANS.items(), strict=True):
        axes.set(xlim=(-0.75, 8), ylim=(-0.35, 1.8))
        axes.set_title(name, loc="left", fontsize=10, fontweight="bold", pad=0)
        axes.set_axis_off()
        _draw_plan(axes, *plan)
    plt.close(figure)
    return figure


def _draw_plan(axes: Axes, new: dict[str, tuple], arrows: set[str], gone: set[str]) -> None:
    boxes = {}
    for name, (x, y, text) in (ASEN_BOXES | new).items():
        box = {
            "boxstyle": "round,pad=0.4",
            "facecolor": OLD if name in ASEN_BOXES else NEW,
            "edgecolor": LINE,
        }
        boxes[name] = axes.text(x, y, text, ha="center", va="center", fontsize=LETTERS, bbox=box, zorder=3)
    for arrow in sorted((ASEN_ARROWS | arrows) - gone):
        start, end = (boxes[name] for name in arrow.split(">"))
        style = {"arrowstyle": "-|>", "color": NEW_LINE if arrow in arrows else LINE, "linewidth": 1.3}
        if arrow in ARCHED:
            _draw_arch(axes, start.get_position(), end.get_position(), ARCHED[arrow], style)
        else:
            ends = {
                "patchA": start.get_bbox_patch(),
                "patchB": end.get_bbox_patch(),
                "shrinkA": 0,
                "shrinkB": 1,
            }
            axes.annotate("", end.get_position(), start.get_position(), arrowprops=style | ends)


def _draw_arch(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], text: str, style: dict
) -> None:
    (x0, y0), (x1, y1) = start, end
    bend = f"arc3,rad={-0.16 if x1 > x0 else 0.16}"
    axes.annotate("", (x1, y1 + 0.27), (x0, y0 + 0.27), arrowprops=style | {"connectionstyle": bend})
    axes.text(
        (x0 + x1) / 2,
        1.68,
        text,
        ha="center",
        va="center",
        fontsize=LETTERS,
        color=style["color"],
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )
