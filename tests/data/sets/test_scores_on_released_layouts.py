"""MAP and triplet accuracy on the released layouts equal the released evaluation, read from the files themselves."""

from pathlib import Path

import numpy as np
import pytest
import torch
from real_layouts import asen_lists, zappos

from fashion_lib.data.augmentation import normalise
from fashion_lib.data.photographs import decode_photograph
from fashion_lib.data.sets import find_real, real_module
from fashion_lib.methods.registry import build_model
from fashion_lib.tasks.retrieval.evaluation import evaluate
from fashion_lib.tasks.retrieval.triplet_prediction import fixed_lists, predict_triplets

pytestmark = pytest.mark.slow  # `make quick` leaves it out

SIZE = 32


def vector(model, file: Path, attribute: int) -> np.ndarray:
    pixels = torch.from_numpy(decode_photograph(file, SIZE)[None])
    with torch.no_grad():
        return model.embed(normalise(pixels.numpy()), torch.tensor([attribute]))[0].double().numpy()


def lines(file: Path) -> list[list[int]]:
    return [[int(cell) for cell in line.split()] for line in file.read_text().splitlines()]


@pytest.mark.parametrize(
    ("name", "folder"), [("fashionai", "FashionAI"), ("darn", "DARN"), ("deepfashion", "DeepFashion")]
)
@pytest.mark.parametrize("split", ["valid", "test"])
def test_map_equals_the_released_evaluation(name, folder, split, tmp_path):
    made = asen_lists(tmp_path / folder, folder)
    data = real_module(name).load_found(find_real(name, tmp_path), SIZE)
    model = build_model("csn", data.schema, backbone="small", start="random").eval()
    paths = (made.folder / f"filenames_{split}.txt").read_text().split("\n")
    queries, candidates = (lines(made.folder / f"{role}_{split}.txt") for role in ("query", "candidate"))
    scores: dict[int, list[float]] = {}
    for image, attribute, value in queries:
        query = vector(model, made.folder / paths[image].strip(), attribute)
        gallery = [(row[0], row[2]) for row in candidates if row[1] == attribute]
        similarity = [query @ vector(model, made.folder / paths[i].strip(), attribute) for i, _ in gallery]
        hits, precisions = 0, []
        for rank, place in enumerate(np.argsort(-np.array(similarity), kind="stable"), start=1):
            if gallery[place][1] == value:
                hits += 1
                precisions.append(hits / rank)
        scores.setdefault(attribute, []).append(sum(precisions) / hits if hits else 0.0)
    found = evaluate(model, data, split)
    assert len(scores) > 2 and any(found.without_relevant.values()) == (0.0 in sum(scores.values(), []))
    for attribute, of in scores.items():
        assert found.map[data.schema.names[attribute]] == pytest.approx(np.mean(of), abs=1e-6)
    assert found.overall == pytest.approx(np.mean(sum(scores.values(), [])), abs=1e-6)


def test_triplet_accuracy_equals_the_released_evaluation(tmp_path):
    zappos(tmp_path)
    data = real_module("zappos50k").load_found(find_real("zappos50k", tmp_path), SIZE)
    model = build_model("csn", data.schema, backbone="small", start="random").eval()
    paths = (tmp_path / "filenames.json").read_text().splitlines()
    right = {}
    for number, condition in enumerate(("class", "closure", "gender", "heel")):
        seen = {name: vector(model, tmp_path / "ut-zap50k-images" / spelled(name), number) for name in paths[80:]}
        rows = lines(tmp_path / "tripletlists" / f"{condition}_tripletlist_test.txt")
        of = [[seen[paths[i]] for i in row] for row in rows]
        right[condition] = np.mean([anchor @ close > anchor @ far for anchor, far, close in of])
    found = predict_triplets(model, data, fixed_lists(data))
    assert found.triplets == {**dict.fromkeys(right, 51), "overall": 204}
    for condition, share in right.items():
        assert found.accuracy[condition] == pytest.approx(share)


def spelled(name: str) -> str:
    return name.replace("M.A.R.K/", "M.A.R.K./")
