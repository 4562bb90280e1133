"""What a student types: `import fashion_lib as fl`, and every name behind it."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tiny_data import SCHEMA, TinyModel, tiny_data

import fashion_lib as fl
from fashion_lib.cli import main
from fashion_lib.data import sets
from fashion_lib.data.sets import REAL
from fashion_lib.training.profiles import SMOKE

SETTINGS = SMOKE.with_options(steps=2, image_size=32, wardrobe_images=1_200, batch_size=16)


def test_the_import_costs_nothing():
    code = (
        "import sys, fashion_lib as fl; assert 'load_or_train' in dir(fl) and fl.__version__ and fl.FashionError;"
        "loaded = {'torch', 'pandas', 'numpy', 'matplotlib', 'typer'} & set(sys.modules); assert not loaded, loaded"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_every_public_name_is_there_and_the_face_stays_small():
    assert len(fl.__all__) == len(set(fl.__all__)) <= 31
    assert dir(fl) == sorted(fl.__all__)
    for name in fl.__all__:
        assert getattr(fl, name) is not None
        assert name == "__version__" or getattr(fl, name).__doc__


def test_a_name_that_is_not_there_gets_the_nearest():
    with pytest.raises(AttributeError, match="no 'load_datset': did you mean 'load_dataset'"):
        fl.load_datset  # noqa: B018
    with pytest.raises(AttributeError, match="papers are ipad, yao2026"):
        fl.papers.ipda  # noqa: B018


def test_methods_stays_callable_whatever_was_imported_before():
    import fashion_lib.methods.asen  # noqa: F401  (puts the package in the face's place)

    table = fl.methods(task="retrieval")
    assert list(table.index[:4]) == ["random", "triplet", "csn", "asen"]
    assert table.loc["asen", "parameters"] == "799,392" and float(table.loc["asen", "minutes"]) > 0
    assert set(fl.methods("manipulation").index) == {"image_only", "amnet", "adde_m", "yao2026"}
    assert len(fl.methods()) == len(table) + 4
    with pytest.raises(fl.FashionError, match="no task 'retrival': did you mean 'retrieval'"):
        fl.methods("retrival")


def test_data_sets_with_licence_and_how_to_get_them(project):
    table = fl.datasets()
    drawn = ["wardrobe", "wardrobe_darn", "wardrobe_deepfashion", "clothing"]
    assert list(table.index) == [*drawn, *REAL]
    assert table.loc[list(REAL), "how to get it"].str.startswith("not here: ").all()
    assert table.loc["clothing", "licence"].startswith("CC0")
    assert "download clothing" in table.loc["clothing", "how to get it"]


@pytest.mark.parametrize("ask", [lambda: fl.load_or_train("asne", tiny_data()), lambda: fl.read("asne")])
def test_method_typos_get_the_suggestion(ask):
    with pytest.raises(fl.FashionError, match="no method 'asne': did you mean 'asen'"):
        ask()


def test_the_registry_itself_suggests_and_is_still_a_mapping():
    from fashion_lib.methods.registry import METHODS

    with pytest.raises(fl.FashionError) as caught:  # as notebook 05 asks
        METHODS["asne"]
    assert str(caught.value) == "there is no method 'asne': did you mean 'asen'?"
    assert "asne" not in METHODS and METHODS.get("asne") is None


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASHION_RUNS", str(tmp_path_factory.mktemp("runs")))
        data = fl.load_dataset("wardrobe", SETTINGS)
        yield fl.load_or_train("asen", data, profile=SETTINGS, seed=0, progress=False)


@pytest.mark.slow
def test_a_run_says_its_scores(run):
    assert run.score("map") == run.record.metrics["map"]["overall"] == run.score()
    assert run.score("map", "sleeve_length") == run.record.metrics["map"]["sleeve_length"]
    with pytest.raises(fl.FashionError, match="no score 'mpa': did you mean 'map'"):
        run.score("mpa")
    with pytest.raises(fl.FashionError, match="no 'coat_lenght': did you mean 'coat_length'"):
        run.score("map", "coat_lenght")


def test_cost_counts_what_the_model_does(run):
    cost = run.cost()
    assert cost["parameters"] == sum(p.numel() for p in run.model.parameters())
    assert cost["backbone passes in training"] == 2 * 16
    assert cost["10^9 operations per image and attribute"] > 0
    # Twice the side is four times the positions: nearly all operations are convolutions.
    small, large = (fl.cost(run.model, side)["10^9 operations per image and attribute"] for side in (32, 64))
    assert 3.5 < large / small < 4.1
    assert list(fl.cost(run.model).index) == ["parameters", "embedding size", "backbone passes per image"]


def test_search_ranks_the_candidates_as_the_evaluation_does(run):
    from fashion_lib.tasks.retrieval.metrics import average_precision

    data, name = run.data, "sleeve_length"
    queries = data.encoded("test", "query").of(data.schema.index(name))
    precisions = []
    for row, value in zip(queries.image, queries.value, strict=True):
        hits = run.search(row, name)
        assert hits.wanted == data.schema.attribute(name).values[value]
        assert (np.diff(hits.similarity) <= 1e-6).all() and row not in hits.rows
        precisions.append(average_precision(hits.correct[None])[0])
    assert 100 * np.mean(precisions) == pytest.approx(run.score("map", name), abs=1e-9)
    assert list(hits.table().columns) == ["row", "image", "similarity", "value", "correct"]


@pytest.mark.parametrize(("arguments", "words"), [
    ({"row": 12, "attribute": "sleeve"}, "'sleeve' is not in the schema"),
    ({"row": 12, "attribute": "sleeve_length", "split": "tset"}, "no split 'tset': did you mean 'test'"),
    ({"row": 10**6, "attribute": "sleeve_length"}, "1000000 is not in the data set"),
    ({"row": -1, "attribute": "sleeve_length"}, "-1 is not in the data set"),
    ({"row": 1.5, "attribute": "sleeve_length"}, "1.5 is no whole number"),
    ({"row": "12", "attribute": "sleeve_length"}, "'12' is no whole number"),
])  # fmt: skip
def test_a_search_that_cannot_be_says_why(run, arguments, words):
    with pytest.raises(fl.FashionError, match=words):
        run.search(**arguments)


def test_a_picture_without_that_label_is_answered_but_not_judged():
    data = tiny_data()
    row = next(i for i in range(60) if i % 5 >= 3)  # has no collar
    hits = fl.search(TinyModel(), data, row, "collar")
    assert hits.wanted == "" and not hits.correct.any() and len(hits.rows)
    assert fl.show.hits(hits).axes


def test_figures_of_a_run(run):
    from fashion_lib.tasks.retrieval.explain import attention

    row = int(run.data.encoded("test", "query").of(run.data.schema.index("sleeve_length")).image[0])
    assert len(fl.show.hits(run.search(row, "sleeve_length"), top=5).axes) == 1 + 1 + 5
    assert len(fl.show.history(run).axes) == 3
    figure = fl.show.attention(run, rows=[3, 7], attributes=["collar_design", "sleeve_length"])
    assert len(figure.axes) == 2 * (1 + 2 + 1)
    assert callable(attention)
    for arguments, words in [
        ({"rows": [3], "attributes": ["collar"]}, "'collar' is not in the schema"),
        ({"rows": [10**6], "attributes": ["sleeve_length"]}, "not in the data set"),
        ({"rows": [], "attributes": ["sleeve_length"]}, "at least one row"),
        ({"rows": [3], "attributes": ["sleeve_length"], "map_name": "spatail"}, "no map 'spatail'"),
    ]:
        with pytest.raises(fl.FashionError, match=words):
            fl.show.attention(run, **arguments)


def test_reading_order_puts_pieces_first(capsys):
    from fashion_lib.methods.reading import reading_order
    from fashion_lib.methods.registry import METHODS

    for name in METHODS:
        files = [file.stem for file in reading_order(name)]
        assert len(set(files)) == len(files) and "base" in files and "registry" not in files
    order = [file.stem for file in reading_order("asen")]
    assert order[-1] == "asen" and order.index("attention") < order.index("asen")
    fl.read("asen")
    printed = capsys.readouterr().out
    assert "6 of 6: fashion_lib/methods/asen.py, 93 lines" in printed or "fashion_lib/methods/asen.py" in printed
    assert "class ASEN(RetrievalModel)" in printed and "class SpatialAttention" in printed


@pytest.mark.slow
def test_a_paper_by_the_name_of_its_figure():
    from fashion_lib.papers import ipad_tables

    by_name = fl.papers.ipad.beside("fig3")
    pd.testing.assert_frame_equal(by_name, ipad_tables.beside(ipad_tables.FIGURES["fig3"], "fig3"))
    by_name = fl.papers.ipad.beside("table2")
    pd.testing.assert_frame_equal(by_name, ipad_tables.beside(ipad_tables.METHOD_ROWS, "2", where="darn"))
    with pytest.raises(fl.FashionError, match="no 'fig33' of runs: did you mean 'fig3'"):
        fl.papers.ipad.beside("fig33")


@pytest.fixture
def mine(tmp_path):
    """A user's folder: labels.csv, schema.json and the pictures."""
    folder = tmp_path / "mine"
    folder.mkdir()
    data = tiny_data()
    data.labels.to_csv(folder / "labels.csv", index=False)
    (folder / "schema.json").write_text(json.dumps(SCHEMA.to_json()))
    for name, picture in zip(data.image_names, data.pixels, strict=True):
        Image.fromarray(picture).save(folder / name)
    return folder


