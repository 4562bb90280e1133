"""Paths that a user writes: whatever no system takes is one sentence, and nothing is made of it."""

import pytest

import fashion_lib as fl
from fashion_lib import cli
from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.data import sets

IMPOSSIBLE = ["~no-such-user-here/x", "z" * 300, "x/" * 3000]


@pytest.mark.parametrize("text", [*IMPOSSIBLE, "a\0b"])
def test_no_path_is_one_sentence(text):
    with pytest.raises(FashionError, match="^the thing is .* no path"):
        paths.user_path(text, "the thing")


@pytest.mark.parametrize("variable", paths.FOLDERS)
@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_a_setting_that_is_no_path_is_named(variable, text, monkeypatch, capsys):
    monkeypatch.setenv(variable, text)
    assert cli.main(["results"]) == 2
    said = capsys.readouterr().err
    assert variable in said and said.count("\n") == 1 and len(said) < 400


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_an_own_folder_that_is_no_path_is_named(text, tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_ROOT", str(tmp_path))
    with pytest.raises(FashionError, match="no path"):
        fl.load_folder(text, "own")
    (tmp_path / "datasets.toml").write_text(f'[own]\nfolder = "{text}"\n')
    with pytest.raises(FashionError, match="'own' in .*datasets.toml is .* no path"):
        fl.datasets()


def test_relative_and_absolute_folders_stay_what_they_were(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_ROOT", str(tmp_path))
    (tmp_path / "datasets.toml").write_text('[one]\nfolder = "a/b"\n[two]\nfolder = "/c"\n[three]\nfolder = "~/d"\n')
    monkeypatch.setenv("HOME", "/home/someone")
    assert {name: str(folder) for name, folder in sets.own_folders().items()} == {
        "one": f"{tmp_path}/a/b", "two": "/c", "three": "/home/someone/d"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["con", "nul", "aux", "prn", "com1", "lpt9"])
def test_a_name_that_no_run_folder_can_have_is_refused_before_the_pictures_are_read(name):
    with pytest.raises(FashionError, match="cannot be the name of a folder"):
        sets.check_name(name)
