"""ADDE-M, variant "code", against plain functions of the same weights: features, losses, gradients, parameters."""

import numpy as np
import pytest
import torch
from oracles import adde
from tiny_manipulation import BLOCKS, SCHEMA, random_labels

from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.data.label_vectors import value_blocks
from fashion_lib.methods.complexity import parameter_count
from fashion_lib.methods.manipulation_base import TupleLabels
from fashion_lib.methods.registry import build_model
from fashion_lib.parts.subspaces import TrunkMap
from fashion_lib.tasks.manipulation.operations import target_labels

SIZES = [block.stop - block.start for block in BLOCKS]
COUNTS = (5, 5, 5, 10, 8, 6, 6, 9)  # values per attribute of FashionAI: 54 in all
FASHIONAI = Schema(tuple(
    Attribute(f"a{i}", tuple(f"v{k}" for k in range(count)), "local") for i, count in enumerate(COUNTS)
))  # fmt: skip


def theirs(model):
    """The model's tensors of the heads and the memory under the authors' names, as leaves of their own."""
    found = {}
    for name, tensor in model.state_dict().items():
        place = name.split(".")
        if name.startswith("branches."):
            found[f"dis_proj.{place[1]}.{place[4]}.{place[5]}"] = tensor
        elif name.startswith("classifier."):
            found[f"attr_classifier.{place[2]}.0.{place[3]}"] = tensor
    found["Memory.weight"] = model.memory.weight
    return {name: tensor.detach().clone().requires_grad_() for name, tensor in found.items()}


def our_gradients(model):
    """The gradients under the authors' names."""
    found = {f"dis_proj.{i}.{k}.{part}": getattr(branch.afd.layers[k], part).grad
             for i, branch in enumerate(model.branches) for k in (0, 2) for part in ("weight", "bias")}  # fmt: skip
    found |= {f"attr_classifier.{i}.0.{part}": getattr(layer, part).grad
              for i, layer in enumerate(model.classifier.layers) for part in ("weight", "bias")}  # fmt: skip
    return found | {"Memory.weight": model.memory.weight.grad}


def close(found, expected):
    assert found.shape == expected.shape
    return bool((found - expected).detach().abs().max() <= 1e-6 * expected.detach().abs().max())


def tuples(schema, count, seed, missing=0.4):
    """Label vectors of `count` queries, targets and negatives, some labels missing, and the operations."""
    blocks, rng = value_blocks(schema), np.random.default_rng(seed)
    matrix = np.zeros((3 * count, blocks[-1].stop), bool)
    for block in blocks:
        chosen = rng.integers(block.start, min(block.start + 2, block.stop), size=3 * count)
        matrix[np.arange(3 * count), chosen] = rng.random(3 * count) > missing
    vectors = np.zeros((count, blocks[-1].stop), np.float64)
    for row in range(count):
        block = blocks[row % len(blocks)]
        matrix[row, block] = False
        matrix[row, block.start] = True
        vectors[row, [block.start, block.start + 1]] = -1, 1
        matrix[count + row] = target_labels(matrix[row], vectors[row])
    return matrix, vectors


def labels_of(schema, matrix, vectors):
    blocks, count = value_blocks(schema), len(vectors)
    held, wanted = torch.from_numpy(matrix), torch.from_numpy(target_labels(matrix[:count], vectors))
    known, wanted_known = (torch.stack([part[:, b].any(1) for b in blocks], 1) for part in (held, wanted))
    return TupleLabels(held, known, torch.from_numpy(vectors), wanted, wanted_known)


def numbers_of(schema, matrix):
    """int64 (B, N): the value of each attribute, -1 where it is missing."""
    blocks = value_blocks(schema)
    return torch.from_numpy(np.stack([np.where(matrix[:, b].any(1), matrix[:, b].argmax(1), -1) for b in blocks], 1))


def in_doubles(schema, **settings):
    model = build_model("adde_m", schema, variant="code", start="random", **settings).double()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        model.memory.weight.copy_(0.3 * torch.randn(model.memory.weight.shape, generator=generator))
    return model


