"""The block memory: residuals and prototypes by hand, its two losses against loops, and where prototypes start."""

import numpy as np
import pytest
import torch
from tiny_manipulation import BLOCKS, SCHEMA, random_labels, tiny_manipulation, vector

from fashion_lib.core.errors import FashionError
from fashion_lib.data.label_vectors import LabelVectors
from fashion_lib.methods.registry import build_model
from fashion_lib.parts.memory import AttributeMemory, consistency_loss, value_samples
from fashion_lib.tasks.manipulation.manipulation_evaluation import represent_rows
from fashion_lib.tasks.manipulation.manipulation_task import class_means
from fashion_lib.tasks.manipulation.operations import Operation, manipulation_vector

DIM = 2


@pytest.fixture
def memory():
    """Two dimensions an attribute; value v's whole mean feature is (10 v, 10 v + 1, ..., 10 v + 5)."""
    memory = AttributeMemory(DIM, BLOCKS)
    memory.initialise(10.0 * torch.arange(8)[:, None] + torch.arange(6.0))
    return memory


def test_the_matrix_is_block_diagonal_and_holds_each_values_own_subspace(memory):
    expected = torch.zeros(6, 8)
    for a, block in enumerate(BLOCKS):
        for v in range(block.start, block.stop):
            for d in range(DIM):
                expected[a * DIM + d, v] = 10 * v + a * DIM + d
    assert torch.equal(memory.weight, expected) and memory.off_block() == 0
    with torch.no_grad():
        memory.weight[0, 7], memory.weight[5, 0] = -2.0, 0.5  # colour in the garment's subspace, and the reverse
    assert memory.off_block() == 2.5


def test_a_residual_is_the_wanted_prototype_minus_the_present_one(memory):
    moves = [Operation("sleeve", "short", "none"), Operation("colour", "red", "blue")]
    v = torch.from_numpy(manipulation_vector(SCHEMA, moves, vector("top", "short", "red"))).float()
    # garment stays; sleeve: value 4 minus value 2; colour: value 7 minus value 5
    assert memory.residual(v[None]).tolist() == [[0, 0, 42 - 22, 43 - 23, 74 - 54, 75 - 55]]


def test_prototypes_side_by_side(memory):
    labels = torch.from_numpy(np.stack([vector("coat", "long", "red"), vector("top", None, ("red", "blue"))])).float()
    assert memory.prototypes(labels).tolist() == [[10, 11, 32, 33, 54, 55], [0, 1, 0, 0, 64, 65]]


def test_consistency_is_the_loop_and_skips_what_is_missing():
    generator = torch.Generator().manual_seed(0)
    f_c, moved, target = (torch.randn(5, 6, generator=generator) for _ in range(3))
    known = torch.tensor([[1, 1, 1], [1, 0, 1], [0, 0, 1], [0, 0, 0], [1, 1, 0]], dtype=torch.bool)
    total, count = 0.0, 0
    for i in range(5):
        for a in range(3):
            for d in range(DIM) if known[i, a] else ():
                x, y, z = (part[i, a * DIM + d].item() for part in (f_c, moved, target))
                total, count = total + abs(x - y) + abs(y - z) + abs(x - z), count + 1
    assert consistency_loss(f_c, moved, target, known).item() == pytest.approx(total / count)
    changed = moved.clone()
    changed[1, 2:4] = 99.0  # the second picture's missing sleeve
    changed[3] = -99.0
    assert torch.equal(consistency_loss(f_c, changed, target, known), consistency_loss(f_c, moved, target, known))
    assert consistency_loss(f_c, moved, target, torch.zeros_like(known)) == 0


def test_samples_have_the_value_they_stand_for():
    labels = random_labels(200)
    rows = np.arange(20, 200)
    for per_value, limit in ((7, 10), (None, 1000), (None, 40)):
        chosen = value_samples(labels, rows, np.random.default_rng(0), per_value, limit)
        for value, part in enumerate(chosen):
            assert labels.matrix[part, value].all() and part.min() >= 20
            if per_value:
                assert len(part) == per_value
            elif limit == 1000:
                assert np.array_equal(part, rows[labels.matrix[rows, value]])
    rare = LabelVectors(SCHEMA, np.stack([vector("top", "long", "red")] * 60 + [vector("coat", "short", "red")]))
    with pytest.raises(FashionError, match="no training picture has sleeve = none"):
        value_samples(rare, np.arange(61), np.random.default_rng(0), None, 10)
    whole = np.concatenate([np.flatnonzero(rare.matrix[:, 0]), [60]])
    everything = LabelVectors(SCHEMA, np.vstack([rare.matrix, vector("top", "none", ("green", "blue"))[None]]))
    chosen = value_samples(everything, np.append(whole, 61), np.random.default_rng(0), None, 2)
    assert chosen[1].tolist() == [60]  # missed by the evenly spread few, found among all


def test_class_means_are_the_mean_of_the_values_pictures():
    data = tiny_manipulation(60)
    model = build_model("yao2026", SCHEMA, start="random", dim=4)
    found = class_means(model, data, seed=0, precision="fp32")
    rows = data.rows("train")
    stored = represent_rows(model, data, rows)
    for value in range(8):
        having = torch.from_numpy(data.labels.matrix[rows, value])
        assert torch.allclose(found[value], stored[having].mean(0), atol=1e-5)
    model.initialise_memory(found)
    assert model.memory.off_block() == 0 and model.memory.weight.abs().sum() > 0
