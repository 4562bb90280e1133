"""What `fl.check` and `fl.hint` say, and answers of every strange form."""

import numpy as np
import pytest
import torch

import fashion_lib as fl
from fashion_lib.course.exercises import catalogue, checking
from fashion_lib.course.exercises.exercise import OPEN, WRONG
from fashion_lib.course.exercises.forms import Choice, Function, Malformed, Number, Unanswered


def said(capsys):
    return " ".join(capsys.readouterr().out.split())


def test_a_check_says_one_of_three_things(capsys):
    fl.check("02.3", None)
    assert said(capsys) == "02.3 is not answered yet."
    fl.check("02.3", 0.333)
    assert said(capsys).startswith("02.3 is not right yet. That is the share of relevant candidates.")
    fl.check("02.3", (1 + 1 / 2 + 1 / 3) / 3)
    assert said(capsys).startswith("02.3 is right. ")


def test_hints_climb_and_stay_on_the_last(monkeypatch, capsys):
    monkeypatch.setattr(checking, "_hints_given", {})
    hints = catalogue.find("02.1").hints
    for number in (1, 2, 3, 3):
        fl.hint("02.1")
        assert said(capsys) == f"Hint {number} of 3: {hints[number - 1]}"


@pytest.mark.parametrize("identity", ["02.9", "2.1", "99.1", "", 2.1, None])
def test_an_unknown_exercise_is_one_sentence(identity):
    for ask in (fl.hint, lambda name: fl.check(name, 1)):
        with pytest.raises(fl.FashionError, match="there is no exercise"):
            ask(identity)


def test_nbgrader_gets_an_error_for_all_that_is_not_right(monkeypatch, capsys):
    monkeypatch.setenv(checking.GRADING, "autograde")
    for answer in (None, 0.333, 5):
        with pytest.raises(fl.FashionError, match="not answered yet|not right yet"):
            fl.check("02.3", answer)
    fl.check("02.3", (1 + 1 / 2 + 1 / 3) / 3)
    assert said(capsys).startswith("02.3 is right.")


@pytest.mark.parametrize(
    "answer", [0.5, np.float32(0.5), np.array(0.5), torch.tensor(0.5, requires_grad=True), True]
)
def test_numbers_may_come_in_any_type(answer):
    assert Number().same(Number().read(answer), Number().read(1 if answer is True else 0.5))


@pytest.mark.parametrize("answer", ["0.5", [1, "x"], {"a": 1}, lambda: 1, [[1, 2], [3]], 1j])
def test_what_is_no_number_is_malformed(answer):
    with pytest.raises(Malformed, match="give a number"):
        Number().read(answer)


def test_several_numbers_are_told_apart():
    form = Number(0.01)
    assert "look again at number 2 of 3" in form.difference(np.array([1.0, 5, 3]), np.array([1.0, 2, 3]))
    assert (
        form.difference(np.array([1.0]), np.array([1.0, 2]))
        == "You gave 1 numbers; the question asks for 2 numbers."
    )
    assert not form.same(np.array([np.nan]), np.array([1.0]))


def test_choices():
    assert Choice("abc", several=True).read("C, a") == {"a", "c"}
    for answer in ("d", "", "ab", 1, ["a"]):
        with pytest.raises(Malformed, match="one letter, as text: the choices|one letter, as text"):
            Choice("abc").read(answer)
    with pytest.raises(Unanswered):
        Choice("abc").read(None)


def test_a_function_that_fails_says_where():
    form = Function({"the first case": (1,), "zero": (0,)})
    with pytest.raises(Malformed, match="stops for zero with ZeroDivisionError: division by zero"):
        form.read(lambda x: 1 / x)
    with pytest.raises(Malformed, match="without parentheses"):
        form.read(1.0)
    with pytest.raises(Malformed, match="The result for the first case is str"):
        form.read(lambda x: "text")
    with pytest.raises(Unanswered):
        form.read(lambda x: None)


def test_a_function_cannot_spoil_the_next_case():
    form = Function({"one": ([1, 2],), "two": ([1, 2],)})
    assert form.same(form.read(lambda numbers: numbers.pop()), form.read(lambda numbers: numbers.pop()))
    assert form.cases["one"] == ([1, 2],)


def test_a_result_of_another_shape_is_described():
    form = Function({"a case": (3,)})
    ones, pair = form.read(lambda n: np.ones(n)), form.read(lambda n: np.ones((n, 2)))
    assert (
        form.difference(ones, pair)
        == "For a case you return 3 numbers; it should be an array of shape (3, 2)."
    )


def test_a_students_asen_without_a_layer_hears_which():
    exercise = catalogue.find("04.3")
    code = exercise.solution.replace("self.norm", "self.batch_norm")
    verdict = exercise.judge(exercise.run(code))
    assert verdict.state == WRONG and "no layer named norm" in verdict.text
    assert exercise.judge(exercise.run(exercise.start)).state == OPEN
