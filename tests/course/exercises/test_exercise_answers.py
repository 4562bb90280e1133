"""Every exercise: its solution is right, typical wrong answers get their sentence, and no word tells the answer."""

import re

import pytest

from fashion_lib.core import paths
from fashion_lib.course.exercises import catalogue
from fashion_lib.course.exercises.exercise import OPEN, RIGHT, WRONG
from fashion_lib.course.exercises.forms import Choice, Function

ALL = [one for notebook in catalogue.notebooks() for one in catalogue.exercises(notebook)]


def identity(exercise):
    return exercise.id


def solution_words(exercise):
    """What a text must not hold: the chosen letters, the numbers, or a line of the solution's own code."""
    if isinstance(exercise.form, Choice):
        letters = "".join(sorted(exercise.form.read(exercise.run(exercise.solution))))
        return (
            [rf"(?<![\w`']){letters}(?![\w'])"]
            if len(letters) > 1
            else [rf"\({letters}\)", rf"['\"`]{letters}['\"`]"]
        )
    if isinstance(exercise.form, Function):
        start = {line.strip() for line in exercise.start.splitlines()}
        lines = {line.strip() for line in exercise.solution.splitlines()} - start
        return [re.escape(line) for line in lines if len(line) > 12]
    numbers = exercise.form.read(exercise.run(exercise.solution)).ravel()
    shown = {f"{number:.{digits}f}" for number in numbers for digits in (1, 2, 3)} | {
        f"{number:g}" for number in numbers
    }
    shown = {text for text in shown if abs(float(text)) > 1 or "." in text}  # a lone 0 or 1 means nothing
    return [rf"(?<![\d.]){re.escape(text)}(?![\d]|\.\d)" for text in shown]


def test_ids_count_up_and_belong_to_their_notebook():
    for notebook in catalogue.notebooks():
        found = [one.id for one in catalogue.exercises(notebook)]
        assert found == [f"{notebook}.{number}" for number in range(1, len(found) + 1)]
        assert list(paths.notebooks_dir().glob(f"{notebook}_*.ipynb"))


@pytest.mark.parametrize("exercise", ALL, ids=identity)
def test_an_untouched_cell_is_not_answered_yet(exercise):
    assert exercise.judge(exercise.run(exercise.start)).state == OPEN


@pytest.mark.parametrize("exercise", ALL, ids=identity)
def test_the_solution_is_right(exercise):
    verdict = exercise.judge(exercise.run(exercise.solution))
    assert verdict.state == RIGHT, verdict.text
    assert verdict.text.endswith(exercise.because)


@pytest.mark.parametrize("exercise", ALL, ids=identity)
def test_there_are_three_wrong_answers_or_four_and_a_ladder_of_hints(exercise):
    assert 3 <= len(exercise.wrong) <= 4 and 2 <= len(exercise.hints) <= 3
    assert len({wrong.sentence for wrong in exercise.wrong}) == len(exercise.wrong)
    for text in (
        *exercise.hints,
        *(wrong.sentence for wrong in exercise.wrong),
        exercise.because,
        exercise.otherwise,
    ):
        assert text.strip() == text and text[-1] in ".?", text


@pytest.mark.parametrize("exercise", ALL, ids=identity)
def test_each_typical_wrong_answer_gets_its_sentence(exercise):
    told = [exercise.judge(exercise.run(wrong.code)) for wrong in exercise.wrong]
    assert {verdict.state for verdict in told} == {WRONG}
    assert [verdict.text for verdict in told] == [
        f"{exercise.id} is not right yet. {wrong.sentence}" for wrong in exercise.wrong
    ]


@pytest.mark.parametrize("exercise", ALL, ids=identity)
def test_no_sentence_and_no_hint_tells_the_answer(exercise):
    told = [
        exercise.start,
        *exercise.hints,
        exercise.otherwise,
        *(wrong.sentence for wrong in exercise.wrong),
    ]
    for word in solution_words(exercise):
        assert [text for text in told if re.search(word, text)] == []
