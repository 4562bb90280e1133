"""A finished run whose checkpoint is gone says so; it is neither trained over in silence nor loaded."""

import pytest
import torch
from tiny_data import tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.runs.record import RECORD_NAME
from fashion_lib.runs.run import load_or_train
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training.checkpoint import read_checkpoint
from fashion_lib.training.profiles import SMOKE

PROFILE = SMOKE.with_options(image_size=16, steps=2, batch_size=12, groups=2, start="random")


def a_run(method):
    return load_or_train(method, tiny_data(90), profile=PROFILE, progress=False)


def delete(file):
    file.unlink()


def dangle(file):
    file.unlink()
    file.symlink_to(file.with_name("nowhere"))


def into_a_folder(file):
    file.unlink()
    file.symlink_to(file.parent)


@pytest.mark.parametrize("method", ["csn", "random"])
@pytest.mark.parametrize(
    ("checkpoint", "lose"),
    [("last", delete), *((name, lose) for name in ("last", "best") for lose in (dangle, into_a_folder))],
)
def test_a_finished_run_without_a_checkpoint_is_refused(method, checkpoint, lose, project):
    folder = a_run(method).folder
    record = (folder / RECORD_NAME).read_bytes()
    lose(folder / f"{checkpoint}.safetensors")
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(FashionError, match=rf"{checkpoint}\.safetensors.*(delete|train)"):
        a_run(method)
    assert sorted(path.name for path in folder.iterdir()) == before
    assert (folder / RECORD_NAME).read_bytes() == record


@pytest.mark.parametrize("lose", [dangle, into_a_folder])
def test_an_unfinished_run_whose_last_checkpoint_leads_nowhere_is_not_begun_anew(lose, project):
    folder = a_run("csn").folder
    (folder / RECORD_NAME).unlink()
    lose(folder / "last.safetensors")
    with pytest.raises(FashionError, match=r"last\.safetensors"):
        a_run("csn")
    assert (folder / "last.safetensors").is_symlink() and not (folder / RECORD_NAME).exists()


def test_deleted_best_weights_are_written_again_where_the_last_checkpoint_holds_them(project):
    made = a_run("csn")
    assert made.history.best_step == made.history.step
    tensors, _ = read_checkpoint(made.folder / "best.safetensors")
    delete(made.folder / "best.safetensors")
    assert a_run("csn").record == made.record
    again, _ = read_checkpoint(made.folder / "best.safetensors")
    assert tensors.keys() == again.keys() and all(torch.equal(tensors[name], again[name]) for name in tensors)


def test_best_weights_of_an_earlier_step_cannot_be_made_again(project, monkeypatch):
    scores = iter([0.9, 0.1, 0.5, 0.5])
    monkeypatch.setattr(RETRIEVAL.__class__, "score", lambda *_: next(scores))
    profile = PROFILE.with_options(evaluations=2)
    made = load_or_train("csn", tiny_data(90), profile=profile, progress=False)
    assert made.history.best_step < made.history.step
    delete(made.folder / "best.safetensors")
    with pytest.raises(FashionError, match="best weights, best.safetensors, are missing: delete that folder"):
        load_or_train("csn", tiny_data(90), profile=profile, progress=False)
