"""Label tables as people write them: a column per attribute or a row per label, from spreadsheets of any country."""

import json
import random
from collections import Counter

import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.data import own_splits
from fashion_lib.data.own_splits import draw
from fashion_lib.data.own_table import check_values, one_row_per_picture, read_own_table, schema_of

pytestmark = pytest.mark.slow  # `make quick` leaves it out


def read(tmp_path, text: str, encoding: str = "utf-8"):
    (tmp_path / "labels.csv").write_bytes(text.encode(encoding))
    return read_own_table(tmp_path / "labels.csv")


def labels(table) -> list[tuple]:
    return list(table.labels[["image", "attribute", "value"]].itertuples(index=False, name=None))


def test_a_column_per_attribute_empty_cells_are_unknown(tmp_path):
    table = read(tmp_path, "file,sleeve_length,neck\na.jpg,long,\nb c.jpg, short ,hood\nd.jpg,,\n")
    assert labels(table) == [("a.jpg", "sleeve_length", "long"), ("b c.jpg", "sleeve_length", "short"),
                             ("b c.jpg", "neck", "hood")]  # fmt: skip
    assert list(table.pictures["file"]) == ["a.jpg", "b c.jpg", "d.jpg"]
    assert list(table.labels["line"]) == [2, 3, 3] and table.attributes == ("sleeve_length", "neck")
    assert not table.grouped and not table.divided


def test_a_row_per_label_says_the_same(tmp_path):
    rows = (
        "image,attribute,value",
        "a.jpg,sleeve_length,long",
        "b.jpg,sleeve_length,short",
        "b.jpg,neck,hood",
        "",
    )
    long = read(tmp_path, "\n".join(rows))
    wide = read(tmp_path, "file,sleeve_length,neck\na.jpg,long,\nb.jpg,short,hood\n")
    assert labels(long) == labels(wide) and long.attributes == wide.attributes
    assert list(one_row_per_picture(long, {}).pictures["file"]) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_spreadsheets_of_any_country(tmp_path, encoding, delimiter):
    text = "Image,GROUP,Ärmel,\r\nBluse Größe 1.jpg,Jörg,lang,\r\n,,,\r\nb.jpg,,kurz,\r\n\r\n".replace(
        ",", delimiter
    )
    table = read(tmp_path, text, encoding)
    assert labels(table) == [("Bluse Größe 1.jpg", "Ärmel", "lang"), ("b.jpg", "Ärmel", "kurz")]
    assert list(table.pictures["group"]) == ["Jörg", ""] and list(table.pictures["line"]) == [2, 4]


def test_names_of_columns_that_mean_something_elsewhere_are_attributes(tmp_path):
    assert read(tmp_path, "file,line,name,file name\na.jpg,A-line,x,y\n").attributes == (
        "line",
        "name",
        "file name",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1 of .* is '': it must name one column 'file'"),
        ("sleeve,neck\na,b\n", "line 1 .* must name one column 'file'"),
        ("file,image,neck\na,b,c\n", "line 1 .* must name one column 'file'"),
        ("file\na.jpg\n", "line 1 .* names no attribute; add columns"),
        ("file,group,split\na,b,train\n", "line 1 .* names no attribute"),
        ("file,neck,neck\na,b,c\n", "line 1 .* the column 'neck' twice"),
        ("file,value\na,b\n", "line 1 .* a column 'value', which cannot be an attribute"),
        ("file,attribute,value,neck\na,b,c,d\n", "has no column 'neck': remove"),
        ("file,role,neck\na,b,c\n", "a table with roles must name exactly image,split,role,attribute,value"),
        ("file,neck\n", "has no rows: write one row per picture"),
        ("file,neck\n,\n,\n", "has no rows"),
        ("file,neck\na.jpg,hood\n,hood\n", "line 3 of .* names no file"),
        ("file,neck\na.jpg\n", r"line 2 of .* has 1 columns instead of 2 \('a.jpg'\)"),
        ("file,neck,\na.jpg,hood,x\n", "line 2 of .* has a cell below no name of a column"),
        (
            "file,split,neck\na,train,b\nc,tset,d\n",
            "line 3 of .* has 'tset' as its split: did you mean 'test'",
        ),
        ("file,split,neck\na,train,b\nc,,d\n", "line 3 of .* has '' as its split: write one in every row"),
        ("file,neck\na,\0\n", "."),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path, text, words):
    if "\0" in text:
        assert labels(read(tmp_path, text)) == [("a", "neck", "\0")]
        with pytest.raises(FashionError, match="no attribute .* has two values|line 2"):
            schema_of(read(tmp_path, text))
        return
    with pytest.raises(FashionError, match=words):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,neck\na,x\nb,x\n./a,y\n", "line 4 .* gives 'neck' of 'a' another value than line 2: keep one"),
        ("file,group,neck\na,g,x\n./a,h,\n", "line 3 .* gives 'a' another group"),
        ("file,split,neck\na,train,x\n./a,test,\n", "line 3 .* gives 'a' another split"),
    ],
)
def test_two_rows_of_one_picture_must_agree(tmp_path, text, words):
    with pytest.raises(FashionError, match=words):
        one_row_per_picture(read(tmp_path, text), {"a": "a", "b": "b", "./a": "a"})


