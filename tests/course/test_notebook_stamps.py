"""A notebook's stamp: moved imports keep it, another ledger, another method or wrong minutes do not."""

import importlib
import inspect
from dataclasses import replace

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_output
from tiny_notebooks import executed, tiny_notebook

import fashion_lib
from fashion_lib.core import paths
from fashion_lib.course import sources as notebook_sources
from fashion_lib.course.ledger_reads import LEDGER_READERS, ledger_digest
from fashion_lib.course.sources import problems, source_digest, stamp
from fashion_lib.methods import registry
from fashion_lib.methods.registry import METHODS
from fashion_lib.papers import ag_mlan_tables, grid, imagenet_start, ipad_tables, trials
from fashion_lib.papers.differences import difference_tables
from fashion_lib.runs import ledger, run_list

IMPORTS = """import fashion_lib as fl
from fashion_lib.papers import differences
from fashion_lib.papers.imagenet_start import imagenet_table
from fashion_lib.papers.ipad_tables import beside
from fashion_lib.runs import run_list
from fashion_lib.runs.run_list import collect_runs"""
READS = "import fashion_lib as fl\ndataset = 'wardrobe'\nrows = fl.results(dataset)"
OTHER = "was executed on another ledger or another set of methods: run `make notebooks`"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from fashion_lib.results import collect\nx = 1", "from fashion_lib.runs.ledger import collect\nx = 1"),
        ("import a\nimport b\n\nx = 1", "import c\n\nfrom d import (\n    e,\n    f,\n)\n\nx = 1"),
        ("import a; x = 1", "import b; x = 1"),
        ("import a; import b; x = 1", "x = 1"),
        ("import a, \\\n  b\nx = 'é'", "import c\nx = 'é'"),
        ("x = 'é'; import a", "x = 'é'; import b"),
        ("import a", "import b\nimport c"),
    ],
)
def test_a_moved_import_keeps_the_digest(before, after):
    assert source_digest(tiny_notebook(before)) == source_digest(tiny_notebook(after))
    assert source_digest(tiny_notebook(before), whole=True) != source_digest(tiny_notebook(after), whole=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import a\nx = 1", "import a\nx = 2"),
        ("import a\nx = 1", "import a\nx = 1  # why"),
        ("import a\nif x:\n    y = 1", "import a\nif x:\n  y = 1"),
        ("import a; x = 1", "import a; x = 2"),
        ("def f():\n    import a", "def f():\n    import b"),  # not at the top level
        ("%matplotlib inline\nimport a", "%matplotlib inline\nimport b"),  # Python cannot parse it
        ("x = 1\n\ny = 2", "x = 1\ny = 2"),
    ],
)
def test_any_other_edit_changes_the_digest(before, after):
    assert source_digest(tiny_notebook(before)) != source_digest(tiny_notebook(after))


def line(dataset, value=1.0, method="asen", seed=0, profile="laptop"):
    return [dataset, method, "v2", profile, seed, "map", "overall", value, 1.0, "abc1234"]


def write_ledger(project, *lines):
    for old in paths.ledger_dir().glob("*.csv"):
        old.unlink()
    ledger.write_ledger(pd.DataFrame(lines, columns=list(ledger.COLUMNS)))


def committed(project, *sources, commit="abc1234", minutes=1.0, profile="laptop"):
    path = project / "notebooks" / "01_tiny.ipynb"
    nbformat.write(stamp(executed(tiny_notebook(*sources)), profile, commit, minutes), path)
    return path


