"""Feature reasoning against autograd and loops (IPAD eq. 12, 13, 17), and what happens to rankings and records."""

import copy
import dataclasses
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_data import tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.data.label_table import Labels
from fashion_lib.runs.ledger import collect, local_records
from fashion_lib.runs.reranked import ReasoningConfig, held_out, load_or_rerank
from fashion_lib.runs.run import load_or_train
from fashion_lib.runs.stored import add_missing_retrieval_scores
from fashion_lib.tasks.retrieval.evaluation import evaluate, score_attribute
from fashion_lib.tasks.retrieval.metrics import average_precision
from fashion_lib.tasks.retrieval.ranking import rank
from fashion_lib.tasks.retrieval.reranking import (
    FeatureReasoning,
    Reranker,
    cosine_matrix,
    feature_step,
    reasoning_loss,
    train_reasoning,
)
from fashion_lib.training.profiles import get_profile


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def reasoning_that_acts(nodes=4, seed=0, **options):
    """Before training it proposes nothing; here the last layer is drawn, so that it does."""
    torch.manual_seed(seed)
    reasoning = FeatureReasoning(nodes, **options)
    torch.nn.init.normal_(reasoning.network.layers[-1].weight, std=0.2)
    return reasoning


def test_similarities_are_cosines():
    features = torch.randn(2, 5, 3, generator=generator())
    found = cosine_matrix(features)
    for q in range(2):
        for i in range(5):
            for j in range(5):
                a, b = features[q, i].tolist(), features[q, j].tolist()
                expected = sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)
                assert found[q, i, j].item() == pytest.approx(expected, abs=1e-5)


def test_equation_13_as_printed_is_autograd_of_one_side_and_half_of_the_whole_gradient():
    features = torch.randn(6, 4, generator=generator()).double().requires_grad_()
    target = torch.rand(6, 6, generator=generator(1)).double()
    target = (target + target.T) / 2
    moved = feature_step(features, cosine_matrix(features), target, 0.3) - features
    for i in range(6):  # sum over j of (target_ij - s_ij) d s_ij / d f_i, f_i alone being free
        others = features.detach()
        free = others[i].clone().requires_grad_()
        total = 0.0
        for j in range(6):
            end = free if j == i else others[j]
            similarity = (free @ end) / free.norm() / end.norm()
            total = total + (target[i, j] - similarity.detach()) * similarity
        total.backward()
        assert torch.allclose(moved[i], 0.3 * free.grad, atol=1e-12)
    delta = (target - cosine_matrix(features)).square().sum() / 2
    (whole,) = torch.autograd.grad(delta, features)
    assert torch.allclose(moved, -0.3 * whole / 2, atol=1e-12)  # Delta_f meets each pair twice


def test_a_step_brings_similarities_nearer_to_their_target():
    features, target = torch.randn(8, 5, generator=generator()), torch.eye(8)
    before = (target - cosine_matrix(features)).square().sum()
    after = (
        (target - cosine_matrix(feature_step(features, cosine_matrix(features), target, 0.1))).square().sum()
    )
    assert after < before


@pytest.mark.parametrize("nodes", [3, 5, 9])
@torch.no_grad()
def test_proposals_are_summed_neighbourhood_by_neighbourhood(nodes):
    reasoning = reasoning_that_acts(nodes)
    similarity = cosine_matrix(torch.randn(2, 6, 4, generator=generator()))
    found = reasoning.update(similarity)
    for q in range(2):
        total = torch.zeros(6, 6)
        for i in range(6):
            near = sorted(range(6), key=lambda j: -similarity[q, i, j].item())[:nodes]
            assert near[0] == i  # the centre itself
            inside = torch.zeros(nodes, nodes)
            for a, row in enumerate(near):
                for b, column in enumerate(near):
                    inside[a, b] = similarity[q, row, column]
            change = reasoning.network(inside)
            for a, row in enumerate(near):
                for b, column in enumerate(near):
                    total[row, column] += change[a, b]
        assert torch.allclose(found[q], total, atol=1e-5)
        assert torch.allclose(found[q], found[q].T, atol=1e-5)


