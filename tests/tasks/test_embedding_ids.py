"""What is not an attribute id or an image row is refused in one sentence, before the backbone runs."""

import numpy as np
import pytest
import torch
from tiny_data import TinyModel, tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.tasks.manipulation.manipulation_evaluation import represent_rows
from fashion_lib.tasks.retrieval import triplet_prediction
from fashion_lib.tasks.retrieval.branch_weights import embed_parts
from fashion_lib.tasks.retrieval.embedding import embed_images, embed_wanted
from fashion_lib.tasks.retrieval.evaluation import evaluate


@pytest.mark.parametrize("unknown, sentence", [
    (3, r"3 is not an attribute id of the model: choose one of 0 \(collar\), 1 \(hem\), 2 \(colour\)\."),
    (-1, "-1 is not an attribute id"),
    (np.int64(10**12), "1000000000000"),
    (torch.tensor(7), "is not an attribute id"),
    (1.0, "1.0 is not an attribute id"),
    (float("nan"), "nan is not an attribute id"),
    (None, "None is not an attribute id"),
    ((0, 1), "is not an attribute id"),
    ("collr", "did you mean 'collar'"),
    ("sleeve", "choose one of collar, hem, colour"),
    ("hem", "'hem' is given by name, but its id 1 is needed"),
])
def test_unknown_attribute_ids_are_named(unknown, sentence):
    data, model = tiny_data(), TinyModel()
    with pytest.raises(FashionError, match=sentence):
        embed_images(model, data, [0, 1], [0, unknown])
    for embed in (embed_wanted, embed_parts):
        with pytest.raises(FashionError, match=sentence):
            embed(model, data, {0: [0, 1], unknown: [0, 1]})
    for score in (evaluate, triplet_prediction.scores):
        with pytest.raises(FashionError, match=sentence):
            score(model, data, attributes=[unknown])
    assert model.passes == 0


@pytest.mark.parametrize("ids", [1, "hem", None])
def test_one_id_is_not_a_list(ids):
    with pytest.raises(FashionError, match="a list of ids is needed"):
        embed_images(TinyModel(), tiny_data(), [0, 1], ids)
    if ids is not None:
        with pytest.raises(FashionError, match="a list of ids is needed"):
            evaluate(TinyModel(), tiny_data(), attributes=ids)


@pytest.mark.parametrize("rows, sentence", [
    ([0, 60], "the image row 60 is not in the data set: choose rows from 0 to 59"),
    ([-1], "the image row -1 is not in the data set"),
    ([0.0, 1.5], "the image rows are float64"),
    ([True, False, True], "the image rows are bool"),
    (["000.png"], "the image rows are <U7"),
])
def test_rows_outside_the_data_set_are_named(rows, sentence):
    data, model = tiny_data(), TinyModel()
    with pytest.raises(FashionError, match=sentence):
        embed_parts(model, data, {0: rows})
    with pytest.raises(FashionError, match=sentence):
        represent_rows(model, data, rows)
    with pytest.raises(FashionError, match=sentence):
        embed_images(model, data, rows, [0])
    with pytest.raises(FashionError, match=sentence):
        embed_wanted(model, data, {0: [1], 2: rows})
    assert model.passes == 0


@pytest.mark.parametrize("ids", [[0, 2], (0, 2), np.array([0, 2]), torch.tensor([0, 2]), {0: "a", 2: "b"}])
def test_ids_of_every_integer_type_are_taken(ids):
    found = embed_images(TinyModel(), tiny_data(), np.array([3, 1], dtype=np.uint8), ids)
    assert {int(a): tuple(vectors.shape) for a, vectors in found.items()} == {0: (2, 5), 2: (2, 5)}
    assert embed_images(TinyModel(), tiny_data(), [], [0])[0].shape == (0, 5)


@pytest.mark.parametrize("size", [0, -1, 2.5, "8", float("nan")])
def test_a_batch_has_a_whole_number_of_images(size):
    data, model = tiny_data(), TinyModel()
    with pytest.raises(FashionError, match="is no number of images: give a whole number from 1"):
        embed_images(model, data, [0, 1], [0], batch_size=size)
    assert model.passes == 0


@pytest.mark.parametrize("size", [1, np.int64(2), 1000, None])
def test_the_batch_size_changes_no_embedding(size):
    found = embed_images(TinyModel(), tiny_data(), [3, 1, 3], [0], batch_size=size)[0]
    assert torch.allclose(found, embed_images(TinyModel(), tiny_data(), [3, 1, 3], [0])[0], atol=1e-6)
