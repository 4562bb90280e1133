import numpy as np
import pytest
import torch
from tiny_data import SCHEMA, TinyModel, tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.data.augmentation import normalise
from fashion_lib.data.label_table import Labels
from fashion_lib.tasks.manipulation.manipulation_evaluation import rank_by_distance
from fashion_lib.tasks.retrieval.embedding import embed_images
from fashion_lib.tasks.retrieval.evaluation import evaluate, score_attribute
from fashion_lib.tasks.retrieval.ranking import rank


def ranked(query, gallery, **options):
    return np.concatenate([order for _, order in rank(query, gallery, **options)])


def unit(rng, *shape):
    rows = rng.standard_normal(shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_one_query_at_a_time_equals_the_full_matrix():
    rng = np.random.default_rng(0)
    gallery = unit(rng, 301, 24)
    gallery[100:200] = gallery[:100]  # exact ties
    gallery[200:300] = gallery[:100] + rng.normal(0, 1e-7, (100, 24)).astype(np.float32)  # differences near rounding
    query = np.concatenate([unit(rng, 20, 24), gallery[:17]])
    slices, orders = zip(*rank(query, gallery, budget_mib=0), strict=True)
    assert [s.stop - s.start for s in slices] == [1] * 37
    full = list(rank(query, gallery, budget_mib=1e6))
    assert len(full) == 1
    np.testing.assert_array_equal(np.concatenate(orders), full[0][1])
    assert full[0][1].dtype == np.int64


def test_ranking_is_by_cosine_whatever_the_lengths():
    rng = np.random.default_rng(1)
    query, gallery = rng.standard_normal((6, 8)), rng.standard_normal((50, 8)) * rng.uniform(0.1, 9, (50, 1))
    cosine = query @ gallery.T / np.linalg.norm(gallery, axis=1)
    np.testing.assert_array_equal(ranked(query, gallery), np.argsort(-cosine, axis=1))


def test_ties_go_to_the_lower_row():
    query = [[1.0, 0.0]]
    gallery = [[0.0, 1.0], [0.6, 0.8], [0.0, -1.0], [3.0, 4.0], [0.6, 0.8], [1.0, 0.0]]
    np.testing.assert_array_equal(ranked(query, gallery), [[5, 1, 3, 4, 0, 2]])


def test_the_query_itself_comes_last():
    gallery = unit(np.random.default_rng(2), 9, 4)
    images = np.arange(9)
    order = ranked(gallery[[3, 7]], gallery, query_images=images[[3, 7]], gallery_images=images)
    np.testing.assert_array_equal(order[:, -1], [3, 7])
    assert all(sorted(row) == list(range(9)) for row in order)


@pytest.mark.parametrize("budget", [float("nan"), float("inf"), -1, "64", None])
def test_a_budget_is_a_finite_number_from_0(budget):
    for one in (rank, rank_by_distance):
        with pytest.raises(FashionError, match="give a finite number of MiB from 0"):
            list(one(np.ones((2, 3)), np.ones((4, 3)), budget_mib=budget))


def test_there_is_one_image_for_each_embedding():
    for images in ({"query_images": [1], "gallery_images": range(4)}, {"query_images": [1, 2], "gallery_images": [0]}):
        with pytest.raises(FashionError, match="give one image per embedding"):
            ranked(np.ones((2, 3)), np.ones((4, 3)), **images)


def test_rank_refuses_what_has_no_order():
    with pytest.raises(FashionError, match="row 1 is not finite"):
        ranked(np.ones((2, 3)), np.array([[1, 2, 3], [1, np.nan, 3]]))
    with pytest.raises(FashionError, match="3 dimensions and the gallery 4"):
        ranked(np.ones((2, 3)), np.ones((2, 4)))


def brute_force(model, data, split):
    """Every AP from the definition, in plain loops."""
    found, answered = {}, {}
    with torch.no_grad():
        for a, name in enumerate(data.schema.names):
            sides = [data.encoded(split, role).of(a) for role in ("query", "candidate")]
            vectors = [model.embed(normalise(data.pixels[side.image]), torch.full((len(side),), a)).double().numpy()
                       for side in sides]
            precisions = []
            for q in range(len(sides[0])):
                order = sorted((n for n in range(len(sides[1])) if sides[1].image[n] != sides[0].image[q]),
                               key=lambda n, q=q, v=vectors: -float(v[0][q] @ v[1][n]))
                hits = [i for i, n in enumerate(order, start=1) if sides[1].value[n] == sides[0].value[q]]
                precisions.append(sum((j + 1) / i for j, i in enumerate(hits)) / max(1, len(hits)))
                answered[name] = answered.get(name, 0) + (not hits)
            found[name] = precisions
    return found, answered


@pytest.mark.parametrize("split", ["valid", "test"])
def test_evaluate_equals_the_definition(split):
    data, model = tiny_data(), TinyModel()
    found = evaluate(model, data, split, batch_size=7, budget_mib=0.001)
    expected, unanswered = brute_force(model, data, split)
    for name, values in expected.items():
        assert found.map[name] == pytest.approx(np.mean(values), abs=1e-6)
        assert found.queries[name] == len(values)
    assert found.without_relevant == unanswered
    assert found.overall == pytest.approx(np.mean([ap for values in expected.values() for ap in values]), abs=1e-6)
    assert found.macro == pytest.approx(np.mean([np.mean(v) for v in expected.values()]), abs=1e-6)
    assert found.local == pytest.approx(np.mean([np.mean(expected[name]) for name in SCHEMA.local]), abs=1e-6)
    assert found.percent()["map"]["overall"] == pytest.approx(100 * found.overall)
    assert set(found.recall) == {1, 10} and set(found.ndcg) == set(SCHEMA.names)
    assert len(set(found.queries.values())) > 1  # else query-weighted and macro could not differ


def test_each_image_passes_the_backbone_once_and_modes_come_back():
    data, model = tiny_data(), TinyModel().train()
    model.frozen.eval()
    evaluate(model, data, "test", batch_size=8, precision="bf16")
    assert model.passes == len(set(data.encoded("test").image.tolist()))
    assert model.training and not model.frozen.training
    assert model.autocasts == {True}
    evaluate(model, data, "test")
    assert model.autocasts == {True, False} and torch.is_grad_enabled()


def test_embed_images_keeps_order_and_repeats():
    data, model = tiny_data(), TinyModel()
    rows = np.array([9, 4, 9, 30])
    found = embed_images(model, data, rows, [0, 2], batch_size=2)
    assert model.passes == 3
    for attribute, vectors in found.items():
        expected = model.embed(normalise(data.pixels[rows]), torch.full((4,), attribute))
        torch.testing.assert_close(vectors, expected.detach())
        assert vectors.dtype == torch.float32 and not vectors.requires_grad
    with pytest.raises(FashionError, match="precision='fp8'"):
        embed_images(model, data, rows, [0], precision="fp8")


def test_queries_in_the_gallery_are_not_their_own_answer():
    images, values = np.array([0, 1, 2, 3]), np.array([0, 0, 1, 2])
    everything = Labels(images, np.zeros(4, int), values)
    vectors = np.eye(4, dtype=np.float32) + 0.1
    scores = score_attribute(vectors, vectors, everything, everything)
    np.testing.assert_array_equal(scores["answerable"], [True, True, False, False])
    np.testing.assert_allclose(scores["map"], [1, 1, 0, 0])


def test_an_attribute_without_queries_is_left_out_and_an_empty_split_refused():
    data = tiny_data()
    table = data.labels
    fewer = table[~((table.attribute == "hem") & (table.role == "query"))].reset_index(drop=True)
    assert set(evaluate(TinyModel(), tiny_data(labels=fewer), "test").map) == {"collar", "colour"}
    none = table[table.role != "query"].reset_index(drop=True)
    with pytest.raises(FashionError, match="'valid' of tiny has no query"):
        evaluate(TinyModel(), tiny_data(labels=none), "valid")


def test_no_local_attributes_means_no_local_average():
    data = tiny_data()
    table = data.labels[data.labels.attribute == "colour"].reset_index(drop=True)
    found = evaluate(TinyModel(), tiny_data(labels=table), "test")
    assert "local" not in found.scores["map"] and np.isnan(found.local)