@torch.no_grad()
def test_permuted_images_give_the_permuted_result():
    reasoning = reasoning_that_acts(5)
    features = torch.randn(3, 12, 8, generator=generator())
    found = reasoning(features)
    assert not torch.allclose(found, features, atol=1e-2)
    for seed in range(3):
        order = torch.randperm(12, generator=generator(seed))
        assert torch.allclose(reasoning(features[:, order]), found[:, order], atol=1e-5)


@torch.no_grad()
def test_permuted_candidates_give_the_same_ranking_of_pictures():
    query, gallery = torch.randn(4, 8, generator=generator()), torch.randn(20, 8, generator=generator(1))
    reranker = Reranker(reasoning_that_acts(5), length=9)
    permuted = torch.randperm(20, generator=generator(2))
    (_, order), (_, other) = next(rank(query, gallery)), next(rank(query, gallery[permuted]))
    found, again = reranker(query, gallery, order), reranker(query, gallery[permuted], other)
    assert np.array_equal(found, permuted.numpy()[again]) and not np.array_equal(found, order)


@torch.no_grad()
def test_untrained_reasoning_changes_nothing():
    features = torch.randn(2, 7, 4, generator=generator())
    for reasoning in (FeatureReasoning(4), FeatureReasoning(12)):
        assert torch.allclose(reasoning(features), features, atol=1e-6)


def test_the_fr_contrastive_loss_is_equation_17_written_out():
    similarity = cosine_matrix(torch.randn(3, 6, 4, generator=generator()))
    values = torch.tensor(
        [[1, 1, 0, 1, 2, 0], [0, 0, 1, 2, 2, 2], [2, 0, 1, 1, 0, 0]]
    )  # the last: no second image
    terms = []
    for s, y in zip(similarity.tolist(), values.tolist(), strict=True):
        for i in range(6):
            for j in range(6):
                if i != j and y[i] == y[j] == y[0]:
                    away = sum(math.exp(s[i][k] / 0.07) for k in range(6) if y[k] != y[i])
                    terms.append(-math.log(math.exp(s[i][j] / 0.07) / (math.exp(s[i][j] / 0.07) + away)))
    assert len(terms) == 6 + 2
    assert reasoning_loss(similarity, values).item() == pytest.approx(sum(terms) / len(terms), rel=1e-5)
    nothing = similarity.clone().requires_grad_()
    for lone in (torch.zeros(3, 6, dtype=torch.int64), torch.arange(6).expand(3, 6)):
        loss = reasoning_loss(nothing, lone)  # no other value; no second image of the query's
        assert loss.item() == 0 and torch.autograd.grad(loss, nothing)[0].abs().sum() == 0


@pytest.mark.parametrize(
    ("candidates", "length"), [(30, 10), (30, 31), (30, 500), (2, 500), (1, 500), (30, 2)]
)
@torch.no_grad()
def test_only_the_first_candidates_change_places_however_many_there_are(candidates, length):
    query, gallery = (
        torch.randn(5, 8, generator=generator()),
        torch.randn(candidates, 8, generator=generator(1)),
    )
    reasoning = reasoning_that_acts(6)
    (_, order), reranker = next(rank(query, gallery)), Reranker(reasoning, length, batch=2)
    found, top = reranker(query, gallery, order), min(length - 1, candidates)
    assert np.array_equal(np.sort(found, axis=1), np.sort(order, axis=1))
    assert np.array_equal(found[:, top:], order[:, top:])
    if top < 2:
        assert np.array_equal(found, order)
        return
    for q in range(5):  # one query alone, by the features themselves
        sequence = torch.cat([query[q, None], gallery[order[q, :top]]])[None]
        similarity = cosine_matrix(reasoning(sequence))[0, 0, 1:].tolist()
        expected = [order[q, k] for k in sorted(range(top), key=lambda k: -similarity[k])]
        assert found[q, :top].tolist() == expected


