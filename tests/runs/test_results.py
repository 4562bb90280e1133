import json
import os

import pandas as pd
import pytest

from fashion_lib.core import paths, provenance
from fashion_lib.core.errors import FashionError
from fashion_lib.runs.ledger import COLUMNS, collect, committed_rows, read_ledger, rows, to_csv, write_ledger
from fashion_lib.runs.record import RECORD_NAME, RunRecord, run_dir, variant_label
from fashion_lib.runs.run_list import COLUMNS as RUN_COLUMNS
from fashion_lib.runs.run_list import read_runs, write_runs


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    monkeypatch.setattr(paths, "runs_dir", lambda: tmp_path / "runs")
    monkeypatch.setattr(paths, "ledger_dir", lambda: tmp_path / "ledger")
    monkeypatch.setattr(paths, "run_list_file", lambda: tmp_path / "runs.csv")
    (tmp_path / "ledger").mkdir()


def record(seed=0, overall=50.0, **changes) -> RunRecord:
    settings = {"method": "asen", "variant": "v2", "dataset": "wardrobe", "profile": "smoke", "seed": seed,
                "metrics": {"map": {"collar": 40.0, "overall": overall}}, "minutes": 0.1234, "commit": "abc1234",
                "localisation": {"pointing": {"collar": 0.5}}}
    return RunRecord(**(settings | changes))


def test_a_record_comes_back_as_it_was(tmp_path):
    original = record(config={"steps": 3})
    path = original.save(tmp_path / "deep" / "result.json")
    assert RunRecord.load(path) == original
    assert original.versions["torch"] and "cores" in original.hardware and original.created.endswith("+00:00")
    assert [p.name for p in path.parent.iterdir()] == ["result.json"]


@pytest.mark.parametrize("damage", [lambda text: text[: len(text) // 2], lambda text: "[1]", lambda text: "",
                                    lambda text: text.replace('"seed"', '"sead"')])
def test_a_damaged_record_names_its_file(tmp_path, damage):
    path = record().save(tmp_path / "result.json")
    path.write_text(damage(path.read_text()))
    with pytest.raises(FashionError, match=r"result\.json cannot be read"):
        RunRecord.load(path)


def test_a_failed_write_keeps_the_old_record_and_leaves_nothing_behind(tmp_path, monkeypatch):
    path = record(seed=0).save(tmp_path / "result.json")
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FashionError, match="No space left on device"):
        record(seed=1).save(path)
    assert path.read_bytes() == before and len(list(tmp_path.glob("*.json*"))) == 1
    assert not list(tmp_path.glob("tmp*"))


def test_a_diverged_run_is_not_saved(tmp_path):
    with pytest.raises(FashionError, match=r"map of overall is nan in the run asen\.v2 seed 0"):
        record(overall=float("nan")).save(tmp_path / "result.json")
    assert not (tmp_path / "result.json").exists()


def test_ledger_rows_have_the_printed_columns():
    table = rows(record())
    header, first, *_ = to_csv(table).splitlines()
    assert header == "dataset,method,variant,profile,seed,metric,attribute,value,minutes,commit"
    assert first == "wardrobe,asen,v2,smoke,0,map,collar,40.0,0.12,abc1234"
    assert list(table.metric) == ["map", "map", "pointing"]


def test_the_ledger_replaces_equal_keys_and_keeps_the_rest():
    write_ledger(pd.concat([rows(record(seed=0)), rows(record(seed=1)), rows(record(dataset="clothing"))]))
    files = write_ledger(rows(record(seed=1, overall=61.0)))
    assert [f.name for f in files] == ["wardrobe.asen.v2.csv"]
    table = read_ledger()
    assert tuple(table.columns) == COLUMNS and len(table) == 9
    overall = table[(table.dataset == "wardrobe") & (table.attribute == "overall")]
    assert dict(zip(overall.seed, overall.value, strict=True)) == {0: 50.0, 1: 61.0}
    before = files[0].read_text()
    write_ledger(rows(record(seed=1, overall=61.0)))
    assert files[0].read_text() == before


def test_an_empty_ledger_is_a_table_without_rows():
    assert tuple(read_ledger().columns) == COLUMNS and read_ledger().empty
    assert collect().empty


