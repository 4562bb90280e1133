"""A record whose cells would make the ledger unreadable is refused when it is read and when it is saved."""

import json
from dataclasses import asdict

import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute
from fashion_lib.runs import ledger, run_list
from fashion_lib.runs.record import RunRecord

BROKEN = ["a\nb", "a\rb", "a\0b", "a\u2028b", "a\x85b", "a\x1bb"]


def _record(**changed):
    told = {"method": "asen", "variant": "v2", "dataset": "own", "profile": "smoke", "seed": 0, "minutes": 1.0}
    return RunRecord(**told | {"metrics": {"map": {"collar": 50.0}}, "config": {"data_version": "1+abc"}} | changed)


BAD = {
    **{f"commit {text!r}": {"commit": text} for text in BROKEN},
    **{f"{name} {BROKEN[0]!r}": {name: BROKEN[0]} for name in ("hardware", "created", "precision", "start")},
    **{f"attribute {text!r}": {"metrics": {"map": {text: 1.0}}} for text in (*BROKEN, " a", "a ", "")},
    **{f"metric {text!r}": {"metrics": {text: {"a": 1.0}}} for text in (*BROKEN, " a", "")},
    **{f"measured {text!r}": {"localisation": {"pointing": {text: 1.0}}} for text in (BROKEN[0], "")},
    **{f"count {number}": {"counts": {"queries": {"a": number}}} for number in (-1, 10**18)},
    **{f"version {value!r}": {"config": {"data_version": value}} for value in (3, None, ["1"], {}, BROKEN[0])},
    **{f"passes {value!r}": {"config": {"training_image_passes": value}} for value in (-1, "x", 1.5, True, 10**18)},
}


@pytest.mark.parametrize("kind", BAD)
def test_a_cell_that_no_table_can_hold_is_refused(kind, tmp_path):
    record = _record(**BAD[kind])
    with pytest.raises(FashionError, match="is wrong"):
        record.save(tmp_path / "result.json")
    assert not (tmp_path / "result.json").exists()
    (tmp_path / "result.json").write_text(json.dumps(asdict(record)))
    with pytest.raises(FashionError, match="cannot be read"):
        RunRecord.load(tmp_path / "result.json")


@pytest.mark.parametrize("name", ["a,b", 'a"b', "$a$", "<b>", "a|b", "nan", "é", "None", "#a", "-1", "1"])
def test_what_is_accepted_comes_back_from_the_ledger(name, tmp_path):
    record = _record(metrics={"map": {name: 12.5}}, hardware=name, commit=name)
    record.save(tmp_path / "result.json")
    (tmp_path / "results").mkdir()
    ledger.write_ledger(ledger.rows(record), tmp_path / "results")
    (row,) = ledger.read_ledger(tmp_path / "results").itertuples()
    assert (row.attribute, row.value, row.commit) == (name, 12.5, name)
    run_list.write_runs([record], tmp_path / "runs.csv")
    assert run_list.read_runs(tmp_path / "runs.csv")["hardware"].tolist() == [name]


@pytest.mark.parametrize("config", [{}, {"training_image_passes": ""}, {"training_image_passes": 0}])
def test_a_record_without_image_passes_is_still_read(config, tmp_path):
    record = _record(config=config)
    assert RunRecord.load(record.save(tmp_path / "result.json")) == record


@pytest.mark.parametrize("text", BROKEN)
def test_an_attribute_or_value_of_several_lines_is_refused(text):
    for name, values in ((text, ("s", "l")), ("length", ("s", text))):
        with pytest.raises(FashionError, match="one line of text"):
            Attribute(name, values)