@torch.no_grad()
def test_scores_are_those_of_the_new_order_and_a_querys_own_picture_stays_last():
    rng = np.random.default_rng(0)
    vectors = F.normalize(torch.randn(16, 8, generator=generator()), dim=1)
    queries = Labels(np.array([0, 1, 40]), np.zeros(3, np.int64), np.array([0, 1, 0]))
    candidates = Labels(np.arange(16), np.zeros(16, np.int64), rng.integers(0, 2, 16))
    query = torch.cat(
        [vectors[:2], torch.randn(1, 8, generator=generator(1))]
    )  # two queries are candidates themselves
    reranker = Reranker(reasoning_that_acts(5), length=500)
    scores = score_attribute(query, vectors, queries, candidates, rerank=reranker)
    for q in range(2):
        similarity = (vectors @ query[q]).tolist()
        free = sorted((k for k in range(16) if k != q), key=lambda k: -similarity[k])
        order = reranker(query[q : q + 1], vectors, np.array([free]))[0]
        relevance = candidates.value[order] == queries.value[q]
        assert scores["map"][q] == pytest.approx(float(average_precision(relevance[None])[0]))


def clustered(count=60, dim=8, values=3, noise=0.9, seed=0):
    """Unit vectors around one direction a value, with more noise than a ranking can do with."""
    draw = generator(seed)
    centres = torch.randn(values, dim, generator=generator(99))
    labels = torch.randint(0, values, (count,), generator=draw)
    vectors = F.normalize(centres, dim=1)[labels] + noise * torch.randn(count, dim, generator=draw)
    return F.normalize(vectors, dim=1), labels


@pytest.mark.slow
def test_training_lowers_the_loss_and_helps_other_samples_of_the_same_kind():
    pools = [clustered(120, seed=seed) for seed in range(2)]
    torch.manual_seed(0)
    reasoning = FeatureReasoning(8)
    losses = train_reasoning(reasoning, pools, steps=150, candidates=60)
    assert len(losses) == 150 and np.mean(losses[-20:]) < np.mean(losses[:20])
    vectors, values = clustered(200, seed=7)
    sizes = (slice(0, 40), slice(40, 200))
    labels = [
        Labels(np.arange(200)[part], np.zeros(len(values[part]), np.int64), values[part].numpy())
        for part in sizes
    ]
    scores = [score_attribute(*(vectors[part] for part in sizes), *labels, rerank=rerank)["map"].mean()
              for rerank in (None, Reranker(reasoning))]  # fmt: skip
    assert scores[1] > scores[0]
    torch.manual_seed(0)
    other = FeatureReasoning(8)
    assert train_reasoning(other, pools, steps=150, candidates=60) == losses  # decided by its seed


def test_samples_that_teach_nothing_are_refused():
    vectors = torch.randn(4, 3, generator=generator())
    empty = torch.tensor([], dtype=torch.int64)
    useless = [(vectors, torch.arange(4)), (vectors, torch.zeros(4, dtype=torch.int64)), (vectors[:0], empty)]
    with pytest.raises(FashionError, match="no attribute has two held-out samples"):
        train_reasoning(FeatureReasoning(3), useless, steps=1)
    for options in ({"nodes": 1}, {"nodes": 2.5}, {"steps": 0}, {"steps": 1.5}, {"hidden": 0}, {"nodes": "12"}):
        with pytest.raises(FashionError, match="use a whole number from"):
            FeatureReasoning(**options)
    for rho in (0.0, math.nan, "0.3"):
        with pytest.raises(FashionError, match="use a step above 0"):
            FeatureReasoning(rho=rho)


def test_held_out_samples_are_training_pictures_with_labels_that_training_did_not_use():
    data = tiny_data(90)
    rows, values = held_out(data, 2, 500)  # colour: the second or third label of most pictures
    known, used = data.encoded("train", labels="all").of(2), data.encoded("train").of(2)
    assert set(rows) == set(known.image) - set(used.image) and len(rows)
    assert values.tolist() == [dict(zip(known.image, known.value, strict=True))[row] for row in rows]
    few, _ = held_out(data, 2, 5)
    assert len(few) == 5 and set(few) <= set(rows) and np.array_equal(few, held_out(data, 2, 5)[0])
    all_used = dataclasses.replace(data, training_labels=data.labels[data.labels["split"] == "train"])
    every, _ = held_out(all_used, 2, 500)
    assert set(every) == set(known.image)  # nothing is left out: its own samples
    assert np.array_equal(held_out(data, 2, 500, labels="all")[0], every)  # nor where the run read all labels


