"""Diagrams of the order of steps inside a model: boxes and arrows. Orange boxes are what a method fills in."""

from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from fashion_lib.show import style


def two_branches() -> Figure:
    """Draw the steps of ASEN++, RPF and IPAD, from the large picture to one vector."""
    return _flow(
        {
            "large": (0, 1, "large picture\n3 × 2S × 2S"), "small": (1.75, 1.6, "shrunk\n3 × S × S"),
            "region": (3.55, 1.6, "region branch\n(backbone, attention)"), "r": (7.2, 1.6, "r, unit length"),
            "box": (5.4, 0.95, "threshold, box,\nsquare, inside"),
            "crop": (3.55, 0.3, "crop, 3 × S × S\n(ASEN++: S / 2)"),
            "patch": (5.4, 0.3, "patch branch"), "p": (7.2, 0.3, "p, unit length"),
            "end": (8.9, 0.95, "$[\\sqrt{β}\\,r,\\ \\sqrt{1-β}\\,p]$"),
        },
        ("large small", "small region", "region r", "region box", "box crop", "large crop", "crop patch", "patch p",
         "r end", "p end"),
        own=("region", "patch"), limits=((-0.8, 9.9), (-0.05, 1.95)),
    )  # fmt: skip


def iterative_positioning() -> Figure:
    """Draw one pass of IPAD's iterative positioning (equations 1 to 5), and what the next pass starts from."""
    figure = _flow(
        {
            "x": (0, 1, "map $x^{i-1}$"), "p": (0, 0, "attribute $p^{i-1}$"), "ISA": (1.8, 1, "ISA (eq. 1)\nscores A"),
            "AS": (3.6, 1, "AS (eq. 2)\nkeep A ≥ ζ max A"),
            "soft": (5.6, 1, "softmax: $α$\n$x^i = α\\, x^{i-1}$ (eq. 3)"),
            "ICA": (5.6, 0, "ICA (eq. 4)\n$p^i = gate \\cdot p^{i-1}$"),
            "end": (8.1, 0, "after the last pass:\nMLP, LN (eq. 5)"),
            "crop": (8.1, 1, "after the last pass:\ncrop around $x^{Iter}$"),
        },
        ("x ISA", "p ISA", "ISA AS", "AS soft", "soft ICA", "p ICA", "ICA end", "soft crop"),
        own=("ISA", "AS", "ICA", "soft"), limits=((-0.7, 9.2), (-0.85, 1.98)),
    )  # fmt: skip
    axes = figure.axes[0]
    for y, bend in ((1.28, 0.16), (-0.28, -0.16)):
        curve = {"arrowstyle": "-|>", "color": style.AFTER, "connectionstyle": f"arc3,rad={bend}"}
        axes.annotate("", (0, y), (5.6, y), arrowprops=curve)
    axes.text(2.8, 1.86, "next pass", ha="center", va="center", fontsize=style.LETTERS, color=style.AFTER)
    return figure


def attribute_diverging() -> Figure:
    """Draw IPAD's attribute diverging: momentum encoder, queues, centres and the losses they feed."""
    return _flow(
        {
            "batch": (0, 0.5, "batch"), "net": (1.7, 1, "trained network θ"),
            "slow": (1.7, 0, "momentum encoder $\\hatθ$\n(eq. 10)"), "queues": (3.8, 0, "a queue per\n(a, v)"),
            "centres": (5.5, 0, "centres C(a, v)\n(eq. 11)"), "cc": (7.3, 0.5, "$L_{sp}, L_{se}$\n(eq. 16, 19)"),
            "warm": (7.3, 1.35, "$L_{warm}$: triplets, E-InfoNCE"),
        },
        ("batch net", "batch slow", "net slow", "net warm", "slow queues", "queues centres", "centres cc", "net cc"),
        own=("slow", "queues", "centres", "cc"), limits=((-0.5, 8.7), (-0.4, 1.7)), dotted=("net slow",),
    )  # fmt: skip


def _flow(
    parts: Mapping[str, tuple[float, float, str]], arrows: Sequence[str], own: Collection[str],
    limits: tuple[tuple[float, float], tuple[float, float]], dotted: Collection[str] = (),
) -> Figure:  # fmt: skip
    """Draw boxes and arrows.

    Args:
        parts: name -> (x, y, text): the middle of the box, and what stands in it.
        arrows: each "start end", two names of boxes.
        own: names of the boxes that a method fills in.
        limits: of x and of y.
        dotted: the arrows along which no data of the batch flows.
    """
    figure, axes = plt.subplots(figsize=(9.6, 2.7), dpi=style.DPI, layout="constrained")
    fill = {name: style.OWN_BOX if name in own else style.SHARED_BOX for name in parts}
    boxes = {name: _box(axes, *part, fill[name]) for name, part in parts.items()}
    for arrow in arrows:
        start, end = arrow.split()
        axes.annotate("", parts[end][:2], parts[start][:2], arrowprops={
            "arrowstyle": "-|>", "color": style.ARROW, "linestyle": "dotted" if arrow in dotted else "solid",
            "patchA": boxes[start], "patchB": boxes[end], "shrinkA": 0, "shrinkB": 1})  # fmt: skip
    axes.set(xlim=limits[0], ylim=limits[1])
    axes.set_axis_off()
    plt.close(figure)
    return figure


def _box(axes: Axes, x: float, y: float, text: str, colour: str) -> FancyBboxPatch:
    """Draw a text in a box and return the box, where arrows begin and end."""
    frame = {"boxstyle": "round,pad=0.4", "edgecolor": style.ARROW, "facecolor": colour}
    centred = {"ha": "center", "va": "center", "fontsize": style.LETTERS}
    return axes.text(x, y, text, bbox=frame, zorder=3, **centred).get_bbox_patch()