@pytest.mark.slow
def test_an_own_folder_has_a_name_everywhere(mine, project, capsys):
    data = fl.load_folder(mine, profile="smoke")
    assert data.name == "mine" and data.image_size == 64
    assert "mine" in fl.datasets().index
    assert fl.load_dataset("mine", "smoke").version == data.version
    assert main(["protocol", "mine", "--profile", "smoke"]) == 0
    assert "mine" in capsys.readouterr().out
    assert main(["results", "--dataset", "mine"]) == 0
    # A notebook's kernel is a fresh process in another folder.
    code = "import fashion_lib as fl; print(fl.load_dataset('mine', 'smoke').image_size)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip().endswith("64")
    before = (project / "datasets.toml").read_bytes()
    fl.load_folder(mine, profile="smoke")
    assert (project / "datasets.toml").read_bytes() == before
    fl.load_folder(mine, "mine-too", profile="smoke")
    assert list(sets.own_folders()) == ["mine", "mine-too"]
    with pytest.raises(fl.FashionError, match="no data set 'mime': did you mean 'mine'"):
        fl.load_dataset("mime", "smoke")


@pytest.mark.parametrize("name", [
    "wardrobe", "clothing", "x_manipulation", "", ".", "..", "a/b", "a\\b", "A", "a b", "a\n", "*", "é", "-a", "a" * 41,
    3,
])  # fmt: skip
def test_reserved_and_malformed_names_are_refused(name, mine, project):
    with pytest.raises(fl.FashionError, match="reserved|cannot name"):
        fl.load_folder(mine, name, profile="smoke")
    assert not (project / "datasets.toml").exists()