def test_rows_of_one_picture_that_agree_are_one_row(tmp_path):
    table = read(tmp_path, "file,neck,sleeve\na,x,\nb,y,long\n./a,x,short\na,x,\n")
    found = one_row_per_picture(table, {"a": "a", "b": "b", "./a": "a"})
    assert list(found.pictures["file"]) == ["a", "b"]
    expected = {("a", "neck", "x"), ("a", "sleeve", "short"), ("b", "neck", "y"), ("b", "sleeve", "long")}
    assert len(found.labels) == 4 and set(labels(found)) == expected


def test_the_schema_is_what_the_cells_say(tmp_path):
    table = read(tmp_path, "file,sleeve,empty,one,neck\na,short,,x,\nb,long,,x,hood\nc,,,,plain\n")
    assert schema_of(table) == Schema(
        (Attribute("sleeve", ("long", "short")), Attribute("neck", ("hood", "plain")))
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,neck\na,\nb,\n", "no attribute of .* has two values yet: fill in its columns"),
        ("file,neck\na,hood\nb,hood\n", "no attribute .* two values"),
        ("file,neck\na,Hood\nb,x\nc,hood\n", r"both 'Hood' \(line 2\) and 'hood' \(line 4\) as neck: write"),
        ("file,neck\na,v neck\nb,v  neck\n", r"both 'v  neck' \(line 3\) and 'v neck' \(line 2\)"),
        ('file,neck\na,"v\nneck"\nb,x\n', r"line 3 of .* has 'v\\nneck': write it in one line"),
        ("file,local\na,x\nb,y\n", "an attribute cannot be called 'local'"),
    ],
)
def test_what_is_no_schema_yet(tmp_path, text, words):
    with pytest.raises(FashionError, match=words):
        schema_of(read(tmp_path, text))


def test_a_schema_file_decides_what_may_be_written(tmp_path):
    schema = Schema.from_json(json.loads('[{"name": "neck", "values": ["hood", "plain"]}]'))
    check_values(read(tmp_path, "file,neck\na,hood\n"), schema, "schema.json")
    with pytest.raises(
        FashionError, match="line 2 .* labels 'nekc', which schema.json .*: did you mean 'neck'"
    ):
        check_values(read(tmp_path, "file,nekc\na,hood\n"), schema, "schema.json")
    with pytest.raises(
        FashionError, match="line 3 .* has 'hod' as its neck, .* does not list: did you mean 'hood'"
    ):
        check_values(read(tmp_path, "file,neck\na,hood\nb,hod\n"), schema, "schema.json")


@pytest.mark.parametrize("form", ["wide", "long"])
def test_a_damaged_table_is_read_or_one_sentence(tmp_path, monkeypatch, form):
    """Bytes removed, added, doubled and replaced anywhere: data or a FashionError, never another exception."""
    monkeypatch.setattr(own_splits, "SEEDS", 3)
    rng = random.Random(form)
    if form == "wide":
        necks = ("hood", "", "a, b")
        lines = [f"Größe {n}.jpg,g{n % 7},{('long', 'short')[n % 2]},{necks[n % 3]!r}" for n in range(24)]
        content = "\n".join(["file,group,sleeve,neck", *lines, ""]).replace("'", '"').encode()
    else:
        lines = [f"{n}.jpg,{('sleeve', 'neck')[n % 2]},{('x', 'y')[n // 2 % 2]}" for n in range(24)]
        content = "\r\n".join(["image,attribute,value", *lines, ""]).encode("utf-8-sig")
    assert read_or_sentence(tmp_path, content) == "read"
    pieces = [b",", b";", b"\n", b"\r", b'"', b"\0", b"\xff", b"\xef\xbb\xbf", b" ", b"\t", b"file", b"split"]
    pieces.append(b"x" * 3000)
    ends = Counter()
    for _ in range(200):
        damaged, place = bytearray(content), rng.randrange(len(content))
        kind = rng.choice(("cut", "remove", "insert", "replace", "double", "header"))
        if kind == "cut":
            del damaged[place:]
        elif kind == "remove":
            del damaged[place : place + rng.randrange(1, 40)]
        elif kind == "double":
            damaged[place:place] = damaged[: rng.randrange(200)]
        else:
            place = rng.randrange(30) if kind == "header" else place
            damaged[place : place + (kind == "replace")] = rng.choice(pieces)
        ends[read_or_sentence(tmp_path, bytes(damaged))] += 1
    assert ends["read"] > 20 and ends["sentence"] > 40


def read_or_sentence(tmp_path, content: bytes) -> str:
    (tmp_path / "labels.csv").write_bytes(content)
    try:
        table = one_row_per_picture(read_own_table(tmp_path / "labels.csv"), {})
        schema_of(table)
        groups = dict(table.pictures[["file", "group"]].itertuples(index=False))
        draw(
            table.labels[["image", "attribute", "value"]],
            {image: group or image for image, group in groups.items()},
        )
    except FashionError as error:
        assert str(error).isprintable() and len(str(error)) < 1000
        return "sentence"
    return "read"
