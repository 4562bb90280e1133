"""A folder whose record or checkpoint is another run's is neither loaded nor exported."""

import json
import shutil

import pytest
import released_files as written
import torch
from released_files import SMALL
from tiny_data import SCHEMA, tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.runs.released_export import export_released
from fashion_lib.runs.released_run import load_released
from fashion_lib.runs.run import load_or_train
from fashion_lib.training.checkpoint import read_checkpoint, write_checkpoint
from fashion_lib.training.profiles import PAPER, get_profile

DATA, SIZES = tiny_data(90), PAPER.with_options(backbone="small")
TRAINED = get_profile("smoke").with_options(steps=1, batch_size=12, groups=2, start="random")
RECORDS = {"data_version": "9", "pixels": "other", "steps": 99, "margin": 0.9, "seed": 7, "start_digest": "other"}


def trained(**changes):
    return load_or_train("csn", DATA, profile=TRAINED, progress=False, **changes)


def changed_record(folder, change):
    content = json.loads((folder / "result.json").read_text())
    change(content)
    (folder / "result.json").write_text(json.dumps(content))


def changed_state(path, change):
    tensors, state = read_checkpoint(path)
    change(tensors, state)
    write_checkpoint(path, tensors, state)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_of_other_settings_or_data_is_refused(name, project):
    folder = trained().folder
    changed_record(folder, lambda content: content["config"].update({name: RECORDS[name]}))
    with pytest.raises(FashionError, match=f"the record of another run .{name}"):
        trained()


def test_another_runs_weights_are_not_exported(project, tmp_path):
    first, second = trained(), trained(seed=1)
    shutil.copy(second.folder / "best.safetensors", first.folder)
    with pytest.raises(FashionError, match="is that of another run"):
        export_released(first.folder, tmp_path / "a.pth")
    assert not (tmp_path / "a.pth").exists()


@pytest.mark.parametrize("change", [
    lambda t, s: s["architecture"].update(method="csn"), lambda t, s: s.update(attributes=["a"]),
    lambda t, s: s["config"].update(epoch="x"), lambda t, s: s["config"].update(imported="x"),
    lambda t, s: s["data"].update(version="9"), lambda t, s: s.update(history={}), lambda t, s: t.clear(),
    lambda t, s: t.update({name: part * 0 for name, part in t.items()}), lambda t, s: s.update(more=1),
])  # fmt: skip
def test_an_imported_folder_is_that_of_its_file(change, project, tmp_path):
    torch.save(written.values(written.asen_v2(SCHEMA, SMALL)), tmp_path / "a.pth")
    run = load_released("asen", tmp_path / "a.pth", DATA, profile=SIZES)
    changed_state(run.folder / "best.safetensors", change)
    with pytest.raises(FashionError):
        load_released("asen", tmp_path / "a.pth", DATA, profile=SIZES)
