import io

from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from fashion_lib.papers.attention_family_figure import ASEN_BOXES, NEW, OLD, PLANS, attention_family_figure


def boxes(axes):
    return {
        text.get_text(): to_hex(text.get_bbox_patch().get_facecolor())
        for text in axes.texts
        if text.get_bbox_patch()
    }


def test_each_row_marks_what_is_new_and_no_other_box():
    figure = attention_family_figure()
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(PLANS)
    for axes, (new, _, _) in zip(figure.axes, PLANS.values(), strict=True):
        colours = boxes(axes)
        for name, (_, _, text) in (ASEN_BOXES | new).items():
            assert colours[text] == (OLD if name in ASEN_BOXES else NEW)


def test_arrows_lead_from_and_to_boxes():
    for new, arrows, gone in PLANS.values():
        names = set(ASEN_BOXES) | set(new)
        assert all(set(arrow.split(">")) <= names for arrow in arrows | gone)


def test_it_is_drawn_and_pyplot_no_longer_holds_it():
    before = plt.get_fignums()
    attention_family_figure().savefig(stream := io.BytesIO(), format="png")
    assert stream.getbuffer().nbytes > 10_000 and plt.get_fignums() == before
