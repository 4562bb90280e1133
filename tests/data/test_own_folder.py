"""One's own photographs as a data set: splits, copies, attributes without labels, pictures of every kind."""

import json
import shutil

import pytest
from phone_photographs import phone_photographs
from PIL import Image
from tiny_photographs import photograph

from fashion_lib.core.errors import FashionError
from fashion_lib.data import sets
from fashion_lib.data.new_data import name_of, without_a_row, write_template
from fashion_lib.data.photographs import decode_photograph
from fashion_lib.data.picture_files import picture_files

SIZE = 16


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder of 60 small pictures, three per garment."""
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "cache"))
    for number in range(60):
        photograph(tmp_path / "mine" / f"{number:02d}.jpg", number)
    return tmp_path / "mine"


def write(folder, header: str, *columns) -> None:
    """labels.csv with a row for each picture; a column is a function of its number."""
    names = sorted(path.name for path in folder.glob("*.jpg"))
    lines = [
        ",".join([name, *(str(column(number)) for column in columns)]) for number, name in enumerate(names)
    ]
    (folder / "labels.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def sleeve(number: int) -> str:
    return ("short", "long")[number * 7 % 5 % 2]


def load(folder, size: int = SIZE):
    return sets.load_own_folder("mine", folder, size)


def test_a_column_per_attribute_is_enough(mine, capsys):
    neck = ("hood", "plain", "")
    write(mine, "file,sleeve_length,neck,title", sleeve, lambda n: neck[n // 2 % 3], lambda n: f"no. {n}")
    data = load(mine)
    assert data.schema.names == ("sleeve_length", "neck") and len(data.image_names) == 60
    assert data.schema.attribute("sleeve_length").values == ("long", "short")
    given = dict(
        data.labels.query("attribute == 'sleeve_length'")[["image", "value"]].itertuples(index=False)
    )
    assert given == {f"{n:02d}.jpg": sleeve(n) for n in range(60)}
    assert len(data.labels.query("attribute == 'neck'")) == 40
    said = capsys.readouterr().out
    assert (
        "mine: labelled pictures: 60 (36 train, 12 valid, 12 test); attributes: sleeve_length, neck." in said
    )
    assert (
        "cannot be trained or measured with these labels, and are left out: title: fewer than three pairs"
        in said
    )
    assert data.notes == tuple(line.removeprefix("mine: ") for line in said.splitlines())
    assert "each picture by itself" in data.card["splitting rule"] and data.senders == ()
    again = load(mine)
    assert again.version == data.version
    large = data.resized(2 * SIZE)
    assert large.image_size == 2 * SIZE and large.labels.equals(data.labels)
    assert large.training_labels.equals(data.training_labels)


def test_pictures_of_a_group_stay_in_one_split(mine):
    write(mine, "file,group,sleeve_length", lambda n: f"garment {n // 3}" if n < 45 else "", sleeve)
    data = load(mine)
    splits = data.labels.assign(garment=data.labels["image"].str[:2].astype(int) // 3)
    assert splits[splits["garment"] < 15].groupby("garment")["split"].nunique().eq(1).all()
    assert "by the column group" in data.card["splitting rule"]
    assert len(set(data.senders)) == 15 + 15
    write(mine, "file,group,sleeve_length", lambda n: f"garment {n // 2}", sleeve)
    assert load(mine).version != data.version


def test_an_attribute_without_labels_and_empty_cells_are_fine(mine, capsys):
    write(mine, "file,sleeve_length,neck", lambda n: sleeve(n) if n < 40 else "", lambda n: "")
    data = load(mine)
    assert data.schema.names == ("sleeve_length",) and len(data.image_names) == 40
    said = capsys.readouterr().out
    assert "left out, because they have no label: 20." in said and "neck: no value" in said
    schema = [
        {"name": "neck", "values": ["hood", "plain"]},
        {"name": "sleeve_length", "values": ["short", "long"]},
    ]
    (mine / "schema.json").write_text(json.dumps(schema))
    data = load(mine)
    assert data.schema.names == ("sleeve_length",)
    assert data.schema.attribute("sleeve_length").values == ("short", "long")  # in the schema's order
    assert "neck: no value" in capsys.readouterr().out


def test_an_attribute_of_a_whole_table_may_have_no_labels_either(mine, capsys):
    write(mine, "file,sleeve_length", sleeve)
    rows = load(mine).labels
    rows.to_csv(mine / "labels.csv", index=False)
    schema = [
        {"name": "neck", "values": ["hood", "plain"]},
        {"name": "sleeve_length", "values": ["short", "long"]},
    ]
    (mine / "schema.json").write_text(json.dumps(schema))
    capsys.readouterr()
    data = load(mine)
    assert data.schema.names == ("sleeve_length",) and data.labels.equals(rows)
    assert "neck: no value" in capsys.readouterr().out
    (mine / "schema.json").unlink()
    assert load(mine).labels.equals(rows)
    rows.to_csv(mine / "labels.csv", index=False, sep=";")
    assert load(mine).labels.equals(rows)


def test_copies_of_a_picture_are_never_split_apart(mine, capsys):
    for number in range(10):
        shutil.copy(mine / f"{number:02d}.jpg", mine / f"copy {number}.jpg")
    write(mine, "file,sleeve_length", sleeve)
    data = load(mine)
    split = dict(data.labels[["image", "split"]].itertuples(index=False))
    assert all(split[f"{number:02d}.jpg"] == split[f"copy {number}.jpg"] for number in range(10))
    assert "copies of a picture: 00.jpg = copy 0.jpg, " in capsys.readouterr().out


@pytest.mark.parametrize("whole", [False, True])
def test_copies_in_two_splits_are_said(mine, capsys, whole):
    shutil.copy(mine / "00.jpg", mine / "zz copy.jpg")
    write(mine, "file,split,sleeve_length", lambda n: ("train", "train", "valid", "test")[n % 4] if n < 60 else "test",
          sleeve)  # fmt: skip
    if whole:
        load(mine).labels.to_csv(mine / "labels.csv", index=False)
        capsys.readouterr()
    data = load(mine)
    note = "too high, because copies of a picture are in two splits (00.jpg = zz copy.jpg)"
    assert note in capsys.readouterr().out and any(note in told for told in data.notes)
    assert f"given in {mine / 'labels.csv'}" == data.card["splitting rule"]


@pytest.mark.parametrize("heic", [False, True])
def test_pictures_as_phones_and_people_leave_them(tmp_path, monkeypatch, heic):
    if heic:
        pytest.importorskip("pillow_heif").register_heif_opener()
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "cache"))
    colours = phone_photographs(tmp_path / "mine", heic=heic)
    (tmp_path / "mine" / "._IMG_7.jpg").write_bytes(b"macOS")
    pictures = picture_files(tmp_path / "mine")
    assert set(pictures) == set(colours)
    assert pictures.index("IMG_7.jpg") < pictures.index("IMG_15.jpg")
    write_template(tmp_path / "mine" / "labels.csv", pictures, ["colour"])
    assert without_a_row(tmp_path / "mine" / "labels.csv", [*pictures, "new.jpg"]) == ["new.jpg"]
    text = (tmp_path / "mine" / "labels.csv").read_text(encoding="utf-8-sig")
    for name, colour in colours.items():
        quoted = f'"{name}"' if "," in name else name
        assert f"\n{quoted},,\n" in text
        text = text.replace(f"\n{quoted},,\n", f"\n{quoted},,{colour}\n")
    (tmp_path / "mine" / "labels.csv").write_text(text, encoding="utf-8")
    data = load(tmp_path / "mine")
    assert set(data.image_names) == set(colours)
    for row, name in enumerate(data.image_names):
        assert (data.pixels[row] == decode_photograph(tmp_path / "mine" / name, SIZE)).all()
        mean = data.pixels[row].reshape(-1, 3).mean(0)
        assert name.startswith("grau") or (mean[0] > mean[2]) == (colours[name] == "red"), name
        assert (data.pixels[row][:, 0] == data.pixels[row][0, 0]).all(), (
            name
        )  # upright: the padding is left and right


def test_a_template_never_replaces_a_file(tmp_path):
    write_template(tmp_path / "labels.csv", ["a.jpg"], ["neck"])
    before = (tmp_path / "labels.csv").read_bytes()
    assert before == "\ufefffile,group,neck\na.jpg,,\n".encode()
    with pytest.raises(FashionError, match="labels.csv is there already and is not replaced"):
        write_template(tmp_path / "labels.csv", ["b.jpg"], ["neck"])
    assert (tmp_path / "labels.csv").read_bytes() == before
    wrong = {
        "no attribute": [],
        "column 'neck' twice": ["neck", "neck"],
        "roles": ["role"],
        "column 'file'": ["file"],
    }
    for words, attributes in wrong.items():
        with pytest.raises(FashionError, match=words):
            write_template(tmp_path / "other.csv", ["a.jpg"], attributes)
    assert not (tmp_path / "other.csv").exists()


@pytest.mark.parametrize(("folder", "name"), [
    ("mine", "mine"), ("Meine Kleider (März)", "meine-kleider-marz"), ("Straße", "strasse"), ("2026", "2026"),
    ("My_Photos.old", "my_photos-old"), ("日本", ""), ("a" * 99, "a" * 40), ("-x-", "x"),
])  # fmt: skip
def test_the_name_that_a_folder_gives(tmp_path, folder, name):
    assert name_of(tmp_path / folder) == name


def test_what_its_owner_wrote_into_the_list_of_names_stays(project, tmp_path):
    written = '# mine\n[one]\nfolder = "pictures"  # below the project'
    (project / "datasets.toml").write_text(written, encoding="utf-8-sig")
    folders = [tmp_path / name for name in ('a "quoted" name', "Größe 👗", "back\\slash", "it's")]
    for number, folder in enumerate(folders):
        folder.mkdir()
        sets.remember_folder(f"own{number}", folder)
        sets.remember_folder(f"own{number}", folder)
    assert (project / "datasets.toml").read_text(encoding="utf-8").startswith(written + "\n")
    found = sets.own_folders()
    assert found.pop("one") == project / "pictures" and list(found.values()) == folders
    (tmp_path / "a\nb").mkdir()
    with pytest.raises(FashionError, match=r"a\\nb' has a name that no text can hold: rename it"):
        sets.remember_folder("two", tmp_path / "a\nb")


@pytest.mark.parametrize(
    ("header", "columns", "words"),
    [
        ("file,sleeve_length", [lambda n: ("long", "long", "short", "")[min(n, 3)]],
         r"no attribute of .*labels.csv can be trained and measured yet \(sleeve_length: .*\): label more pictures"),
        ("file,sleeve_length", [lambda n: ""], "has two values yet"),
        ("file,group,sleeve_length", [lambda n: n % 2, sleeve], r"60 images in 2 group\(s\)"),
    ],
)  # fmt: skip
def test_too_few_labels_are_said(mine, header, columns, words):
    write(mine, header, *columns)
    with pytest.raises(FashionError, match=words):
        load(mine)


def test_what_is_missing_or_broken_is_named_in_one_line(mine):
    with pytest.raises(
        FashionError, match="there is no label table .*labels.csv: let `python -m .* new-data`"
    ):
        load(mine)
    write(mine, "file,sleeve_length", sleeve)
    text = (mine / "labels.csv").read_text()
    long = "x" * 3000
    (mine / "labels.csv").write_text(text + f'{long}.jpg,long\n"a\nb.jpg",long\n')
    words = r"2 of the 62 images .* are not in .* \(a\\nb.jpg, xxx.*xxx.jpg\): add"
    with pytest.raises(FashionError, match=words) as caught:
        load(mine)
    assert len(str(caught.value)) < 800 and str(caught.value).isprintable()
    (mine / "labels.csv").write_text(text)
    (mine / "07.jpg").write_bytes(b"<html>")
    with pytest.raises(FashionError, match=r"1 of the 60 images .* cannot be read \(07.jpg: .*\): replace"):
        load(mine)
    Image.new("RGB", (9, 9)).save(mine.parent / "outside.jpg")
    (mine / "labels.csv").write_text(text + "../outside.jpg,long\n")
    with pytest.raises(FashionError, match="line 62 of .* leads out of the folder"):
        load(mine)
