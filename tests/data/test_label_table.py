import numpy as np
import pandas as pd
import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.data.label_table import (
    COLUMNS,
    check_label_table,
    encode,
    read_rows,
)

SCHEMA = Schema(
    (Attribute("sleeve", ("short", "long")), Attribute("colour", ("red", "blue", "None"), scope="global"))
)


def write(table, path):
    """Write a table as a user does, or a spreadsheet."""
    table.loc[:, list(COLUMNS)].to_csv(path, index=False, lineterminator="\n")


def read_label_table(path, schema, images=None):
    """Read and check a table as the data sets do."""
    table, lines = read_rows(path, COLUMNS)
    return check_label_table(table, schema, images, source=str(path), lines=lines)


IMAGES = [f"{split}{number}.jpg" for split in ("train", "valid", "test") for number in range(4)]


def good_table() -> pd.DataFrame:
    rows = []
    for image in IMAGES:
        split, number = image[:-5], int(image[-5])
        role = "train" if split == "train" else ("query", "candidate")[number % 2]
        rows.append((image, split, role, "sleeve", ("short", "long")[number // 2]))
        rows.append((image, split, role, "colour", ("red", "blue")[number // 2]))
    return pd.DataFrame(rows, columns=COLUMNS)


def changed(row: int, **cells) -> pd.DataFrame:
    table = good_table().astype(object)
    for column, cell in cells.items():
        table.loc[row, column] = cell
    return table


def test_a_good_table_passes_in_any_column_order():
    shuffled = good_table()[list(reversed(COLUMNS))].set_index(pd.Index(range(100, 124)))
    checked = check_label_table(shuffled, SCHEMA, IMAGES)
    pd.testing.assert_frame_equal(checked, good_table().astype("str"))


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"split": "training"}, "unknown split 'training': did you mean 'train'"),
        ({"role": "gallery"}, "unknown role 'gallery'"),
        ({"role": "query"}, "role 'query' does not go with split 'train': write train"),
        ({"split": "valid"}, "role 'train' does not go with split 'valid': write query or candidate"),
        ({"attribute": "sleeves"}, "unknown attribute 'sleeves': did you mean 'sleeve'"),
        ({"value": "reed"}, "'reed' is not a value of 'colour': did you mean 'red'"),
        ({"attribute": "sleeve", "value": "long"}, "already has a row for 'sleeve'"),
        ({"split": "valid", "role": "query"}, "also in 'train' .leakage"),
        ({"image": "nobody.jpg"}, "no such image"),
        ({"value": np.nan}, "every cell must be non-empty text"),
        ({"value": 3}, "every cell must be non-empty text"),
        ({"image": ["a", "list"]}, "every cell must be non-empty text"),
    ],
)
def test_the_first_bad_row_is_named_with_its_number_content_and_reason(cells, words):
    table = changed(3, **cells)
    table.loc[20, "value"] = "a later mistake"
    with pytest.raises(FashionError, match=rf"^row 4 of the label table \(.*\): .*{words}") as caught:
        check_label_table(table, SCHEMA, IMAGES)
    assert ",".join(str(cell) for cell in table.loc[3]) in str(caught.value)


def test_wrong_columns():
    with pytest.raises(
        FashionError, match="has the columns image, split, role, attribute, label: it needs exactly"
    ):
        check_label_table(good_table().rename(columns={"value": "label"}), SCHEMA)
    with pytest.raises(FashionError, match="it needs exactly"):
        check_label_table(good_table().assign(extra="x"), SCHEMA)


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        (lambda t: t["split"] != "valid", "split 'valid' of the label table is empty"),
        (lambda t: t["split"] == "none of them", "split 'train' of the label table is empty"),
        (lambda t: (t["split"] != "train") | (t["value"] != "red"), "'colour' .* only the value 'blue' in train"),
        (lambda t: (t["split"] != "train") | (t["attribute"] != "colour"), "'colour' .* has no value in train"),
        (lambda t: (t["split"] != "test") | (t["attribute"] != "sleeve") | (t["role"] != "query"),
         "'sleeve' .* has no query in 'test'"),
        (lambda t: (t["split"] != "valid") | (t["attribute"] != "colour") | (t["role"] != "candidate"),
         "'colour' .* has no candidate in 'valid'"),
    ],
)  # fmt: skip
def test_the_whole_table_is_checked_too(keep, words):
    table = good_table()
    with pytest.raises(FashionError, match=words):
        check_label_table(table[keep(table)], SCHEMA)


