"""Attribute manipulation in the explorer, against the library's ranking and its rule of what is right."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_explorer import tiny_run
from tiny_manipulation import SCHEMA, tiny_manipulation

from fashion_lib.core.errors import FashionError
from fashion_lib.data.label_vectors import described
from fashion_lib.explorer.answer_html import answers_html
from fashion_lib.explorer.explorer_question import Question
from fashion_lib.explorer.manipulation_answers import ManipulationAnswers
from fashion_lib.methods.registry import build_model
from fashion_lib.tasks.manipulation.manipulation_evaluation import (
    manipulated,
    rank_by_distance,
    represent_rows,
)
from fashion_lib.tasks.manipulation.operations import Operation, manipulation_vector


@pytest.fixture(scope="module")
def answers():
    torch.manual_seed(0)
    model = build_model("adde_m", SCHEMA, backbone="small", start="random").eval()
    run = tiny_run("adde_m")
    return ManipulationAnswers(
        replace(run, record=replace(run.record, precision="fp32")), model, tiny_manipulation()
    )


def answered(answers, **question):
    steps = answers.answer(Question(("x",), **question))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def with_sleeve(answers, known: bool = True) -> tuple[int, str]:
    """Return a picture that shows a sleeve (or none), and its sleeve."""
    labels = answers.data.labels.matrix
    for row in range(len(labels)):
        held = described(SCHEMA, labels[row]).get("sleeve", ("",))[0]
        if bool(held) == known:
            return row, held
    raise AssertionError("no such picture")


def test_the_board_is_the_library_s_ranking(answers):
    row, held = with_sleeve(answers)
    wanted = next(value for value in SCHEMA.attribute("sleeve").values if value != held)
    answer = answered(answers, row=row, change={"sleeve": wanted})
    data, model = answers.data, answers.model
    rows = np.setdiff1d(data.rows("test", "candidate"), [row])
    vector = manipulation_vector(SCHEMA, [Operation("sleeve", held, wanted)], data.labels.matrix[row])
    with torch.no_grad():
        query = model.comparable(manipulated(model, represent_rows(model, data, [row]), vector[None]))
        gallery = model.comparable(represent_rows(model, data, rows))
    ((_, order),) = rank_by_distance(query, gallery)
    assert [one.row for one in answer.found] == rows[order[0]][:12].tolist()
    target = described(SCHEMA, data.labels.matrix[row]) | {"sleeve": (wanted,)}
    for one in answer.found:  # right is who has every label of the target
        shown = described(SCHEMA, data.labels.matrix[one.row])
        assert one.right == all(shown.get(name) == values for name, values in target.items())
    assert answer.measure == "distance" and answer.scores.argmin() == order[0][0]
    assert f"sleeve: {held} → {wanted}" in answers_html([answer])


def test_the_model_reads_what_an_own_picture_has(answers, tmp_path):
    from PIL import Image

    file = Path(tmp_path) / "own.png"
    Image.fromarray(np.full((20, 20, 3), 80, np.uint8)).save(file)
    refused = []
    for value in SCHEMA.attribute("sleeve").values:
        try:
            answer = answered(answers, file=file, change={"sleeve": value})
        except FashionError as error:
            refused.append(str(error))
        else:
            assert answer.relevant is None and {one.right for one in answer.found} == {None}
            assert answer.notes[0].startswith("The model reads sleeve ")
    assert len(refused) == 1 and "as the model reads it, has sleeve" in refused[0]  # it has one of the values


@pytest.mark.parametrize(
    ("known", "change", "sentence"),
    [
        (True, {}, "choose both"),
        (True, {"sleve": "long"}, "sleeve"),
        (True, {"sleeve": "longest"}, "long"),
        (True, {"sleeve": None}, "already: choose another value"),
        (False, {"sleeve": "long"}, "shows no sleeve, so it cannot be changed"),
    ],
)
def test_what_cannot_be_changed_is_one_sentence(answers, known, change, sentence):
    row, held = with_sleeve(answers, known)
    change = {name: held if value is None else value for name, value in change.items()}
    with pytest.raises(FashionError, match=sentence):
        answered(answers, row=row, change=change)