@pytest.mark.parametrize(("line", "words"), [
    ("wardrobe,asen,v2,smoke,0,map,collar,41.0,0.1,abc", "line 3 of .*repeats an earlier row"),
    ("wardrobe,asen,v2,smoke,0,map,hem,41.0,0.1", "line 3 of .* 9 columns"),
    ("wardrobe,asen,v2,smoke,0,map,hem,many,0.1,abc", "line 3 of .*'many' as its value"),
    ("wardrobe,asen,v2,smoke,0.5,map,hem,1,0.1,abc", "line 3 of .*'0.5' as its seed"),
    ("wardrobe,asen,v2,smoke,0,map,hem,inf,0.1,abc", "line 3 of .*'inf' as its value"),
])
def test_a_bad_ledger_row_is_named(line, words):
    path = paths.ledger_dir() / "wardrobe.csv"
    path.write_text(",".join(COLUMNS) + "\nwardrobe,asen,v2,smoke,0,map,collar,40.0,0.1,abc\n" + line + "\n")
    with pytest.raises(FashionError, match=words):
        read_ledger()


def test_a_local_run_wins_over_the_ledger():
    write_ledger(pd.concat([rows(record(seed=0)), rows(record(seed=1)), rows(record(profile="laptop"))]))
    local = record(seed=1, overall=70.0, commit="def")
    local.save(run_dir("wardrobe", "smoke", "asen", "v2", 1) / RECORD_NAME)
    table = collect(dataset="wardrobe", profile="smoke")
    assert set(table.profile) == {"smoke"} and len(table) == 6
    assert set(table[table.seed == 0].source) == {"ledger"} and set(table[table.seed == 1].source) == {"runs"}
    assert table[(table.seed == 1) & (table.attribute == "overall")].value.item() == 70.0
    assert len(collect()) == 9


def test_tables_can_show_the_ledger_alone(monkeypatch):
    write_ledger(rows(record(seed=0)))
    record(seed=0, overall=70.0).save(run_dir("wardrobe", "smoke", "asen", "v2", 0) / RECORD_NAME)
    record(seed=1).save(run_dir("wardrobe", "smoke", "asen", "v2", 1) / RECORD_NAME)
    assert set(collect().source) == {"runs"}
    monkeypatch.setenv(paths.LEDGER_ALONE, "1")
    assert set(collect().source) == {"ledger"} and set(collect().seed) == {0}


def test_a_new_run_keeps_no_number_of_the_run_that_it_replaces():
    write_ledger(rows(record(seed=0)))
    assert set(read_ledger()["attribute"]) > {"collar"}
    less = rows(record(seed=0, overall=61.0))
    less = less[less["attribute"] == "overall"]
    write_ledger(less)
    assert read_ledger()["attribute"].tolist() == ["overall"] and read_ledger()["value"].tolist() == [61.0]


def test_rows_of_other_data_are_not_among_the_committed_ones():
    old, new = record(seed=0), record(seed=1)
    old.config["data_version"], new.config["data_version"] = "1", "2"
    old.created, new.created = "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"
    write_ledger(pd.concat([rows(old), rows(new)]))
    write_runs([old, new])
    assert set(read_ledger()["seed"]) == {0, 1} and set(committed_rows()["seed"]) == {1}


def test_where_runs_lie():
    folder = run_dir("wardrobe", "smoke", "asen", variant_label("v2", start="reconstruction"), 3)
    assert folder.relative_to(paths.runs_dir()).as_posix() == "wardrobe/smoke/asen.v2+start=reconstruction/seed3"


def test_the_commit_is_unknown_outside_git(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "fashion_lib" / "core" / "provenance.py"))
    assert provenance.commit.__wrapped__() == "unknown"
    json.dumps(provenance.versions())


def test_the_run_list_holds_one_line_a_run_and_replaces_it(tmp_path):
    file = tmp_path / "runs.csv"
    counts = {"queries": {"collar": 3, "colour": 4}, "candidates": {"collar": 9, "colour": 10}}
    made = {"counts": counts, "precision": "bf16", "config": {"training_image_passes": 640}}
    write_runs([record(seed=1, **made), record(seed=0, commit="old0000", **made)], file)
    write_runs([record(seed=0, commit="new0000", **made)], file)
    listed = read_runs(file)
    assert list(listed.columns) == list(RUN_COLUMNS)
    assert list(listed.seed) == [0, 1] and list(listed.commit) == ["new0000", "abc1234"]
    assert list(listed.queries) == [7, 7] and list(listed.candidates) == [19, 19]
    assert set(listed.training_image_passes) == {640} and set(listed.hardware) == {provenance.hardware()}
