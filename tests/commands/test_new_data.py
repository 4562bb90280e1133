"""From a folder of photographs to a trained run by commands, as a new user types them."""

import pytest
from phone_photographs import fill_in, phone_photographs

from fashion_lib.cli import main
from fashion_lib.core import paths
from fashion_lib.data import sets


@pytest.fixture
def photographs(project, monkeypatch):
    """A project with the shipped start weights, and 60 photographs in a folder below the working directory."""
    weights = paths.SHIPPED.parents[1] / "data" / "weights"
    (project / "data").mkdir()
    (project / "data" / "weights").symlink_to(weights)
    monkeypatch.chdir(project.parent)
    return phone_photographs(project.parent / "Meine Fotos")


def test_new_data_writes_a_table_and_a_name(photographs, project, capsys):
    assert main(["new-data", "Meine Fotos", "--attributes", "colour, neck"]) == 0
    said = capsys.readouterr().out
    table = project.parent / "Meine Fotos" / "labels.csv"
    assert f"wrote {table}: 60 pictures" in said and "--dataset meine-fotos" in said
    assert table.read_text(encoding="utf-8-sig").startswith("file,group,colour,neck\n")
    assert sets.own_folders() == {"meine-fotos": project.parent / "Meine Fotos"}
    before, names = table.read_bytes(), (project / "datasets.toml").read_bytes()
    (project.parent / "Meine Fotos" / "new.jpg").write_bytes(b"")
    assert main(["new-data", "Meine Fotos"]) == 0
    said = capsys.readouterr().out
    assert "is there already and stays as it is. Pictures without a row: new.jpg." in said
    assert table.read_bytes() == before and (project / "datasets.toml").read_bytes() == names


def test_heic_photographs_that_cannot_be_read_are_said_at_once(photographs, project, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    (project.parent / "Meine Fotos" / "IMG_1.HEIC").write_bytes(b"\0\0\0\x1cftypheic" + bytes(30))
    assert main(["new-data", "Meine Fotos"]) == 0
    assert "1 of the pictures are HEIC: `pip install pillow-heif`" in capsys.readouterr().out


def test_the_table_that_new_data_wrote_is_no_fault_of_the_user(photographs, project, capsys):
    assert main(["new-data", "Meine Fotos", "--name", "mine", "--attributes", "colour"]) == 0
    table = project.parent / "Meine Fotos" / "labels.csv"
    fill_in(table, {name: {"colour": c} for name, c in photographs.items()}, encoding="utf-8-sig")
    assert table.read_bytes().startswith(b"\xef\xbb\xbf")
    capsys.readouterr()
    assert main(["check-data", "mine"]) == 0
    assert "byte order mark" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "no folder 'nowhere'"),
        (["empty"], "no pictures below"),
        (["Meine Fotos", "--name", "wardrobe"], "reserved"),
        (["Meine Fotos", "--name", "Meine Fotos"], "cannot name a data set"),
        (["日本"], "no letter a to z: give the data set a name with --name"),
        (["Meine Fotos", "--attributes", ","], "names no attribute"),
        (["Meine Fotos", "--attributes", "neck,neck"], "twice"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(photographs, project, capsys, arguments, words):
    for name in ("empty", "日本"):
        (project.parent / name).mkdir()
    assert main(["new-data", *arguments]) == 2
    said = capsys.readouterr()
    assert words in said.err and said.err.count("\n") == 1 and said.out == ""
    assert not (project.parent / "Meine Fotos" / "labels.csv").exists()
    assert not (project / "datasets.toml").exists()


@pytest.mark.slow
def test_from_nothing_to_a_trained_run(photographs, project, monkeypatch, capsys):
    from fashion_lib.training.profiles import PROFILES, SMOKE

    monkeypatch.setitem(PROFILES, "smoke", SMOKE.with_options(steps=2, batch_size=16, image_size=32))
    assert main(["new-data", "Meine Fotos", "--name", "mine", "--attributes", "colour,neck"]) == 0
    fill_in(
        project.parent / "Meine Fotos" / "labels.csv",
        {name: {"colour": c} for name, c in photographs.items()},
    )
    assert main(["protocol", "mine", "--profile", "smoke"]) == 0
    assert "labelled pictures: 60" in capsys.readouterr().out
    assert main(["train", "asen", "--dataset", "mine", "--profile", "smoke"]) == 0
    assert "asen (v2) seed 0: map" in capsys.readouterr().out
    assert main(["results", "--dataset", "mine"]) == 0
    assert "mine, profile smoke" in capsys.readouterr().out
    assert main(["plan", "--dataset", "mine", "--profile", "smoke", "--seeds", "0"]) == 0
