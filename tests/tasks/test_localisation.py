import numpy as np
import pandas as pd
import pytest
import torch
from tiny_data import SIZE, TinyModel, tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.data.augmentation import normalise
from fashion_lib.tasks.retrieval.localisation import (
    best_fixed_point,
    energy,
    entropy,
    measure,
    pointing,
    scores,
    visible,
)
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training.config import TrainingConfig
from fashion_lib.training.history import TrainingHistory


def box(top, bottom, left, right, size=16):
    mask = np.zeros((size, size), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_pointing_looks_at_the_centre_of_the_strongest_cell():
    maps = torch.zeros(4, 4, 4)
    maps[0, 1, 2] = maps[1, 1, 2] = 1.0  # the centre of cell (1, 2) of 4 x 4 on 16 x 16 is the pixel (6, 10)
    maps[2, 0, 0] = maps[2, 3, 3] = 1.0  # of equals the first
    masks = np.stack([box(6, 7, 10, 11), ~box(6, 7, 10, 11), box(0, 4, 0, 4), box(0, 16, 0, 16)])
    np.testing.assert_array_equal(pointing(maps, masks), [True, False, True, False])


def test_energy_counts_cells_by_covered_area():
    rng = np.random.default_rng(0)
    maps, masks = rng.random((5, 4, 4)), rng.random((5, 16, 16)) < 0.3
    expected = []
    for one, mask in zip(maps, masks, strict=True):
        pixels = np.kron(one, np.ones((4, 4)))
        expected.append((pixels * mask).sum() / pixels.sum())
    np.testing.assert_allclose(energy(maps, masks), expected, rtol=1e-5)
    assert energy(np.zeros((1, 4, 4)), masks[:1]) == [0]


def test_energy_of_a_flat_map_is_the_area():
    mask = box(2, 9, 3, 12)[None]
    assert energy(np.ones((1, 4, 4)), mask)[0] == pytest.approx(mask.mean())


def test_entropy_is_one_for_a_flat_map_and_zero_for_a_single_cell():
    single = np.zeros((3, 3))
    single[1, 1] = 7
    half = np.zeros((3, 3))
    half[0, :2] = 0.5
    np.testing.assert_allclose(entropy(np.stack([np.full((3, 3), 0.2), single, half, np.zeros((3, 3))])),
                               [1, 0, np.log(2) / np.log(9), 1], atol=1e-12)


def test_best_fixed_point_is_where_most_masks_agree():
    assert best_fixed_point(np.stack([box(0, 8, 0, 8), box(5, 16, 6, 16), box(5, 6, 0, 16)])) == (5, 6)


def test_mismatched_shapes_are_refused():
    with pytest.raises(FashionError, match="do not match"):
        energy(np.ones((2, 4, 4)), np.ones((3, 16, 16), bool))
    with pytest.raises(FashionError, match="do not match"):
        pointing(np.ones((2, 4, 4)), np.ones((2, 16, 16)))


def quadrants(rows, attribute):
    """Train images carry the attribute top left, test images (row % 3 == 2) bottom right; some regions are hidden."""
    masks = np.zeros((len(rows), SIZE, SIZE), bool)
    for mask, row in zip(masks, rows, strict=True):
        if row % 4 == 1:
            continue
        mask[(slice(SIZE // 2, None),) * 2 if row % 3 == 2 else (slice(0, SIZE // 2),) * 2] = True
    return masks


def test_measure_uses_the_maps_of_forward_and_the_training_images_for_the_fixed_point():
    data, model = tiny_data(regions=quadrants), TinyModel()
    table = measure(model, data, "test", batch_size=5, limit=None).set_index("attribute")
    for a, name in enumerate(data.schema.names):
        rows = np.unique(data.encoded("test").of(a).image)
        rows = rows[rows % 4 != 1]
        features = model.features(normalise(data.pixels[rows]))
        maps = model.attend(features, torch.full((len(rows),), a)).maps["spatial"].detach()
        line = table.loc[name]
        assert line["images"] == len(rows)
        assert line["pointing"] == pytest.approx(pointing(maps, quadrants(rows, a)).mean())
        assert line["energy"] == pytest.approx(energy(maps, quadrants(rows, a)).mean())
        assert line["entropy"] == pytest.approx(entropy(maps).mean())
    assert (table["pointing_fixed"] == 0).all()  # chosen on training images, wrong for every test image
    assert (table["pointing_centre"] == 1).all()  # pixel (8, 8) opens the lower right quadrant
    np.testing.assert_allclose(table["pointing_area"], 0.25)
    np.testing.assert_allclose(table["energy_area"], 0.25)


def test_scores_are_what_a_run_record_holds():
    table = measure(TinyModel(), tiny_data(regions=quadrants), "test", limit=6)
    assert (table["images"] <= 6).all()
    found = scores(table)
    assert set(found["pointing"]) == {"collar", "hem", "colour", "macro", "local"}
    assert found["energy"]["local"] == pytest.approx(table[table.scope == "local"]["energy"].mean())
    assert set(found) == {"pointing", "energy", "entropy", "pointing_area", "pointing_centre", "pointing_fixed",
                          "energy_area"}


def test_a_run_in_half_precision_is_localised_in_float32(monkeypatch):
    model, inside = TinyModel(), []

    def noted(*args, **options):
        model.autocasts.clear()
        table = measure(*args, **options)
        inside.append(set(model.autocasts))
        return table

    monkeypatch.setattr("fashion_lib.tasks.retrieval.localisation.measure", noted)
    RETRIEVAL.measured(model, tiny_data(regions=quadrants), TrainingConfig(), TrainingHistory(precision="bf16"))
    assert inside == [{False}]
    model.autocasts.clear()
    RETRIEVAL.measured(model, tiny_data(), TrainingConfig(), TrainingHistory(precision="bf16"))
    assert model.autocasts == {True}, "all other scores are in the training's precision"


def test_a_second_map_is_named():
    table = measure(TinyModel(), tiny_data(regions=quadrants), "test")
    found = scores(pd.concat([table, table.assign(map="global", pointing=0.0)]))
    assert found["pointing[global]"]["macro"] == 0 and found["pointing"]["macro"] == table["pointing"].mean()
    assert "pointing_area[global]" not in found


def test_without_maps_no_rows_and_without_regions_an_error():
    model = TinyModel()
    with pytest.raises(FashionError, match="tiny does not know the pixels"):
        measure(model, tiny_data(), "test")
    attend = model.attend
    model.attend = lambda *args: type(attend(*args))(attend(*args).embedding)
    assert measure(model, tiny_data(regions=quadrants), "test").empty
    assert scores(measure(model, tiny_data(regions=quadrants), "test")) == {}


def test_visible_keeps_the_pictures_whose_region_has_a_pixel():
    rows = tiny_data().encoded("test").of(2).image
    data = tiny_data(regions=quadrants)
    kept = [row for row in rows.tolist() if data.regions(np.array([row]), 2).any()]
    assert visible(data, rows, 2).tolist() == kept and 0 < len(kept) < len(rows)
    assert np.array_equal(visible(tiny_data(), rows, 2), rows)
