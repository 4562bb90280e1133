"""The exercise that CONTRIBUTING.md shows works as it says."""

from pathlib import Path

from fashion_lib.course.exercises.exercise import OPEN, RIGHT, WRONG

TEXT = (Path(__file__).resolve().parents[3] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_example_is_an_exercise():
    (block,) = [
        part.split("```")[0] for part in TEXT.split("```python\n")[1:] if "Exercise(" in part.split("```")[0]
    ]
    names = {}
    exec(block, names)
    half = names["HALF"]
    assert half.judge(half.run(half.start)).state == OPEN
    assert half.judge(half.run(half.solution)).state == RIGHT
    for wrong in half.wrong:
        verdict = half.judge(half.run(wrong.code))
        assert verdict.state == WRONG and verdict.text.endswith(wrong.sentence)
    assert half.judge(0.3).text == f"02.9 is not right yet. {half.otherwise}"
