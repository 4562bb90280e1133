"""The diagrams of steps: every arrow joins the two boxes that it should, and nothing lies on top of a text."""

import itertools
from functools import cache

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg

from fashion_lib.show import flow_diagrams, style
from fashion_lib.show.check import figure_problems

# The first words of the boxes that each arrow leaves and reaches; then those of the orange boxes.
TWO_BRANCHES = (
    {("large", "shrunk"), ("shrunk", "region"), ("region", "r,"), ("region", "threshold,"), ("threshold,", "crop,"),
     ("large", "crop,"), ("crop,", "patch"), ("patch", "p,"), ("r,", "$[\\sqrt{β}\\,r,\\"),
     ("p,", "$[\\sqrt{β}\\,r,\\")},
    {"region", "patch"},
)  # fmt: skip
POSITIONING = (
    {("map", "ISA"), ("attribute", "ISA"), ("ISA", "AS"), ("AS", "softmax:"), ("softmax:", "ICA"),
     ("attribute", "ICA"), ("ICA", "after"), ("softmax:", "after"), ("softmax:", "map"), ("ICA", "attribute")},
    {"ISA", "AS", "softmax:", "ICA"},
)  # fmt: skip
DIVERGING = (
    {("batch", "trained"), ("batch", "momentum"), ("trained", "momentum"), ("trained", "$L_{warm}$:"),
     ("momentum", "a"), ("a", "centres"), ("centres", "$L_{sp},"), ("trained", "$L_{sp},")},
    {"momentum", "a", "centres", "$L_{sp},"},
)  # fmt: skip
DIAGRAMS = {
    "two_branches": TWO_BRANCHES,
    "iterative_positioning": POSITIONING,
    "attribute_diverging": DIVERGING,
}


class Drawn:
    """A diagram after drawing: its texts with their rectangles, and its arrows, in pixels."""

    def __init__(self, name: str):
        self.figure = getattr(flow_diagrams, name)()
        self.canvas = FigureCanvasAgg(self.figure)
        self.canvas.draw()
        texts = self.figure.axes[0].texts
        self.boxes = [text for text in texts if text.get_bbox_patch() is not None]
        self.texts = [text for text in texts if text.get_text()]
        self.arrows = [text.arrow_patch for text in texts if not text.get_text()]

    def rectangle(self, text):
        return (text.get_bbox_patch() or text).get_window_extent(self.canvas.get_renderer())

    def nearest(self, point):
        def distance(text):
            frame = self.rectangle(text)
            return np.hypot(*(np.clip(point, frame.min, frame.max) - point))

        return min(self.boxes, key=distance)

    def ends(self, arrow):
        """The boxes at an arrow's beginning and tip: its path is the shaft, then the head, whose second point is the
        tip."""
        shaft, head = arrow._get_path_in_displaycoord()[0]
        return self.nearest(shaft.vertices[0]), self.nearest(head.vertices[1])


@cache
def drawn_once(name: str) -> Drawn:
    return Drawn(name)


@pytest.fixture(params=DIAGRAMS)
def diagram(request):
    return drawn_once(request.param), *DIAGRAMS[request.param]


def first(text) -> str:
    return text.get_text().split()[0]


def test_every_arrow_joins_its_two_boxes(diagram):
    drawn, arrows, _ = diagram
    found = [tuple(map(first, drawn.ends(arrow))) for arrow in drawn.arrows]
    assert len(found) == len(arrows) and set(found) == arrows


def test_what_the_method_fills_in_is_orange(diagram):
    drawn, _, own = diagram
    fills = {style.OWN_BOX: set(), style.SHARED_BOX: set()}
    for text in drawn.boxes:
        fills[style.to_hex(text.get_bbox_patch().get_facecolor())].add(first(text))
    assert fills[style.OWN_BOX] == own and fills[style.SHARED_BOX].isdisjoint(own)


def test_texts_keep_apart_and_stay_inside(diagram):
    drawn, _, _ = diagram
    assert figure_problems(drawn.figure) == [] and plt.get_fignums() == []
    for one, other in itertools.combinations(drawn.texts, 2):
        assert not drawn.rectangle(one).overlaps(drawn.rectangle(other)), (one.get_text(), other.get_text())
    for text in drawn.texts:
        frame = drawn.rectangle(text)
        assert drawn.figure.bbox.contains(*frame.min) and drawn.figure.bbox.contains(*frame.max), (
            text.get_text()
        )
        assert text.get_fontsize() >= 8


def test_no_arrow_runs_through_a_text(diagram):
    drawn, _, _ = diagram
    for arrow in drawn.arrows:
        shaft = arrow._get_path_in_displaycoord()[0][0]
        for text in set(drawn.texts) - set(drawn.ends(arrow)):
            assert not shaft.intersects_bbox(drawn.rectangle(text), filled=False), text.get_text()


def test_only_the_momentum_update_is_dotted():
    drawn = drawn_once("attribute_diverging")
    dotted = [arrow for arrow in drawn.arrows if arrow.get_linestyle() in (":", "dotted")]
    assert [tuple(map(first, drawn.ends(arrow))) for arrow in dotted] == [("trained", "momentum")]