def compare_both_stages(model, schema, x, matrix, vectors):
    count, labels = len(vectors), labels_of(schema, matrix, vectors)
    sizes = [len(attribute.values) for attribute in schema]
    values = numbers_of(schema, matrix)
    for stage in (False, True):
        model.memory_stage = stage
        model.zero_grad()
        mine, weights = x.clone().requires_grad_(), theirs(model)
        other = x.clone().requires_grad_()
        represented = model.represent(TrunkMap(mine[:, :, None, None], None))
        assert close(represented, torch.cat(adde.subspaces(weights, other, len(schema)), 1))
        terms = (model.memory_losses if stage else model.feature_losses)(represented, labels, 0.2)
        if stage:
            u = torch.from_numpy(vectors)
            expected = adde.stage_2(weights, other.split(count), values.split(count), u, sizes)
            moved = adde.manipulated(weights, represented[:count], u)
            assert close(model.comparable(model.manipulate(represented[:count], u)), adde.unit(moved))
        else:
            expected = adde.stage_1(weights, other, values)
        assert terms.keys() == expected.keys()
        for name, term in terms.items():
            assert term.item() == pytest.approx(expected[name].item(), rel=1e-6, abs=1e-9), name
        sum(terms.values()).backward()
        sum(expected.values()).backward()
        assert close(mine.grad, other.grad)
        for name, gradient in our_gradients(model).items():
            if weights[name].grad is None:  # the memory in stage 1, or a classifier that no row has a label for
                assert gradient is None or not gradient.any(), name
            else:
                assert close(gradient, weights[name].grad), name
    return terms


@pytest.mark.parametrize("seed", range(4))
def test_both_stages_are_the_equations(seed):
    model = in_doubles(SCHEMA, dim=5)
    assert [tuple(layer.weight.shape) for layer in model.branches[0].afd.layers[::2]] == [(5, 128), (5, 5)]
    matrix, vectors = tuples(SCHEMA, 5, seed)
    x = torch.randn(15, 128, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    terms = compare_both_stages(model, SCHEMA, x, matrix, vectors)
    assert all(term.item() > 0 for term in terms.values())


@pytest.mark.parametrize("kept", [(0,), (0, 1), (2, 3, 3)])
def test_a_batch_of_one_label_or_without_pairs(kept):
    """Rows of `kept` repeat: no positive pair, or no negative."""
    model = in_doubles(SCHEMA, dim=3)
    labels = random_labels(4, missing=0.0).matrix
    matrix = np.concatenate([labels[list(kept)]] * 3) if len(kept) > 1 else np.concatenate([labels[:1]] * 3)
    vectors = np.zeros((len(kept), 8))
    x = torch.randn(len(matrix), 128, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    compare_both_stages(model, SCHEMA, x, matrix, vectors)


def test_several_values_of_one_attribute_are_a_label_of_their_own():
    """The course's reading: equal sets of values are equal labels, and prototypes of several values are added."""
    model = in_doubles(SCHEMA, dim=3)
    both = np.zeros((3, 8), bool)
    both[:, 0], both[0, [5, 6]], both[1, 5], both[2, [5, 6]] = True, True, True, True
    found = model.memory_losses(torch.randn(3, 9, dtype=torch.float64), labels_of(SCHEMA, both, np.zeros((1, 8))), 0.2)
    assert all(torch.isfinite(term) for term in found.values())
    assert torch.allclose(model.memory.residual(torch.from_numpy(both[:1])),
                          model.memory.weight[:, [0, 5, 6]].sum(1)[None])  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("backbone", "parameters"), [("alexnet", 69_240_494), ("resnet18", 13_664_686)])
def test_at_the_papers_size(backbone, parameters):
    model = build_model("adde_m", FASHIONAI, variant="code", backbone=backbone, start="random").eval()
    assert parameter_count(model) == parameters and model.embedding_dim == 340
    images = torch.randn(3, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    names = {"trunk.backbone.": "", "trunk.stage4.": "layer4.", "trunk.fc7.layers.": "classifier."}
    network = {new + name.removeprefix(old): tensor for name, tensor in model.state_dict().items()
               for old, new in names.items() if name.startswith(old)}  # fmt: skip
    with torch.no_grad():
        found, expected = model.features(images).image_map.mean((2, 3)), adde.backbone(backbone, network, images)
    assert close(found, expected)
    matrix, vectors = tuples(FASHIONAI, 2, 0, missing=0.1)
    x = torch.cat([expected, expected.flip(1)]).double()
    compare_both_stages(model.double(), FASHIONAI, x, matrix, vectors)


def test_shapes_at_the_papers_size_have_the_published_number_of_parameters():
    for backbone, parameters in (("alexnet", 69_240_494), ("resnet18", 13_664_686)):
        with torch.device("meta"):
            model = build_model("adde_m", FASHIONAI, variant="code", backbone=backbone, start="random")
        assert parameter_count(model) == parameters
        assert sum(len(attribute.values) for attribute in FASHIONAI) == 54


def test_fc7_drops_half_in_training_and_nothing_in_evaluation():
    model = build_model("adde_m", SCHEMA, variant="code", backbone="alexnet", start="random", dim=2)
    image_map = torch.randn(1, 256, 2, 2).relu()
    with torch.no_grad():
        trained = [model.trunk.fc7(image_map) for _ in range(2)]
        model.eval()
        fixed = [model.trunk.fc7(image_map) for _ in range(2)]
    assert not torch.equal(*trained) and torch.equal(*fixed) and fixed[0].shape == (1, 4096, 1, 1)
