from fashion_lib.show import step_curves


def test_each_curve_is_named_at_its_end_and_no_two_names_cover_each_other():
    steps = [1, 2, 3]
    curves = {
        "hard": (steps, [3.0, 2.0, 1.0]),
        "mean": (steps, [1.0, 1.0, 1.01]),
        "all": (steps, [0.0, 0.5, 1.02]),
    }
    figure = step_curves(
        {"loss": curves, "similarity": {"mean": (steps, [0.1, 0.2, 0.3])}}, {"loss": (1.0, "margin")}
    )
    left, right = figure.axes
    names = {text.get_text(): text for text in left.texts}
    assert set(names) == {"hard", "mean", "all", "margin"}
    heights = sorted(text.get_position()[1] for text in names.values())
    assert min(b - a for a, b in zip(heights, heights[1:], strict=False)) > 0.08
    colours = {text.get_text(): text.get_color() for text in right.texts}
    assert colours == {"mean": names["mean"].get_color()}
    assert len({names[name].get_color() for name in ("hard", "mean", "all")}) == 3
    assert list(left.lines[0].get_ydata()) == [3.0, 2.0, 1.0]