@pytest.mark.parametrize(
    ("source", "changed", "found"),
    [
        (READS, line("wardrobe", 2.0), True),  # another value
        (READS, line("wardrobe", seed=1), True),  # another run
        (READS, line("clothing", 2.0), False),  # a data set that it does not name
        (READS, line("wardrobe_manipulation", 2.0), False),
        (READS + "\nfrom fashion_lib.tasks.manipulation import x", line("wardrobe_manipulation", 2.0), True),
        (READS + "\nrows[rows.dataset == 'clothing']", line("clothing", 2.0), True),
        ("fl.results()", line("clothing", 2.0), True),  # it names no data set and reads them all
        ("fl.results('wardrobe_manipulation')", line("wardrobe_manipulation", 2.0), True),
        ("differences.table('all', 'wardrobe')", line("wardrobe_manipulation", 2.0), True),
        ("from x import read_ledger\nread_ledger(), 'wardrobe'", line("wardrobe", 2.0), True),
        ("dataset = 'wardrobe'", line("wardrobe", 2.0), False),  # it reads no ledger
        ("%time\nx", line("wardrobe", 2.0), False),
        (READS, line("wardrobe", profile="table"), True),  # it names no profile and reads them all
        ("fl.results('wardrobe', 'laptop')", line("wardrobe", profile="table"), False),
        ("fl.results('wardrobe', 'laptop')", line("wardrobe", 2.0), True),
        ("fl.results('wardrobe', profile='table')", line("wardrobe", profile="table"), True),
        ("p = 'laptop'\nfl.results('wardrobe')", line("wardrobe", profile="table"), True),  # it passes no profile
        ("p = 'laptop'\ncollect_runs('wardrobe', p)", line("wardrobe", profile="table"), False),
        ("imagenet_table(), 'laptop', 'wardrobe'", line("wardrobe", profile="table"), True),
        ("def measured(x):\n    pass\nmeasured('wardrobe')", line("wardrobe", 2.0), False),  # its own function
        ("lists = 'wardrobe'\nlists.table()", line("wardrobe", 2.0), False),  # a method of its own object
    ],
)
def test_a_ledger_that_changed_is_found_by_those_that_read_it(project, source, changed, found):
    before = [line(name) for name in ("wardrobe", "clothing", "wardrobe_manipulation")]
    write_ledger(project, *before)
    path = committed(project, IMPORTS, source)
    assert problems(path) == []
    kept = [row for row in before if row[:5] != changed[:5]]
    write_ledger(project, *kept, changed)
    assert problems(path) == ([f"01_tiny.ipynb {OTHER}"] if found else [])


def test_rows_in_another_order_are_the_same_ledger(project):
    write_ledger(project, line("wardrobe"), line("wardrobe", method="csn"))
    path = committed(project, READS)
    (paths.ledger_dir() / "wardrobe.asen.v2.csv").rename(paths.ledger_dir() / "zz.csv")
    assert problems(path) == []


@pytest.mark.parametrize("call", ["run_list.read_runs()", "run_list.collect_runs(dataset, 'laptop')", "beside(rows)"])
def test_the_list_of_runs_counts_where_it_is_read(project, call):
    write_ledger(project, line("wardrobe"))
    runs = paths.run_list_file()
    runs.write_text("dataset,method,profile\nwardrobe,asen,laptop\n")
    reader, other = tiny_notebook(IMPORTS, f"{READS}\n{call}"), tiny_notebook(READS)
    before = ledger_digest(reader), ledger_digest(other)
    runs.write_text("dataset,method,profile\nwardrobe,asen,laptop\nwardrobe,csn,laptop\n")
    assert ledger_digest(reader) != before[0] and ledger_digest(other) == before[1]


def test_another_set_of_methods_is_found(project, monkeypatch):
    write_ledger(project, line("wardrobe"))
    path = committed(project, READS)
    monkeypatch.setitem(registry._registered, "new", replace(METHODS["asen"], name="new"))
    assert problems(path) == [f"01_tiny.ipynb {OTHER}"]


def names_of(code):
    """The names that a function's code reads, its comprehensions and inner functions included."""
    inner = [part for part in code.co_consts if inspect.iscode(part)]
    return set(code.co_names).union(*map(names_of, inner))


def test_the_readers_of_the_ledger_are_those_of_the_library():
    """Whatever notebooks may call of these modules and reads ledger or runs, directly or through another function."""
    reading = {"collect", "read_ledger", "read_runs", "_all_rows"}
    traces = importlib.import_module("fashion_lib.runs.trace")
    modules = (ag_mlan_tables, difference_tables, grid, imagenet_start, ipad_tables, ledger, run_list, traces, trials)
    functions = {name: names_of(part.__code__) for module in modules
                 for name, part in inspect.getmembers(module, inspect.isfunction)
                 if part.__module__ == module.__name__}  # fmt: skip
    for _ in functions:  # a function may call one of a later module
        reading |= {name for name, called in functions.items() if called & reading}
    reading |= {name for name, place in fashion_lib._PUBLIC.items() if place.rpartition(":")[2] in reading}
    writing = {"write_ledger", "write_runs"}
    public = {name for name in reading if not name.startswith("_")} - writing
    assert public == set(LEDGER_READERS)


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("source_sha256", "was never executed"),
        ("ledger_sha256", OTHER),
        ("commit", "is stamped dirty"),
        ("minutes", "does not say how many minutes"),
    ],
)
def test_a_stamp_without_a_field_is_a_problem(project, missing, expected):
    path = committed(project, "1")
    notebook = notebook_sources.read(path)
    del notebook.metadata.fashion[missing]
    nbformat.write(notebook, path)
    (problem,) = problems(path)
    assert expected in problem