def test_files_round_trip_and_keep_the_value_none(tmp_path):
    table = good_table()
    table.loc[1, "value"] = "None"  # pandas would read it as missing
    write(table, tmp_path / "labels.csv")
    pd.testing.assert_frame_equal(
        read_label_table(tmp_path / "labels.csv", SCHEMA, IMAGES), table.astype("str")
    )


def test_a_spreadsheets_file_is_read(tmp_path):
    write(good_table(), tmp_path / "labels.csv")
    text = (tmp_path / "labels.csv").read_text()
    (tmp_path / "labels.csv").write_bytes(("\ufeff" + text.replace("\n", "\r\n") + "\r\n").encode())
    assert len(read_label_table(tmp_path / "labels.csv", SCHEMA)) == 24


@pytest.mark.parametrize("line", ["a.jpg,train,train,sleeve", "a.jpg,train,train,sleeve,short,,"])
def test_a_line_with_the_wrong_number_of_columns_is_named(tmp_path, line):
    write(good_table(), tmp_path / "labels.csv")
    lines = (tmp_path / "labels.csv").read_text().splitlines()
    lines[5:5] = ["", line]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    count = line.count(",") + 1
    with pytest.raises(
        FashionError, match=rf"line 7 of .*labels.csv has {count} columns instead of 5 \('{line}'\)"
    ):
        read_label_table(tmp_path / "labels.csv", SCHEMA)


def test_a_bad_row_of_a_file_is_named_by_its_line(tmp_path):
    write(changed(3, value="reed"), tmp_path / "labels.csv")
    with pytest.raises(FashionError, match=r"^line 5 of .*labels.csv \(train1.jpg,train,train,colour,reed\)"):
        read_label_table(tmp_path / "labels.csv", SCHEMA)


def test_unreadable_files(tmp_path):
    with pytest.raises(FashionError, match="does not exist"):
        read_label_table(tmp_path / "nothing.csv", SCHEMA)
    (tmp_path / "latin.csv").write_bytes("image,split,role,attribute,value\né,a,b,c,d\n".encode("latin-1"))
    with pytest.raises(FashionError, match="UTF-8"):
        read_label_table(tmp_path / "latin.csv", SCHEMA)
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(FashionError, match="line 1 of"):
        read_label_table(tmp_path / "empty.csv", SCHEMA)


def test_encode_equals_a_plain_loop():
    table = good_table()
    for split, role in [("train", None), ("test", None), ("test", "query"), ("valid", "candidate")]:
        labels = encode(table, SCHEMA, IMAGES, split, role)
        expected = [
            (IMAGES.index(r.image), SCHEMA.index(r.attribute), SCHEMA.value_index(r.attribute, r.value))
            for r in table.itertuples()
            if r.split == split and role in (None, r.role)
        ]
        assert list(zip(labels.image, labels.attribute, labels.value, strict=True)) == expected
        assert {labels.image.dtype, labels.attribute.dtype, labels.value.dtype} == {np.dtype(np.int64)}
        colour = labels.of(1)
        assert len(colour) == sum(row[1] == 1 for row in expected)
        assert set(colour.attribute) == {1}


def test_encode_refuses_what_the_checker_would():
    with pytest.raises(FashionError, match="no split 'dev'"):
        encode(good_table(), SCHEMA, IMAGES, "dev")
    with pytest.raises(FashionError, match="no role 'query'"):
        encode(good_table(), SCHEMA, IMAGES, "train", "query")
    with pytest.raises(FashionError, match=r"the image 'train3.jpg'"):
        encode(good_table(), SCHEMA, [name for name in IMAGES if name != "train3.jpg"], "train")
    with pytest.raises(FashionError, match="'reed' is not a value"):
        encode(changed(3, value="reed"), SCHEMA, IMAGES, "train")
    assert len(encode(good_table().head(0), SCHEMA, IMAGES, "train")) == 0