def test_one_name_is_one_folder(mine, project, tmp_path):
    fl.load_folder(mine, profile="smoke")
    other = mine.rename(tmp_path / "moved")
    with pytest.raises(fl.FashionError, match="not there: put it back"):
        fl.load_dataset("mine", "smoke")
    with pytest.raises(fl.FashionError, match="belongs to the folder"):
        fl.load_folder(other, "mine", profile="smoke")
    assert fl.load_folder(other, "mine", profile="smoke", remember=False).name == "mine"


@pytest.mark.parametrize("text", [
    "[mine", "mine = 3\n", '[mine]\nfolder = 3\n', '[mine]\nfolder = "x"\nmore = 1\n', '["../x"]\nfolder = "x"\n',
    '[wardrobe]\nfolder = "x"\n', "a = " + "[" * 9999, "a = " + "9" * 5000, b"\xff\xfe",
], ids=range(9))  # fmt: skip
def test_a_damaged_list_of_names_is_one_sentence(text, project, capsys):
    (project / "datasets.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert main(["protocol", "mine"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["methods"]) == 0


def test_a_notebook_is_set_up_in_one_call(monkeypatch):
    style = pytest.importorskip("fashion_lib.show.style")
    called = []
    monkeypatch.setattr(style, "pictures_as_jpeg", lambda: called.append(True))
    fl.notebook()
    assert called == [True]


def test_the_reserved_ending_is_that_of_manipulation():
    from fashion_lib.tasks.manipulation.manipulation_data import SUFFIX

    assert sets.DERIVED == SUFFIX  # written twice, since data sets know no task