def test_a_dirty_stamp_is_a_problem(project):
    assert problems(committed(project, "1", commit="abc1234-dirty")) == [
        "01_tiny.ipynb is stamped dirty: commit the library, then run `make notebooks`"
    ]


def test_outputs_of_the_smoke_profile_or_of_no_known_commit_are_a_problem(project):
    assert problems(committed(project, "1", profile="smoke")) == [
        "01_tiny.ipynb was executed at profile smoke, whose numbers mean nothing: run `make notebooks`"
    ]
    (problem,) = problems(committed(project, "1", commit="unknown"))
    assert "of an unknown commit" in problem


def cleared(cells):
    for cell in cells:
        cell.update(outputs=[], execution_count=None)


def executed_once_more(cells):
    cells[-1].execution_count = 9


def swapped(cells):
    cells[0].execution_count, cells[1].execution_count = 2, 1


def edited(cells):
    cells[1].outputs[0].text = "MAP 99.9"


def removed(cells):
    cells[1].outputs = []


def redrawn(cells):
    cells[1].outputs[1].data["image/png"] = "b3RoZXI="


@pytest.mark.parametrize("change", [cleared, executed_once_more, swapped, edited, removed, redrawn])
def test_outputs_that_are_not_those_of_the_stamped_execution_are_a_problem(project, change):
    notebook = executed(tiny_notebook("1", "2"))
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    picture = new_output("display_data", data={"image/png": "aGk=", "text/plain": "a figure\nof two lines"})
    cells[1].outputs = [new_output("stream", text="MAP 41.2\nMAP 41.3\n"), picture]
    path = project / "notebooks" / "01_tiny.ipynb"
    nbformat.write(stamp(notebook, "laptop", "abc1234", 1.0), path)
    assert problems(path) == []
    notebook = notebook_sources.read(path)
    change([cell for cell in notebook.cells if cell.cell_type == "code"])
    nbformat.write(notebook, path)
    (problem,) = problems(path)
    assert "without outputs of one run" in problem or "outputs that changed after it was stamped" in problem


@pytest.mark.parametrize(
    ("stated", "taken", "fits"),
    [
        ("2", 2.0, True), ("2", 3.9, True), ("2", 4.1, False), ("2", 1.0, True), ("2", 0.9, False), ("2.5", 4.9, True),
        ("1", 0.01, True), ("1", 2.1, False), ("3", 0.01, False),
    ],
)  # fmt: skip
def test_stated_minutes_are_held_against_those_taken(project, stated, taken, fits):
    table = "| notebook | what | minutes | needs |\n|---|---|--:|---|\n"
    row = f"| [01 tiny](notebooks/01_tiny.ipynb) | a lesson of 9 things | {stated} | - |\n"
    (project / "README.md").write_text(table + row)
    expected = f"01_tiny.ipynb states {stated} minutes in the README but took {taken:.1f}: correct them there"
    assert problems(committed(project, "1", minutes=taken)) == ([] if fits else [expected])
    other = "01_tiny.ipynb was executed at profile paper, but names laptop: run `make notebooks`"
    assert problems(committed(project, "1", minutes=taken, profile="paper")) == [other]  # its minutes are of no matter
    (project / "README.md").unlink()
    path = committed(project, "1", minutes=taken)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += f"\n\n*Time:* about {stated} minutes on a laptop's CPU."
    nbformat.write(notebook, path)
    assert any("minutes in its first cell but took" in problem for problem in problems(path)) != fits


def test_the_readme_states_minutes_for_every_notebook():
    notebooks = paths.numbered_notebooks()
    assert notebooks
    assert [path.name for path in notebooks if not notebook_sources.stated_minutes(path.name)] == []
