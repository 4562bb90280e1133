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
def test_written_folders_are_made_below_the_root(function, project):
    assert function() == project / MADE[function]
    assert function().is_dir()


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
    with pytest.raises(FashionError, match=r"file/runs cannot be written to"):
        paths.runs_dir()
