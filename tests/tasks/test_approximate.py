"""faiss finds what the exact search finds, its recall is measured, and its absence is one sentence."""

import builtins
import json

import numpy as np
import pytest
import torch

from fashion_lib.core.errors import FashionError
from fashion_lib.tasks.retrieval import approximate
from fashion_lib.tasks.retrieval.approximate import ApproximateIndex
from fashion_lib.tasks.retrieval.vector_scan import nearest, scan
from fashion_lib.tasks.retrieval.vector_store import Entry, IndexFacts, VectorStore

ROWS, WIDTH = 3000, 16


@pytest.fixture(params=["cosine", "distance"])
def store(request, tmp_path):
    facts = IndexFacts("m", "run", str(tmp_path), ["hem"], WIDTH, request.param)
    store = VectorStore.created(tmp_path / "index", facts)
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((40, WIDTH))
    vectors = torch.tensor(centres[rng.integers(0, 40, ROWS)] + 0.3 * rng.standard_normal((ROWS, WIDTH)))
    vectors = torch.nn.functional.normalize(vectors.float(), dim=1)
    names = [f"{row:04d}.png" for row in range(ROWS)]
    entries = [(name, Entry(1, 1, f"{row:032x}", row)) for row, name in enumerate(names)]
    store.add(list(range(ROWS)), {"hem": vectors}, entries)
    store.finish(names, True)
    return store


def exact(store, query, count=20):
    found = scan(store.vectors("hem"), query[None], store.rows, measure=store.facts.measure)[0].numpy()
    rows = nearest(found, count)[:count]
    return rows, found[rows]


def test_the_measured_recall_is_that_of_other_queries_too(store):
    index = ApproximateIndex.of(store, "hem")
    assert index.made.cells > 10 and 1 <= index.made.read < index.made.cells
    assert index.made.recall >= 0.85
    vectors = torch.from_numpy(
        np.fromfile(store.vectors("hem"), np.float16).reshape(ROWS, WIDTH).astype(np.float32)
    )
    shares = []
    for row in range(0, ROWS, 30):
        rows, similarity = index.search(vectors[row], 20)
        wanted, values = exact(store, vectors[row])
        assert rows[0] == row
        shares.append(len(set(rows.tolist()) & set(wanted.tolist())) / 20)
        common = dict(zip(wanted.tolist(), values.tolist(), strict=True))
        for found, value in zip(rows.tolist(), similarity.tolist(), strict=True):
            if found in common:
                assert value == pytest.approx(common[found], abs=2e-3)
    assert abs(np.mean(shares) - index.made.recall) < 0.1
    assert f"recall@20 against exact search is {100 * index.made.recall:.1f} % over 50 pictures" in str(index)


def test_torch_keeps_its_number_of_threads(store, monkeypatch):
    monkeypatch.setattr(approximate.threads, "cores", lambda: 3)
    before = torch.get_num_threads()
    index = ApproximateIndex.of(store, "hem")
    assert torch.get_num_threads() == before
    index.search(torch.ones(WIDTH), 5)
    assert torch.get_num_threads() == before != 3


def test_it_is_made_once_and_again_for_other_vectors(store, monkeypatch):
    made, make = [], approximate._make
    monkeypatch.setattr(approximate, "_make", lambda *a: made.append(1) or make(*a))
    first = ApproximateIndex.of(store, "hem").made
    assert ApproximateIndex.of(store, "hem").made == first and len(made) == 1
    names = [name for name in store.entries if name != "0007.png"]
    store.finish(names, True)
    index = ApproximateIndex.of(store, "hem")
    assert len(made) == 2
    gone = torch.from_numpy(
        np.fromfile(store.vectors("hem"), np.float16)[7 * WIDTH : 8 * WIDTH].astype(np.float32)
    )
    assert 7 not in index.search(gone, 20)[0]
    beside = store.folder / "00.faiss.json"
    beside.write_text(json.dumps({"generation": "x"}))
    ApproximateIndex.of(store, "hem")
    assert len(made) == 3


def test_a_handful_of_pictures_is_one_cell(tmp_path):
    store = VectorStore.created(tmp_path / "i", IndexFacts("m", "run", "g", ["hem"], 4, "cosine"))
    store.add([0, 1], {"hem": torch.eye(4)[:2]}, [("a", Entry(1, 1, "a", 0)), ("b", Entry(1, 1, "b", 1))])
    store.finish(["a", "b"], True)
    index = ApproximateIndex.of(store, "hem")
    assert index.made.cells == 1 and index.made.recall == 1
    assert index.search(torch.eye(4)[1], 5)[0].tolist() == [1, 0]


def test_without_faiss_one_sentence_says_what_to_install(store, monkeypatch):
    imported = builtins.__import__

    def missing(name, *rest, **options):
        if name == "faiss":
            raise ImportError("no faiss")
        return imported(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(FashionError, match=r'pip install "fashion-lib\[faiss\]"'):
        ApproximateIndex.of(store, "hem")
