from pathlib import Path

import pytest

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError

MADE = {
    paths.build_dir: "build",
    paths.figures_dir: "figures",
    paths.ledger_dir: "data/results",
}


def test_root_is_the_folder_of_pyproject():
    assert paths.root() == Path(__file__).resolve().parents[2]
    assert (paths.root() / "pyproject.toml").is_file()


@pytest.mark.parametrize("function", MADE, ids=lambda function: function.__name__)
def test_written_folders_lie_below_the_root_and_are_made_by_writers_only(function, project):
    assert function() == project / MADE[function] and not function().exists()
    assert paths.made(function()).is_dir()


def test_read_only_places_are_named_but_not_made(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_ROOT", str(tmp_path))
    assert paths.weights_dir() == tmp_path / "data" / "weights"
    assert paths.notebooks_dir() == tmp_path / "notebooks"
    assert paths.published_results_file() == tmp_path / "data" / "published_results.csv"
    assert list(tmp_path.iterdir()) == []


def test_environment_moves_cache_and_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "large" / "disk"))
    monkeypatch.setenv("FASHION_RUNS", "~/runs-of-mine")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.cache_dir() == tmp_path / "large" / "disk"
    assert paths.runs_dir() == tmp_path / "runs-of-mine"
    monkeypatch.delenv("FASHION_CACHE")
    monkeypatch.setenv("FASHION_ROOT", str(tmp_path))
    assert paths.cache_dir() == tmp_path / "cache"


def test_a_root_that_is_no_folder_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("FASHION_ROOT", str(tmp_path / "nowhere"))
    with pytest.raises(FashionError, match="FASHION_ROOT names .*nowhere"):
        paths.root()


def test_a_folder_that_cannot_be_made_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path / "file" / "runs"))
    for use in (paths.made, paths.usable):
        with pytest.raises(FashionError, match=r"file/runs cannot be written to"):
            use(paths.runs_dir())


def test_a_folder_that_can_be_made_is_usable_and_stays_unmade(tmp_path):
    assert paths.usable(tmp_path / "a" / "b") == tmp_path and not list(tmp_path.iterdir())
    assert paths.usable(tmp_path) == tmp_path


NO_NAMES = ["", ".", "..", "...", "a/b", "/a", "a\\b", "..\\a", "c:a", "a\0", "a\nb", "a\x7f", " a", "a ", "a.", ".a",
            "x" * 201, "é" * 101, "con", "NUL", "nul.csv", "Com1", "lpt9.x.y", "aux .b",
            "a*", "a?", "a|b", "<a>", '"a"',
            "\udcff", "~/../a", None, 3, b"a"]  # fmt: skip


@pytest.mark.parametrize("name", NO_NAMES, ids=lambda name: repr(name)[:20])
def test_what_is_no_plain_name_is_refused_in_one_sentence(name):
    with pytest.raises(FashionError, match="the variant .* cannot be the name of a folder") as caught:
        paths.plain_name(name, "variant")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["v2+start=reconstruction", "paper+gate=image", "é" * 100, "x" * 200, "console", "a.b",
                                  "v2+betas=[0.1, 0.2]", "com10", "_x", "-x", "v2+mine=('a', 'b')"])
def test_plain_names_pass_unchanged(name):
    assert paths.plain_name(name, "variant") == name
