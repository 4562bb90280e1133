"""Your own folder: every fault of the table is named at once, in each form that people write."""

import json

import pytest
from check_layouts import LAYOUTS, jpeg, write

from fashion_lib.core.errors import FashionError
from fashion_lib.data.checks.examination import examine_folder
from fashion_lib.data.sets import load_own_folder
from fashion_lib.tasks.retrieval.metrics import random_average_precision

WHOLE = LAYOUTS["own long"][1]["labels.csv"].decode().splitlines()


def examined(folder, rows, schema=None, pictures=()):
    (folder / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    if schema:
        (folder / "schema.json").write_text(json.dumps(schema))
    for name in pictures:
        (folder / name).write_bytes(jpeg(len(name)))
    return examine_folder("mine", folder, random_average_precision, pictures="none")


def said(done, severity="error"):
    return {(f.line, f.what) for f in done.findings if f.severity == severity}


def test_all_faults_of_a_whole_table_are_found_at_once(tmp_path):
    write("own long", tmp_path)
    rows = [*WHOLE]
    rows[1] = "coats/00.jpg,trian,train,neck,round"
    rows[2] = "coats/01.jpg,train,query,neck,v"
    rows[3] = "coats/02.jpg,train,train,nek,round"
    rows[4] = "coats/03.jpg,train,train,neck,vee"
    rows[5] = "coats/04.jpg,train,train,neck"
    rows[6] = "coats/05.jpg,train,train,,v"
    rows[7] = "coats/99.jpg,train,train,neck,round"
    rows[9] = rows[10]
    rows[11] = rows[11].replace(",valid", ",test")
    rows.append(rows[11].replace("test", "valid"))
    done = examined(tmp_path, rows)
    assert not done.good
    assert said(done) == {
        (2, "there is no split 'trian': train, valid, test"),
        (3, "the role 'query' does not go with 'train': train"),
        (4, "there is no attribute 'nek' in the schema: neck"),
        (5, "'vee' is not a value of 'neck' in the schema"),
        (6, "4 cells for 5 columns"),
        (7, "a cell is empty"),
        (8, "not here: 1 of its 16 pictures (6.2%), such as 'coats/99.jpg'"),
        (11, "'coats/09.jpg' has a row for 'neck' already, line 10"),
        (18, "'coats/10.jpg' is also in 'test': an image may be in one split only"),
    }


GOOD = {
    "wide": [
        "file,sleeve,neck",
        *(f"{i}.jpg,{['long', 'short'][i % 2]},{['v', 'round'][i // 4 % 2]}" for i in range(16)),
    ],
    "semicolons": ["File;sleeve", *(f"{i}.jpg;{['long', 'short'][i % 2]}" for i in range(16))],
    "tabs": ["sleeve\timage", *(f"{['long', 'short'][i % 2]}\t{i}.jpg" for i in range(16))],
    "long": ["value,file,attribute", *(f"{['long', 'short'][i % 2]},{i}.jpg,sleeve" for i in range(16))],
    "group and split": [
        "file,group,split,sleeve",
        *(
            f"{i}.jpg,g{i // 2},{['train', 'valid', 'test'][i // 2 % 3]},{['long', 'short'][i % 2]}"
            for i in range(16)
        ),
    ],
    "quotation marks": ["file,sleeve", *(f'"{i}.jpg","{("a, b", "short")[i % 2]}"' for i in range(16))],
}


@pytest.mark.parametrize("form", GOOD)
def test_every_form_of_table_is_read(tmp_path, form):
    done = examined(tmp_path, GOOD[form], pictures=[f"{i}.jpg" for i in range(16)])
    assert (done.findings, done.named, done.found) == ([], 16, 16)


@pytest.mark.parametrize(
    ("change", "severity", "line", "words"),
    [
        ({0: "file,sleeve,sleeve"}, "error", 1, "its columns are file,sleeve,sleeve"),
        ({0: "picture,sleeve,neck"}, "error", 1, "its columns are picture"),
        ({0: "file,role,neck"}, "error", 1, "its columns are file,role"),
        ({3: "2.jpg,long"}, "error", 4, "2 cells for 3 columns"),
        ({3: '2.jpg,"long,v'}, "error", 4, "the line is not CSV"),
        ({3: ",long,v"}, "error", 4, "the cell 'file' is empty"),
        ({3: "1.jpg,long,v"}, "error", 4, "'1.jpg' has 'long' as its 'sleeve', and 'short' in line 3"),
        ({3: "1.jpg,short,v"}, "warning", 4, "'1.jpg' has a row already, line 3, which says the same"),
        ({3: "2.jpg,Long,v"}, "error", 4, "'sleeve' has both 'long' and 'Long'"),
        ({3: "2.jpg,wide,v"}, "warning", None, "values of 'sleeve' with fewer than four pictures: wide"),
        ({3: "2.jpg, long,v"}, "note", 4, "' long' has blanks around it"),
        ({3: "2.jpg,,"}, "note", 4, "'2.jpg' has no label"),
        ({3: "2,long,v"}, "error", 4, "not here: 1 of its 16 pictures (6.2%), such as '2'"),
        ({3: "77.jpg,long,v"}, "error", 4, "not here: 1 of its 16 pictures (6.2%), such as '77.jpg'"),
        (
            {i: f"{i - 1}.jpg,long,v" for i in range(1, 17)},
            "warning",
            None,
            "the attribute 'sleeve' has one value, 'long'",
        ),
        ({i: f"{i - 1}.jpg,long,v" for i in range(1, 17)}, "error", None, "no attribute of"),
    ],
)
def test_a_fault_of_a_wide_table_is_named(tmp_path, change, severity, line, words):
    rows = [change.get(i, row) for i, row in enumerate(GOOD["wide"])]
    done = examined(tmp_path, rows, pictures=[f"{i}.jpg" for i in range(16)])
    assert any(f.severity == severity and f.line == line and f.what.startswith(words) for f in done.findings)


@pytest.mark.parametrize(
    ("change", "good"),
    [
        ({}, True),
        ({3: "1.jpg,short,v"}, True),  # two rows that agree
        ({3: "1.jpg,short,"}, True),
        ({3: "1.jpg,long,v"}, False),
        ({i: f"{i - 1}.jpg,long,{('v', 'round')[i % 2]}" for i in range(1, 17)}, True),  # one value of sleeve
        ({i: f"{i - 1}.jpg,long,v" for i in range(1, 17)}, False),
        ({3: "2.jpg,Long,v"}, False),
        ({3: "2.jpg,,"}, True),
        ({0: "file,sleeve,value"}, False),
        ({i: f"https://example.com/{i - 1}.jpg,long,v" for i in range(1, 17)}, False),
        ({i: f"{i - 1},{('long', 'short')[i % 2]},{('v', 'round')[i // 4 % 2]}" for i in range(1, 17)}, False),
    ],
)
def test_the_check_and_the_loader_agree(tmp_path, monkeypatch, change, good):
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "cache"))
    (tmp_path / "mine").mkdir()
    rows = [change.get(i, row) for i, row in enumerate(GOOD["wide"])]
    for i in range(16):
        (tmp_path / "mine" / f"{i}.jpg").write_bytes(jpeg(i))
    done = examined(tmp_path / "mine", rows)
    assert done.good == good
    if good:
        assert len(load_own_folder("mine", tmp_path / "mine", 16).labels)
    else:
        with pytest.raises(FashionError):
            load_own_folder("mine", tmp_path / "mine", 16)


