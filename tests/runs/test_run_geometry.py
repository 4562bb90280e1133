"""A run that was trained on cropped photographs crops those that it indexes and searches."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tiny_data import tiny_data
from tiny_gallery import PROFILE, SIZE, alone, pictures

from fashion_lib.data.photographs import decode_photograph
from fashion_lib.data.picture_geometry import CENTRE_CROP, FITS, WHOLE
from fashion_lib.runs.gallery_index import index_gallery
from fashion_lib.runs.gallery_search import search_gallery
from fashion_lib.runs.run import load_or_train
from fashion_lib.runs.run_folder import open_run
from fashion_lib.tasks.retrieval.embedding import embed_images
from fashion_lib.training.checkpoint import read_checkpoint

pytestmark = pytest.mark.slow  # `make quick` leaves it out


@pytest.mark.parametrize("geometry", [CENTRE_CROP, WHOLE])
def test_a_gallery_is_prepared_as_the_training_pictures_were(geometry, tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path / "runs"))
    data = replace(tiny_data(60, pixels=pictures(60, SIZE)), geometry=geometry)
    run = load_or_train("asen", data, profile=PROFILE, progress=False)
    folder = alone(run, tmp_path / "alone")
    _, state = read_checkpoint(folder / "best.safetensors")
    assert state["inputs"]["preparation"]["fit"] == FITS[geometry]
    opened = open_run(folder)
    assert opened.geometry == open_run(run).geometry == geometry and opened.digest() == open_run(run).digest()
    other = replace(opened, geometry=WHOLE if geometry == CENTRE_CROP else CENTRE_CROP)
    assert other.digest() != opened.digest()

    names = [f"{number}.png" for number in range(8)]
    (tmp_path / "gallery").mkdir()
    for name, square in zip(names, pictures(8, 2 * SIZE, seed=5), strict=True):
        Image.fromarray(square[:, :SIZE]).save(tmp_path / "gallery" / name)  # portrait, 1 : 2
    index = index_gallery(folder, tmp_path / "gallery", progress=False)
    prepared = np.stack([decode_photograph(tmp_path / "gallery" / name, SIZE, geometry) for name in names])
    stand_in = type("Data", (), {"pixels": prepared})
    wanted = embed_images(run.model, stand_in, np.arange(8), [1], precision=run.history.precision)[1].numpy()
    held = np.fromfile(index.store.vectors("hem"), np.float16).reshape(-1, index.store.facts.width)
    found = np.stack([held[index.store.entries[name].row] for name in names])
    assert np.abs(found - wanted).max() < 1e-3
    assert (search_gallery(folder, tmp_path / "gallery" / "3.png", "hem").pixels == prepared[3]).all()
