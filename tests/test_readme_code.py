"""The README's Python code runs as it is printed, at the smallest size."""

import json
from pathlib import Path

import pytest
from PIL import Image
from tiny_data import SCHEMA, tiny_data

from fashion_lib.core import paths
from fashion_lib.training.profiles import PROFILES, SMOKE

BLOCKS = [
    part.split("```")[0]
    for part in (paths.root() / "README.md").read_text(encoding="utf-8").split("```python\n")[1:]
]


@pytest.fixture
def tiny_laptop(monkeypatch, tmp_path):
    """The laptop profile in its name alone, runs and cache of this test's own, and a folder of pictures."""
    settings = {"name": "laptop", "steps": 2, "batch_size": 16, "image_size": 32, "wardrobe_images": 1_200}
    monkeypatch.setitem(PROFILES, "laptop", SMOKE.with_options(**settings))
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path / "runs"))
    folder = tmp_path / "mine"
    folder.mkdir()
    data = tiny_data(120)
    data.labels.to_csv(folder / "labels.csv", index=False)
    (folder / "schema.json").write_text(json.dumps(SCHEMA.to_json()), encoding="utf-8")
    for name, picture in zip(data.image_names, data.pixels, strict=True):
        Image.fromarray(picture).save(folder / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("number", range(2))
def test_the_code_of_the_readme_runs(number, tiny_laptop, monkeypatch, capsys):
    assert len(BLOCKS) == 2
    if "load_folder" in BLOCKS[number]:  # it writes a name into the project folder, so give it one of its own
        root = tiny_laptop / "project"
        (root / "data").mkdir(parents=True)
        (root / "data" / "weights").symlink_to(paths.weights_dir())
        monkeypatch.setenv("FASHION_ROOT", str(root))
    found = {}
    exec(compile(BLOCKS[number], "README.md", "exec"), found)
    run = found["run"]
    assert run.record.method == "asen" and run.history.step == 2
    assert Path(run.folder).is_relative_to(tiny_laptop)
    if number == 0:
        assert "class ASEN" in capsys.readouterr().out
        assert len(found["hits"].table()) > 5
    else:
        assert run.data.name == "mine"
        assert (tiny_laptop / "project" / "datasets.toml").is_file()
