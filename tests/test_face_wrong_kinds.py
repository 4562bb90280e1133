"""What a student mistakes for a model, a data set, a run or an answer gets one sentence that says what to give."""

import pytest
from tiny_data import TinyModel, tiny_data

import fashion_lib as fl
from fashion_lib.training.profiles import PROFILES, SMOKE

NOTHING = (3, "wardrobe", None, [], object())


class Given:
    """A run as far as figures look at it; no model and no data set."""

    def __init__(self):
        self.model, self.data, self.record, self.history = TinyModel(), tiny_data(), None, None


@pytest.mark.parametrize("wrong", [*NOTHING, Given()])
@pytest.mark.parametrize("call", [
    lambda wrong: fl.cost(wrong),
    lambda wrong: fl.evaluate(wrong, tiny_data()),
    lambda wrong: fl.search(wrong, tiny_data(), 3, "collar"),
])  # fmt: skip
def test_what_is_no_model_is_refused(call, wrong):
    with pytest.raises(fl.FashionError, match="is no model: .*run"):
        call(wrong)


@pytest.mark.parametrize("wrong", [*NOTHING, Given()])
@pytest.mark.parametrize("call", [
    lambda wrong: fl.evaluate(TinyModel(), wrong),
    lambda wrong: fl.search(TinyModel(), wrong, 3, "collar"),
    lambda wrong: fl.load_or_train("asen", wrong, profile="smoke"),
    lambda wrong: fl.load_or_train("amnet", wrong, profile="smoke"),
    lambda wrong: fl.protocol(wrong),
])  # fmt: skip
def test_what_is_no_data_set_is_refused(call, wrong, monkeypatch, tmp_path):
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path))
    monkeypatch.setattr("fashion_lib.data.sets.load_dataset", lambda name, profile: name)
    if wrong is None:
        wrong = ()  # None means: load it by its name
    with pytest.raises(fl.FashionError, match=r"is no data set: .*fl\.load_dataset"):
        call(wrong)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", NOTHING)
@pytest.mark.parametrize(("call", "words"), [
    (lambda wrong: fl.show.history(wrong), r"is no run: give what fl\.load_or_train"),
    (lambda wrong: fl.show.attention(wrong, [1], ["collar"]), r"is no run: give what fl\.load_or_train"),
    (lambda wrong: fl.show.gallery_board(wrong), r"is no answer of a search over a gallery: give what fl\.search"),
    (lambda wrong: fl.show.gallery_heat(wrong), r"is no answer of a search over a gallery: give what fl\.search"),
    (lambda wrong: fl.show.hits(wrong), r"is no answer of a search: give what run\.search"),
])  # fmt: skip
def test_what_is_no_run_or_answer_is_not_drawn(call, words, wrong):
    with pytest.raises(fl.FashionError, match=words):
        call(wrong)


@pytest.mark.parametrize("wrong", [3, None, [], 1.5, "smok"])
@pytest.mark.parametrize("call", [
    lambda wrong: fl.profile(wrong),
    lambda wrong: fl.load_dataset("wardrobe", wrong),
    lambda wrong: fl.load_or_train("asen", tiny_data(), profile=wrong),
    lambda wrong: fl.protocol(tiny_data(), wrong),
])  # fmt: skip
def test_what_is_no_profile_is_refused(call, wrong, monkeypatch):
    monkeypatch.delenv("FASHION_PROFILE", raising=False)
    with pytest.raises(fl.FashionError, match="there is no profile .*; choose one of smoke"):
        call(wrong)


def test_a_profile_is_taken_as_it_is(monkeypatch):
    from fashion_lib.training.profiles import as_profile

    monkeypatch.delenv("FASHION_PROFILE", raising=False)
    changed = SMOKE.with_options(steps=2)
    assert as_profile(changed) is changed and as_profile("laptop") is PROFILES["laptop"]