def test_a_schema_that_is_none_and_a_table_against_its_schema(tmp_path):
    names = [f"{i}.jpg" for i in range(16)]
    schema = [{"name": "sleeve", "values": ["long", "short"]}]
    assert (2, "there is no attribute 'neck' in the schema: sleeve") in said(
        examined(tmp_path, GOOD["wide"], schema, names)
    )
    (found,) = [
        f for f in examined(tmp_path, GOOD["wide"], [{"name": "sleeve"}]).findings if f.severity == "error"
    ]
    assert found.file == "schema.json" and "entry 1" in found.what


def test_pictures_alone_are_a_beginning_and_nothing_is_an_error(tmp_path, monkeypatch):
    monkeypatch.delenv("FASHION_PIXELS", raising=False)
    assert not examine_folder("mine", tmp_path, random_average_precision).good
    (tmp_path / "a.jpg").write_bytes(jpeg(1))
    done = examine_folder("mine", tmp_path, random_average_precision, sizes=(16,))
    assert done.good and [f.severity for f in done.findings] == ["note"]
    (cost,) = done.costs
    assert (cost.pictures, cost.gib, cost.way) == (1, 16 * 16 * 3 / 2**30, "cache")
    assert cost.per_second > 0 and cost.minutes > 0 and "decoded on the fly, no disk" in str(cost)
    monkeypatch.setenv("FASHION_PIXELS", "decode")
    (cost,) = examine_folder("mine", tmp_path, random_average_precision, sizes=(16,)).costs
    assert cost.way == "decode" and "decoded on the fly (taken), no disk" in str(cost)
