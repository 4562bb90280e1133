"""The runs that ship with the course: small files, whole records, and the scores that their records name."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.explorer import shipping
from fashion_lib.explorer.explored_data import pictures_of
from fashion_lib.explorer.explored_runs import WEIGHTS, explored_model, explored_runs
from fashion_lib.explorer.shipping import LARGEST, LOSS, TOLERANCE, ship_run
from fashion_lib.tasks.retrieval.embedding import embed_images
from fashion_lib.tasks.retrieval.metrics import average_precision
from fashion_lib.tasks.retrieval.ranking import rank


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path / "none"))
    runs, notes = explored_runs()
    assert notes == []
    return runs


def test_every_shipped_run_is_small_and_says_where_it_comes_from(shipped):
    assert {run.folder for run in shipped} == {
        path for path in paths.shipped_runs_dir().iterdir() if path.is_dir()
    }
    assert [run.manipulates for run in shipped] == sorted(run.manipulates for run in shipped)
    assert {"asen", "triplet"} <= {run.record.method for run in shipped} and any(
        run.manipulates for run in shipped
    )
    for run in shipped:
        assert (run.folder / WEIGHTS).stat().st_size < LARGEST
        assert run.record.commit != "unknown" and run.record.profile == "laptop" and run.record.metrics
        cost = run.record.config[LOSS]
        assert abs(cost["before"] - cost["after"]) <= TOLERANCE


@pytest.mark.slow
def test_a_shipped_run_answers_as_well_as_its_record_says(shipped, tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path))  # nothing is drawn yet, as in a clean clone
    run = next(run for run in shipped if run.record.method == "asen")
    data = pictures_of(run.record)
    model, number = explored_model(run, data), data.schema.index("lapel_design")
    vectors, labels = [], []
    for role in ("query", "candidate"):
        of = data.encoded("test", role).of(number)
        vectors.append(embed_images(model, data, of.image, [number], precision=run.record.precision)[number])
        labels.append(of.value)
    order = np.concatenate([part for _, part in rank(*vectors)])
    scores = average_precision(labels[1][order] == labels[0][:, None])
    assert 100 * scores.mean() == pytest.approx(run.record.metrics["map"]["lapel_design"], abs=2.0)
    assert not list(tmp_path.glob("*.pixels")) and len(data.pixels._drawn) == len(labels[0]) + len(labels[1])
    assert torch.isfinite(vectors[0]).all()


def test_pictures_drawn_when_read_are_those_of_the_cache():
    from fashion_lib.data.sets.wardrobe import Wardrobe
    from fashion_lib.data.sets.wardrobe.drawn_when_read import DrawnWhenRead

    wardrobe = Wardrobe(0, 40, 32)
    pixels = DrawnWhenRead(wardrobe)
    assert pixels.shape == (40, 32, 32, 3) and len(pixels) == 40 and pixels[3].shape == (32, 32, 3)
    assert np.array_equal(pixels[[5, 3, 5]], wardrobe.images(range(6))[[5, 3, 5]])
    assert np.array_equal(pixels[np.arange(40) < 2], wardrobe.images(range(2))) and pixels[4:6].shape[0] == 2


@pytest.mark.slow
def test_an_own_run_comes_first_and_can_be_shipped(tmp_path, monkeypatch):
    import fashion_lib as fl

    monkeypatch.setenv("FASHION_RUNS", str(tmp_path / "runs"))
    profile = fl.profile("smoke").with_options(steps=2, wardrobe_images=1_200, image_size=32, precision="fp32")
    trained = fl.load_or_train("triplet", profile=profile, progress=False)
    own = explored_runs()[0][0]
    assert own.folder == trained.folder and not own.shipped and "your run" in own.source
    data = pictures_of(own.record)
    assert data.version == trained.data.version and data.image_size == 32
    weights = explored_model(own, data).state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in trained.model.state_dict().items())
    with monkeypatch.context() as strict, pytest.raises(FashionError, match="more than 1,000: ship a smaller run"):
        strict.setattr(shipping, "LARGEST", 1_000)
        ship_run(trained.folder, tmp_path / "shipped")
    assert not (tmp_path / "shipped").exists(), "a refused run leaves nothing, neither new nor over an accepted one"
    place = ship_run(trained.folder, tmp_path / "shipped")
    monkeypatch.setattr(paths, "shipped_runs_dir", lambda: tmp_path / "shipped")
    (found,) = (run for run in explored_runs()[0] if run.shipped)
    assert found.folder == place and found.record.metrics == own.record.metrics
    with pytest.raises(FashionError, match="ship it anew"):
        explored_model(found, replace(data, edition="other"))
    (own.folder / "result.json").write_text("{")
    runs, notes = explored_runs()
    assert [run.shipped for run in runs] == [True] and "cannot be read" in notes[0]
