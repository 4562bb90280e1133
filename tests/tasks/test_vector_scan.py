"""Similarities to vectors on disk, against one product in memory; and what a damaged file says."""

import numpy as np
import pytest
import torch

from fashion_lib.core.errors import FashionError
from fashion_lib.tasks.retrieval.vector_scan import BLOCK, MEASURES, append_halves, nearest, rows_in, scan


def written(path, rows, width=24, seed=0):
    vectors = torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))
    vectors = torch.nn.functional.normalize(vectors, dim=1)
    with open(path, "wb") as stream:
        append_halves(stream, vectors, "a vector")
    return vectors.half().float()


@pytest.mark.parametrize("rows", [1, 3, BLOCK, BLOCK + 1, 5 * BLOCK + 7])
@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("queries", [1, 4])
def test_equal_to_one_product_in_memory(tmp_path, rows, workers, queries):
    vectors = written(tmp_path / "v", rows)
    asked = torch.randn(queries, 24, generator=torch.Generator().manual_seed(2))
    found = scan(tmp_path / "v", asked, rows, workers=workers)
    torch.testing.assert_close(found, asked @ vectors.T)
    found = scan(tmp_path / "v", asked, rows, measure="distance", workers=workers)
    torch.testing.assert_close(found, -(asked[:, None] - vectors[None]).square().sum(2).sqrt())


def test_the_number_of_threads_and_the_threads_of_torch_change_nothing(tmp_path):
    written(tmp_path / "v", 2000)
    query, before = torch.randn(1, 24), torch.get_num_threads()
    one, three = (scan(tmp_path / "v", query, 2000, workers=workers) for workers in (1, 3))
    torch.testing.assert_close(one, three, rtol=1e-6, atol=1e-6)
    assert torch.get_num_threads() == before


def test_a_vector_is_its_own_nearest(tmp_path):
    vectors = written(tmp_path / "v", 700)
    for measure in MEASURES:
        found = scan(tmp_path / "v", vectors[[5, 699]], 700, measure=measure)
        assert found.argmax(1).tolist() == [5, 699]


def test_faults_are_sentences(tmp_path):
    written(tmp_path / "v", 10)
    with pytest.raises(FashionError, match="holds 480 bytes instead of 528"):
        scan(tmp_path / "v", torch.zeros(1, 24), 11)
    with pytest.raises(FashionError, match="not finite"):
        scan(tmp_path / "v", torch.full((1, 24), torch.nan), 10)
    for number in (torch.nan, torch.inf, 70_000.0):
        with (
            open(tmp_path / "w", "wb") as stream,
            pytest.raises(FashionError, match=r"a vector of hem holds a number"),
        ):
            append_halves(stream, torch.full((1, 24), number), "a vector of hem")
    assert rows_in(tmp_path / "v", 24) == 10 and rows_in(tmp_path / "none", 24) == 0


@pytest.mark.parametrize("count", [1, 5, 49, 50, 99])
def test_the_nearest_are_those_of_a_full_sort_with_all_ties(count):
    similarity = np.random.default_rng(0).integers(0, 20, 50).astype(np.float32)
    order = np.argsort(-similarity, kind="stable")
    found = nearest(similarity, count)
    least = similarity[order[: min(count, 50)]][-1]
    assert found.tolist() == [row for row in order if similarity[row] >= least]


def test_hidden_rows_are_never_nearest():
    similarity = np.array([0.5, -np.inf, 0.1, -np.inf], np.float32)
    assert nearest(similarity, 4).tolist() == [0, 2]
    assert nearest(similarity, 3).tolist() == [0, 2]
    assert nearest(similarity[[1, 3]], 1).tolist() == []
