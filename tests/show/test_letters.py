"""No figure has letters that are too small on a page: those that are drawn here, and those of the notebooks' cells."""

import re

import pytest
from matplotlib import pyplot as plt

from fashion_lib.core import paths
from fashion_lib.course.sources import read
from fashion_lib.show import style
from fashion_lib.show.check import figure_problems, letters

NUMBER = r"(\d+(?:\.\d+)?)"
TEXT_SIZES = re.compile(rf"""(?:font_?size|labelsize|font\.size)["']?\s*[=:]\s*{NUMBER}""")
DPIS = re.compile(rf"""\bdpi["']?\s*[=:]\s*{NUMBER}""")
WIDTHS = re.compile(rf"""(?:figsize["']?\s*[=:]\s*|\bsize = )\({NUMBER},""")


def drawn(width: float = 4, dpi: float = style.DPI, **title):
    figure, axes = plt.subplots(figsize=(width, 3), dpi=dpi, layout="constrained")
    axes.set_title("a title", **title)
    plt.close(figure)
    return figure


@pytest.mark.parametrize(
    ("figure", "size"),
    [
        (lambda: drawn(fontsize=8), 8),
        (lambda: drawn(fontsize=9, dpi=style.DPI / 2), 4.5),
        (lambda: drawn(fontsize=9, width=2 * style.WIDEST), 4.6),  # the page shrinks it to half its size
    ],
)
def test_small_letters_are_found(figure, size):
    figure = figure()
    assert any(f"letters of {size:.1f} points" in problem for problem in figure_problems(figure))


@pytest.mark.parametrize("width", [4, style.WIDEST])
def test_letters_of_the_least_size_are_no_fault(width):
    figure = drawn(width, fontsize=style.LETTERS)
    figure.axes[0].tick_params(labelsize=style.LETTERS)
    assert figure_problems(figure) == []
    assert letters(figure)["a title"] == pytest.approx(style.LETTERS, abs=0.01)


def test_a_figure_with_more_pixels_per_inch_has_letters_as_large_on_a_page():
    figure = drawn(style.WIDEST, dpi=200, fontsize=style.LETTERS)
    assert not [problem for problem in figure_problems(figure) if "letters" in problem]


@pytest.mark.parametrize("path", paths.numbered_notebooks(), ids=lambda path: path.stem)
def test_no_cell_of_a_notebook_asks_for_small_letters(path):
    code = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code")
    assert min(map(float, TEXT_SIZES.findall(code)), default=style.LETTERS) >= style.LETTERS
    assert min(map(float, DPIS.findall(code)), default=style.DPI) >= style.DPI
    assert max(map(float, WIDTHS.findall(code)), default=0) <= style.WIDEST