@pytest.mark.parametrize("seed", ["a", "0", -1, 1.5, None, True, 2**63])
def test_a_seed_that_is_none_is_refused_before_anything_is_made(seed, monkeypatch, tmp_path):
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path))
    with pytest.raises(fl.FashionError, match="is no whole number from 0"):
        fl.load_or_train("asen", tiny_data(), profile=SMOKE, seed=seed)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("setting", "value"), [
    ("image_size", "a"), ("wardrobe_images", "a"), ("wardrobe_seed", "0"), ("steps", "9"), ("steps", 2.5),
    ("margin", "0.2"), ("backbone", 18), ("shift", None), ("groups", True),
])  # fmt: skip
def test_a_setting_of_another_type_is_refused_where_it_is_written(setting, value):
    with pytest.raises(fl.FashionError, match=f"{setting}=.* is (not a |unknown).*: (write one|choose)"):
        SMOKE.with_options(**{setting: value})


@pytest.mark.parametrize("size", [0, -1, 31, 64.0, "64", True])
def test_a_cost_needs_a_side_in_pixels(size):
    with pytest.raises(fl.FashionError, match="is no side in pixels: give at least 32"):
        fl.cost(TinyModel(), size)


@pytest.mark.parametrize("folder", [3, None, [], "nope", "file.txt", "a\0b"])
def test_a_folder_that_is_none_is_refused(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.txt").write_text("")
    words = "there is no folder .*: give the folder that holds labels.csv|which is no path .*: name another folder"
    with pytest.raises(fl.FashionError, match=words):
        fl.load_folder(folder)


@pytest.mark.parametrize("files", [3, None, [], [3], object()])
def test_a_released_checkpoint_is_a_file(files):
    with pytest.raises(fl.FashionError, match="is no checkpoint: give the path of the authors' file"):
        fl.load_released("asen", files)


@pytest.mark.parametrize("rows", [3, None, 1.5, [[1, 2]], 0])
def test_a_paper_s_table_is_named_in_words(rows):
    with pytest.raises(fl.FashionError, match="is no table of IPAD's paper"):
        fl.papers.ipad.beside(rows)


@pytest.mark.parametrize("schema", NOTHING)
def test_a_model_needs_a_schema(schema):
    with pytest.raises(fl.FashionError, match=r"is no schema of attributes: .*data\.schema"):
        fl.build_model("asen", schema)


def test_wrong_rows_and_attributes_of_a_map_are_told_apart():
    run = Given()
    for arguments, words in [
        ({"rows": [0], "attributes": "collar"}, r"one text: give a list of names, as in \['collar'\]"),
        ({"rows": ["a"], "attributes": ["collar"]}, "no list of whole numbers"),
        ({"rows": 3, "attributes": ["collar"]}, "no list of whole numbers"),
        ({"rows": [1.5], "attributes": ["collar"]}, "no list of whole numbers"),
        ({"rows": [], "attributes": ["collar"]}, "at least one row"),
    ]:
        with pytest.raises(fl.FashionError, match=words):
            fl.show.attention(run, **arguments)


def test_a_number_of_no_method_cannot_be_traced():
    with pytest.raises(fl.FashionError, match="the results know no method 3"):
        fl.trace(3)


def test_data_sets_say_in_one_line_what_they_are():
    data = tiny_data()
    assert repr(data).startswith(f"RetrievalData {data.name}, edition") and "\n" not in repr(data)
    assert len(repr(data)) < 150


def test_figures_and_papers_list_only_what_a_reader_may_use():
    assert dir(fl.show) == sorted(fl.show.__all__) and dir(fl.papers) == ["ipad", "yao2026"]
    with pytest.raises(AttributeError, match="fashion_lib.show has no 'histroy': did you mean 'history'"):
        fl.show.histroy  # noqa: B018


def test_a_protocol_card_takes_the_name_of_a_data_set(capsys, monkeypatch):
    monkeypatch.setattr("fashion_lib.data.sets.load_dataset", lambda name, profile: tiny_data())
    fl.protocol("tiny", SMOKE)
    fl.protocol(tiny_data(), SMOKE)
    printed = capsys.readouterr().out
    assert printed[: len(printed) // 2] * 2 == printed and "Protocol card: " in printed
