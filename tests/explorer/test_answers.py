"""The explorer's answers against the library's own search, metrics and maps."""

import numpy as np
import pytest
import torch
from tiny_data import TinyModel
from tiny_explorer import TinyRuns

from fashion_lib.core.errors import FashionError
from fashion_lib.data.augmentation import normalise
from fashion_lib.explorer.answer_html import answers_html, heat_picture
from fashion_lib.explorer.answers import NO_LABEL
from fashion_lib.explorer.explorer_question import Question
from fashion_lib.methods.base import Attended
from fashion_lib.show.heat import OUTLINE
from fashion_lib.tasks.retrieval.explain import attention
from fashion_lib.tasks.retrieval.metrics import average_precision
from fashion_lib.tasks.retrieval.search import search


def answered(runs: TinyRuns, question: Question):
    steps = runs.answers(question)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def asked(runs: TinyRuns, row=2, attribute="colour", **more):
    return answered(runs, Question((runs.runs[0].key,), row=row, attribute=attribute, **more))[0]


@pytest.mark.parametrize("attribute", ["collar", "hem", "colour"])
def test_the_board_is_the_library_s_search(attribute):
    runs, model = TinyRuns(), TinyModel().eval()
    hits = search(model, runs.pictures, 2, attribute)
    answer = asked(runs, attribute=attribute)
    assert [one.row for one in answer.found] == hits.rows[:12].tolist()
    np.testing.assert_allclose(
        [one.score for one in answer.found], hits.similarity[:12], rtol=1e-4, atol=1e-6
    )
    assert [one.value for one in answer.found] == list(hits.values[:12])
    if hits.wanted:
        assert [one.right for one in answer.found] == hits.correct[:12].tolist()
        assert answer.average_precision == pytest.approx(average_precision(hits.correct[None])[0])


def test_the_query_is_never_among_its_own_answers():
    runs = TinyRuns()
    candidates = runs.pictures.encoded("test", "candidate").of(2).image
    answer = asked(runs, row=int(candidates[0]), top=100)
    assert candidates[0] not in [one.row for one in answer.found] and len(answer.found) == len(candidates) - 1


def test_an_unknown_value_is_said_and_nothing_is_right_or_wrong():
    runs = TinyRuns()
    labelled = set(runs.pictures.labels.query("attribute == 'hem'")["image"])
    row = next(k for k, name in enumerate(runs.pictures.image_names) if name not in labelled)
    answer = asked(runs, row=row, attribute="hem")
    assert answer.relevant is None and answer.average_precision is None
    assert {one.right for one in answer.found} == {None} and answer.query.value == NO_LABEL
    assert f"hem of picture {row} is not known" in answer.notes[0]
    assert "✓" not in answers_html([answer]) and "✗" not in answers_html([answer])


def test_the_maps_are_those_of_the_forward_pass():
    runs = TinyRuns()
    answer = asked(runs)
    images = normalise(runs.pictures.pixels[[2, answer.found[0].row]])
    maps = attention(TinyModel(), images, torch.tensor([2, 2]))["spatial"]
    np.testing.assert_allclose(np.stack([answer.query.heat, answer.found[0].heat]), maps.numpy(), rtol=1e-5)
    assert list(answer.under) == ["collar", "hem", "colour"] and answer.map_kind == "attention"


class Blind(TinyModel):
    def attend(self, features, attributes):
        return Attended(super().attend(features, attributes).embedding)


def test_a_method_without_attention_says_that_there_is_no_map():
    answer = asked(TinyRuns(model=Blind().eval()), attribute="colour")
    assert answer.query.heat is None and answer.map_kind == ""
    assert any("no attention" in note for note in answer.notes)


def test_two_methods_share_one_colour_scale():
    runs = TinyRuns()
    both = answered(runs, Question((runs.runs[0].key, runs.runs[1].key), row=2, attribute="colour"))
    assert [one.method for one in both] == ["asen", "csn"]
    top = max(float(heat.max()) for one in both for heat in one.heats())
    assert answers_html(both).count(f"</span> {top:.2g} attention") == 2


def test_a_heat_picture_outlines_the_region_and_keeps_the_scale():
    pixels, region = np.full((8, 8, 3), 100, np.uint8), np.zeros((8, 8), bool)
    region[2:5, 2:5] = True
    heat = np.zeros((4, 4), np.float32)
    drawn = heat_picture(pixels, heat, 1.0, region)
    assert (
        drawn.shape == (16, 16, 3)
        and (drawn[4, 4:10] == OUTLINE).all()
        and not (drawn[7, 7] == OUTLINE).all()
    )
    weak, strong = (heat_picture(pixels, heat + 0.2, top, None)[0, 0].tolist() for top in (1.0, 0.2))
    assert weak != strong  # the same map is weak beside a stronger one


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ({"row": 60}, "choose a number from 0 to 59"),
        ({"row": True}, "choose a number from 0 to 59"),
        ({"row": None}, "choose a number from 0 to 59"),
        ({"row": 2, "attribute": "colur"}, "colour"),
        ({"row": 2, "runs": ("own/none",)}, "open the window anew"),
        ({"row": 2, "runs": ()}, "choose one"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(question, sentence):
    runs = TinyRuns()
    with pytest.raises(FashionError, match=sentence):
        answered(runs, Question(**({"runs": (runs.runs[0].key,), "attribute": "colour"} | question)))


def test_runs_on_other_pictures_do_not_stand_side_by_side():
    runs = TinyRuns()
    with pytest.raises(FashionError, match="choose two of one kind"):
        answered(runs, Question((runs.runs[0].key, runs.runs[2].key), row=2, attribute="colour"))
