"""The histogram of an answer: how near the relevant candidates are, against all others."""

import io

import matplotlib.pyplot as plt
import numpy as np

from fashion_lib.explorer.answers import Answer
from fashion_lib.show.pictures import RIGHT
from fashion_lib.show.style import tidy

OTHERS = "#777777"
BINS = 24
WIDTH, HEIGHT = 3.5, 2.0  # inches; at 96 pixels per inch it fits a telephone without shrinking
POINTS = 9.5


def histogram_svg(answer: Answer) -> str:
    """Return the histogram as SVG text; each group's bars sum to 100 percent.

    Args:
        answer: of one run. Without known relevant candidates there is one group, all candidates.
    """
    scores, edges = answer.scores, np.histogram_bin_edges(answer.scores, BINS)
    groups = [(scores, OTHERS, f"all {len(scores):,}")]
    if answer.relevant is not None and answer.relevant.any():
        right, rest = scores[answer.relevant], scores[~answer.relevant]
        groups = [(rest, OTHERS, f"others, {len(rest):,}"), (right, RIGHT, f"relevant, {len(right):,}")]
    with plt.rc_context({"svg.fonttype": "none", "font.size": POINTS, "svg.hashsalt": "explorer"}):
        figure, axes = plt.subplots(figsize=(WIDTH, HEIGHT), layout="constrained")
        for values, colour, label in groups:
            if len(values):
                weights = np.full(len(values), 100 / len(values))
                axes.hist(values, edges, weights=weights, color=colour, alpha=0.45, histtype="stepfilled")
                axes.hist(
                    values, edges, weights=weights, color=colour, histtype="step", linewidth=1.5, label=label
                )
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(-0.02, 0.98),
            ncols=2,
            frameon=False,
            handlelength=1.2,
            fontsize=POINTS,
        )
        nearer = "right" if answer.measure == "similarity" else "left"
        axes.set_xlabel(f"{answer.measure} ({nearer} is nearer)")
        axes.set_ylabel("% of the group")
        tidy(axes, labels=POINTS)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
        plt.close(figure)
    return buffer.getvalue()
