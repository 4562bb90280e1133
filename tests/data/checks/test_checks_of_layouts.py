"""The layouts that the readers' tests build: recognised by reader and checks, all pictures found, no error."""

import pytest
from real_layouts import (
    FASHIONAI_SIZES,
    ITEMS,
    SHOPS,
    adde_split,
    asen_lists,
    deepfashion_lists,
    fashionai_archive,
    picture,
    write,
    zappos,
)

from fashion_lib.data.checks.examination import examine_folder
from fashion_lib.data.checks.listings import released_facts
from fashion_lib.tasks.retrieval.metrics import random_average_precision

BENCHMARK = "Category and Attribute Prediction Benchmark"


def fashionai_raw(folder):
    """Both archives have the same paths below their own folder, for different pictures."""
    for name in ("fashionAI_attributes_train1", "fashionAI_attributes_train2"):
        fashionai_archive(folder / name, 48)
    return 96


def fashionai_challenge(folder):
    fashionai_archive(folder / "archive of the same name" / "base", 16)
    fashionai_archive(
        folder / "rank", 16, labels="fashionAI_attributes_answer_a_20180428.csv", start=50, questions=True
    )
    return 32


def benchmark(folder):
    names = [(f"attribute {i}", 1 + i % 5) for i in range(10)]
    labels = {f"img/{ITEMS[i % 5]}/img_{i:08d}.jpg": [i % 10] for i in range(12)}
    deepfashion_lists(folder / BENCHMARK, labels, names, "Anno_coarse")
    for seed, path in enumerate(labels):
        picture(folder / BENCHMARK / "Img" / "img-001" / path, seed)
    return len(labels)


def split_of_adde(folder):
    images = [f"img/{ITEMS[i % 5]}/img_{i:08d}.jpg" for i in range(24)]
    adde_split(folder / "splits" / "DeepFashion", images[:16], images[16:])
    for seed, path in enumerate(images):
        picture(folder / "DeepFashion" / path, seed)
    return len(images)


def addresses(folder):
    names = [f"{shop}/{60 * i}_{i + 1:02d}_1" for i, shop in enumerate(SHOPS)]  # neither pic/ nor .jpg
    write(folder / "darn_url.txt", [f"{name} http://img.example.com/{name}.jpg" for name in names])
    for seed, name in enumerate(names):
        picture(folder / "pic" / f"{name}.jpg", seed)
    return len(names)


BUILT = {
    "fashionai lists": ("fashionai", lambda folder: asen_lists(folder / "FashionAI", "FashionAI") and 240),
    "darn lists": ("darn", lambda folder: asen_lists(folder / "DARN", "DARN") and 240),
    "deepfashion lists": (
        "deepfashion",
        lambda folder: asen_lists(folder / "DeepFashion", "DeepFashion") and 239,
    ),
    "fashionai raw": ("fashionai", fashionai_raw),
    "fashionai challenge": ("fashionai", fashionai_challenge),
    "darn addresses": ("darn", addresses),
    "deepfashion benchmark": ("deepfashion", benchmark),
    "adde": ("deepfashion_adde", split_of_adde),
    "zappos": ("zappos50k", lambda folder: zappos(folder) and 100),
    "zappos, square": ("zappos50k", lambda folder: zappos(folder, square=True) and 100),
}


@pytest.mark.parametrize("name", BUILT)
def test_a_whole_layout_is_recognised_and_its_pictures_are_found(tmp_path, name):
    dataset, build = BUILT[name]
    pictures = build(tmp_path)
    done = examine_folder(dataset, tmp_path, random_average_precision, pictures="all")
    assert [finding for finding in done.findings if finding.severity == "error"] == []
    assert done.layout and (done.named, done.found, done.looked) == (pictures, pictures, pictures)


def test_the_names_of_attributes_are_those_of_the_release():
    assert released_facts()["fashionai"]["attributes"] == FASHIONAI_SIZES