def test_a_run_that_read_all_labels_has_no_held_out_ones(run, monkeypatch):
    asked = []
    monkeypatch.setattr("fashion_lib.runs.reranked.held_out", lambda *given: asked.append(given[4]) or held_out(*given))
    run.record.config["labels"] = "all"
    load_or_rerank(run, ReasoningConfig(samples=20, nodes=4, steps=1))
    assert asked == ["all"] * len(run.data.schema)


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path / "runs"))
    pixels = np.random.default_rng(0).integers(0, 256, (90, 16, 16, 3), dtype=np.uint8)
    changes = {
        "image_size": 16,
        "steps": 2,
        "batch_size": 12,
        "groups": 2,
        "evaluations": 1,
        "start": "random",
    }
    profile, data = get_profile("smoke").with_options(**changes), tiny_data(90, pixels=pixels)
    return load_or_train("ipad", profile=profile, data=data, options={"image_scale": 1}, progress=False)


@pytest.mark.slow
def test_a_reranked_run_is_recorded_beside_its_run_and_loaded_again(run, monkeypatch):
    config = ReasoningConfig(samples=20, nodes=4, steps=5)
    found = load_or_rerank(run, config)
    assert found.record.method == "ipad+fr" and found.record.variant == run.record.variant
    extra = found.record.parameters - run.record.parameters
    assert extra == sum(weight.numel() for weight in found.reranker.reasoning.parameters())
    precision = run.history.precision
    plain, changed = (evaluate(run.model, run.data, "valid", precision=precision, rerank=one)
                      for one in (None, found.reranker))
    assert found.valid["before"].scores == plain.scores and found.valid["after"].scores == changed.scores
    assert found.used == (changed.overall > plain.overall)
    assert found.rerank is (found.reranker if found.used else None)
    test = evaluate(run.model, run.data, "test", precision=precision, rerank=found.rerank)
    chosen = {"validation": {"overall": 100 * max(plain.overall, changed.overall)}}
    assert found.record.metrics == test.percent() | chosen
    assert {record.method for record in local_records()} == {"ipad", "ipad+fr"}
    assert set(collect()[lambda table: table["source"] == "runs"]["method"]) == {"ipad", "ipad+fr"}
    monkeypatch.setattr("fashion_lib.runs.reranked.train_reasoning", None)  # would fail
    again = load_or_rerank(run, config)
    assert again.record == found.record and again.losses == found.losses and again.used == found.used
    assert again.valid["after"].scores == found.valid["after"].scores
    with pytest.raises(FashionError, match="holds a reranker of another configuration"):
        load_or_rerank(run, ReasoningConfig(samples=20, nodes=5, steps=5))
    other = dataclasses.replace(run, model=copy.deepcopy(run.model))
    next(other.model.parameters()).data += 1  # trained again: the same name and best step, other weights
    with pytest.raises(FashionError, match="holds the reranker of another run"):
        load_or_rerank(other, config)
    assert not [*add_missing_retrieval_scores()]  # the run has its triplets, and re-ranking answers none


def test_a_reranker_that_does_not_help_on_validation_is_not_used(run, monkeypatch):
    def spoil(reasoning, *_, **__):
        torch.nn.init.normal_(reasoning.network.layers[-1].weight, std=5.0)
        return [1.0]

    monkeypatch.setattr("fashion_lib.runs.reranked.train_reasoning", spoil)
    worst = {"before": 0.9, "after": 0.1}

    def scores(*arguments, split, rerank=None, **named):
        found = evaluate(*arguments, split=split, rerank=rerank, **named)
        if split == "valid":
            found.scores["map"]["overall"] = worst["before" if rerank is None else "after"]
        return found

    monkeypatch.setattr("fashion_lib.runs.reranked.evaluate", scores)
    found = load_or_rerank(run, ReasoningConfig(samples=20, nodes=4, steps=1))
    assert not found.used and found.rerank is None and found.record.config["reasoning"]["used"] is False
    assert found.valid["after"].overall == 0.1  # what it would have done stays on record
    without = evaluate(run.model, run.data, "test", precision=run.history.precision)
    assert found.record.metrics == without.percent() | {"validation": {"overall": pytest.approx(90.0)}}
