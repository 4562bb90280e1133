"""Probes and shifts on features whose answer is known."""

import numpy as np
import pytest
import torch
from tiny_manipulation import BLOCKS, SCHEMA, tiny_manipulation

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import build_model
from fashion_lib.tasks.manipulation import accuracy, disentanglement
from fashion_lib.tasks.manipulation.manipulation_data import load_manipulation
from fashion_lib.training.profiles import get_profile


@pytest.fixture(scope="module")
def data():
    return tiny_manipulation(300)


@pytest.fixture(scope="module")
def model():
    return build_model("adde_m", SCHEMA, start="random", dim=3).eval()


def oracle(data):
    """Features (N, 9) whose subspace a is the one-hot value of attribute a and nothing else, noise where missing."""
    stored = torch.zeros(len(data.pixels), 3, 3)
    for a, block in enumerate(BLOCKS):
        stored[:, a, : block.stop - block.start] = torch.from_numpy(data.labels.matrix[:, block]).float()
    return (stored + 0.01 * torch.randn(stored.shape, generator=torch.Generator().manual_seed(0))).flatten(1)


@pytest.mark.parametrize("probe", ["linear", "neighbours"])
def test_a_probe_finds_each_attribute_in_its_subspace_and_chance_elsewhere(probe, data, model, monkeypatch):
    stored = oracle(data)
    monkeypatch.setattr(disentanglement, "represent_rows", lambda model, data, rows: stored[torch.from_numpy(rows)])
    table = disentanglement.probe_matrix(model, data, probe=probe)
    assert list(table.columns) == list(SCHEMA.names) and list(table.index) == [*SCHEMA.names, "most frequent"]
    test = data.rows("test")
    for a, name in enumerate(SCHEMA.names):
        assert table.loc[name, name] == 1
        off = table.loc[[other for other in SCHEMA.names if other != name], name]
        assert (off - 1 / (BLOCKS[a].stop - BLOCKS[a].start)).abs().max() < 0.25
        train = data.labels.matrix[data.rows("train")][data.labels.known[data.rows("train"), a]][:, BLOCKS[a]]
        held = data.labels.matrix[test][data.labels.known[test, a]][:, BLOCKS[a]]
        assert table.loc["most frequent", name] == pytest.approx(held[:, train.sum(0).argmax()].mean())


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_shifts_are_distances_over_typical_distances(model, monkeypatch, chunk):
    monkeypatch.setattr(disentanglement, "CHUNK", chunk)
    before = torch.zeros(4, 9)
    before[:, 0], before[:, 3], before[:, 6] = torch.arange(4.0), 2 * torch.arange(4.0), torch.tensor([0.0, 0, 0, 6])
    typical = disentanglement.typical_distances(model, before)
    pairs = [(i, j) for i in range(4) for j in range(4) if i != j]
    apart = np.mean([abs(i - j) for i, j in pairs])
    assert typical == pytest.approx([apart, 2 * apart, 3])
    after = before.clone()
    after[:, 4] += 5
    found = disentanglement.shifts(model, before, after, typical)
    assert np.allclose(found, [[0, 5 / typical[1], 0]] * 4)
    changed = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 1]], bool)
    measured = np.arange(12.0).reshape(4, 3)
    table = disentanglement.mean_by_change(measured, changed, SCHEMA.names)
    assert list(table.index) == ["garment", "colour"]
    assert np.allclose(table.loc["garment"], measured[[0, 1, 3]].mean(0))
    assert np.allclose(table.loc["colour"], measured[[2, 3]].mean(0))


def test_a_block_diagonal_memory_moves_nothing_else(data, model):
    model.initialise_memory(torch.randn(8, 9, generator=torch.Generator().manual_seed(1)))
    before, after, changed = disentanglement.manipulation_features(model, data)
    typical = disentanglement.typical_distances(model, before)
    moved = disentanglement.shifts(model, before, after, typical)
    assert (moved[~changed] < 1e-5).all() and (moved[changed] > 0).all()
    flips = disentanglement.prediction_changes(model, before, after)
    assert flips.shape == changed.shape and not flips[~changed].any()
    with torch.no_grad():
        names = [(model.logits(part)[:, block].argmax(1)) for part in (before, after) for block in BLOCKS]
    assert np.array_equal(flips[:, 2], (names[2] != names[5]).numpy())


@pytest.mark.slow
def test_twins_change_one_attribute_of_a_picture(model):
    profile = get_profile("smoke").with_options(wardrobe_images=1_500, wardrobe_seed=4, image_size=16)
    data = load_manipulation("wardrobe", profile)
    model = build_model("adde_m", data.schema, start="random", dim=3)
    before, after, changed = disentanglement.twin_features(model, data, count=2)
    assert before.shape == after.shape == (4, 9)
    assert (changed.sum(1) == 1).all() and changed.sum(0).tolist() == [0, 2, 2]
    assert ((after - before).abs().sum(1) > 0).all() and model.training
    again = disentanglement.twin_features(model, data, count=2)
    assert torch.equal(after, again[1])
    row = data.rows("test")[:3]
    same = disentanglement.represent_pixels(model, data.pixels[row])
    assert torch.allclose(same, disentanglement.represent_rows(model, data, row), atol=1e-5)


def test_what_cannot_be_measured_is_said(data):
    amnet = build_model("amnet", SCHEMA, start="random", dim=3)
    with pytest.raises(FashionError, match="AMNet keeps no subspace"):
        disentanglement.typical_distances(amnet, torch.zeros(3, 9))
    with pytest.raises(FashionError, match="Unknown probe 'mlp': choose one of linear, neighbours"):
        disentanglement.probe_table(data, data.rows("train"), data.rows("test"), None, None, (), "mlp")
    with pytest.raises(FashionError, match="'tiny_manipulation' cannot redraw"):
        disentanglement.twin_features(amnet, data)


def test_accuracy_counts_known_labels_only(data, model, monkeypatch):
    rows = data.rows("test")
    logits = torch.randn(len(data.pixels), 8, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(accuracy, "represent_rows", lambda *a, **k: logits[torch.from_numpy(rows)])
    monkeypatch.setattr(model, "logits", lambda stored: stored)
    found, hits = accuracy.classification_accuracy(model, data), {name: [] for name in SCHEMA.names}
    for row in rows:
        for name, block in zip(SCHEMA.names, BLOCKS, strict=True):
            if data.labels.matrix[row, block].any():
                hits[name].append(bool(data.labels.matrix[row, block][logits[row, block].argmax()]))
    assert found["overall"] == pytest.approx(np.mean(sum(hits.values(), [])))
    assert all(found[name] == pytest.approx(np.mean(part)) for name, part in hits.items())
    assert found["macro"] == pytest.approx(np.mean([np.mean(part) for part in hits.values()]))
    shares = []
    for block in BLOCKS:
        for column in range(block.start, block.stop):
            having = [row for row in rows if data.labels.matrix[row, column]]
            shares += [np.mean([data.labels.matrix[row, block][logits[row, block].argmax()] for row in having])]
    assert found["balanced"] == pytest.approx(np.mean(shares))
