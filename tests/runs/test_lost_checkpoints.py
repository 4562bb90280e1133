"""A finished run whose checkpoint is gone says so; it is neither trained over in silence nor loaded."""

import pytest
from tiny_data import tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.runs.record import RECORD_NAME
from fashion_lib.runs.run import load_or_train
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
@pytest.mark.parametrize("checkpoint", ["last", "best"])
@pytest.mark.parametrize("lose", [delete, dangle, into_a_folder])
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
