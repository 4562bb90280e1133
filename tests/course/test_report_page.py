"""Paired differences by hand, and a report page that needs no network."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from fashion_lib.core import paths
from fashion_lib.course import report_figures, report_page
from fashion_lib.course.offline_pages import formula, offline_page
from fashion_lib.course.paired_differences import (
    compared_with,
    difference_matrix,
    differences,
)
from fashion_lib.runs import ledger
from fashion_lib.runs.record import RECORD_NAME, RunRecord, run_dir

SCORES = {
    ("random", "default"): {0: 20.0, 1: 22.0},
    ("triplet", "default"): {0: 40.0, 1: 50.0, 2: 60.0},
    ("asen", "v2"): {0: 45.0, 1: 56.0, 3: 70.0},
    ("asen", "v2+channel=False"): {0: 44.0, 1: 54.0},
}
ROWS = list(SCORES)


def record(row, seed, value):
    metrics = {"map": {"overall": value, "macro": value, "local": value}}
    return RunRecord(*row, "wardrobe", "smoke", seed, metrics, 2.0, parameters=1234, commit="abc1234",
                     config={"training_image_passes": 640, "data_version": "3+aa"})  # fmt: skip


@pytest.fixture
def values():
    records = [record(row, seed, value) for row, seeds in SCORES.items() for seed, value in seeds.items()]
    return pd.concat([ledger.rows(one) for one in records], ignore_index=True)


@dataclass(frozen=True)
class Planned:
    """Hold what the page reads of a planned run."""

    record: Path
    label: str

    @property
    def finished(self) -> bool:
        return self.record.is_file()


def planned(row, seed):
    return Planned(run_dir("wardrobe", "smoke", *row, seed) / RECORD_NAME, f"{'.'.join(row)}.seed{seed}")


def test_a_row_with_options_is_compared_with_its_plain_variant():
    assert compared_with(("asen", "v2+channel=False"), ROWS) == ("asen", "v2")
    assert compared_with(("asen", "v2+channel=False"), ROWS[:2] + ROWS[3:]) == ("triplet", "default")
    assert compared_with(("asen", "v2"), ROWS) == ("triplet", "default")
    assert compared_with(("triplet", "default"), ROWS) is None
    assert compared_with(("random", "default"), ROWS) == ("triplet", "default")
    assert compared_with(("random", "default"), ROWS[:1]) is None


def test_differences_of_a_table_and_of_every_pair(values):
    table = differences(values, ROWS, "map")
    assert table["difference"].tolist() == [
        "-24.0 ± 5.7 (2)",
        "reference",
        "+5.5 ± 0.7 (2)",
        "-1.5 ± 0.7 (2)",
    ]
    assert table["compared with"].tolist() == ["triplet.default", "", "triplet.default", "asen.v2"]
    matrix = difference_matrix(values, ROWS[1:3], "map")
    assert matrix.loc["asen.v2", "triplet.default"] == "+5.5 ± 0.7 (2)"
    assert matrix.loc["triplet.default", "asen.v2"] == "-5.5 ± 0.7 (2)"
    assert matrix.loc["asen.v2", "asen.v2"] == ""


class Loaded(HTMLParser):
    """The addresses that a page loads by itself; a link to another site is followed by a reader alone."""

    def __init__(self, page):
        super().__init__()
        self.addresses = re.findall(r"url\(([^)]*)\)|@import\s+([^;]*)|import\(([^)]*)\)", page)
        self.addresses = ["".join(parts).strip("\"' ") for parts in self.addresses]
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.addresses += [
            value for name, value in attributes if name == "src" or (tag, name) == ("link", "href")
        ]


def without_network(page):
    return not [address for address in Loaded(page).addresses if not address.startswith(("data:", "#"))]


def test_the_page_holds_results_cost_origin_and_what_is_missing(project):
    for row, seeds in SCORES.items():
        for seed, value in seeds.items():
            record(row, seed, value).save(planned(row, seed).record)
    runs = [planned(row, seed) for row in ROWS for seed in range(4)]
    missing = [("asen.v2.seed2", "failed", "error: <b>no</b> space" + " x" * 60)]
    file = report_page.write(
        paths.made(project / "out"), runs, "wardrobe & more", unfinished=missing, minutes=12.0
    )
    page = file.read_text()
    assert without_network(page)
    assert "wardrobe &amp; more" in page and "; 12.0 minutes in this call." in page
    assert "wardrobe: MAP in percent" in page and "50.0 ± 10.0" in page
    assert "+5.5 ± 0.7 (2)" in page and "the method of the row minus that of the column" in page
    assert "1 of 16 planned runs are not finished" in page and "error: &lt;b&gt;no&lt;/b&gt; space" + " x" * 60 in page
    assert "1,234" in page and "640" in page and "Together: 20.0 minutes." in page
    assert page.count("abc1234") == 10 and "3+aa" in page
    assert "<mfrac>" in page and "<h2>Training</h2>\n<p>none</p>" in page


def test_a_page_without_any_finished_run(project):
    page = report_page.write(paths.made(project / "out"), [planned(ROWS[0], 0)], "x").read_text()
    assert page.count("No run is finished.") == 2


def test_curves_come_from_the_history_beside_the_checkpoint(project):
    one = record(("asen", "v2"), 0, 45.0)
    assert report_figures.history_entries(one) == [] and list(report_figures.curves([one])) == []
    folder = paths.made(run_dir("wardrobe", "smoke", "asen", "v2", 0))
    entries = [{"step": k, "loss": 0.2, "active_triplets": 0.9, "valid_map": None} for k in (1, 2, 3)]
    (folder / "last.json").write_text(
        f'{{"history": {{"entries": {entries}}}}}'.replace("'", '"').replace("None", "null")
    )
    (figure,) = report_figures.curves([one])
    assert "Training of asen v2 seed 0" in figure and "data:image/png;base64," in figure
    (folder / "last.json").write_text("{")
    assert report_figures.history_entries(one) == []


def test_formulas_are_drawn_by_the_browser_alone():
    assert formula(r"\frac{1}{N}").startswith("<math") and "<mfrac>" in formula(r"\frac{1}{N}")
    assert 'display="block"' in formula("x", "block")
    broken = formula(r"\frac{1}{")
    assert broken.startswith(("<math", "<code>"))


def test_an_executed_notebook_becomes_a_page_without_network(tmp_path):
    cells = [
        nbformat.v4.new_markdown_cell("Inline $a_k < b$ and\n\n$$\\sum_k \\tfrac{1}{2} x_k$$\n\n[a link](https://example.org)"),
        nbformat.v4.new_code_cell("x = '$5 and $6'"),
    ]  # fmt: skip
    file = tmp_path / "00_x.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), file)
    page = offline_page(file).read_text()
    assert page.count("<math") == 2 and "$$" not in page and without_network(page)
    assert "mathjax" not in page.lower() and "cdnjs" not in page
    stamp = file.with_suffix(".html").stat().st_mtime_ns
    assert offline_page(file).stat().st_mtime_ns == stamp  # made once
