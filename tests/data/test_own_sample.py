"""The photographs that come with the course, data/samples/own: whole, named in SOURCE.txt, labelled, small."""

import re

import pytest
from PIL import Image

from fashion_lib.core import paths
from fashion_lib.data.checks.examination import examine_folder
from fashion_lib.data.decoding import ORIENTATION
from fashion_lib.data.own_table import read_own_table
from fashion_lib.data.picture_files import picture_files
from fashion_lib.data.sets import load_own_folder
from fashion_lib.tasks.retrieval.metrics import random_average_precision

SAMPLE = paths.root() / "data" / "samples" / "own"
PICTURES = picture_files(SAMPLE)


def test_each_picture_has_a_source_a_licence_and_a_row_of_labels():
    source = (SAMPLE / "SOURCE.txt").read_text(encoding="utf-8")
    assert "CC0 1.0" in source
    assert re.findall(r"^(IMG_\S+)  [0-9a-f-]{36}$", source, re.MULTILINE) == PICTURES
    table = read_own_table(SAMPLE / "labels.csv")
    assert list(table.pictures["file"]) == PICTURES and len(PICTURES) == 24
    assert len(table.labels) == 48 and table.pictures["group"].nunique() == 8


def test_the_pictures_are_small_and_some_are_turned_as_phones_store_them():
    assert sum((SAMPLE / name).stat().st_size for name in PICTURES) < 150_000
    turned = {}
    for name in PICTURES:
        with Image.open(SAMPLE / name) as image:
            assert max(image.size) == 128
            exif = dict(image.getexif())
        assert set(exif) <= {ORIENTATION}  # no place, no camera, no date
        turned |= {name: exif[ORIENTATION]} if exif else {}
    assert turned == {"IMG_0004.jpg": 6, "IMG_0009.jpg": 6, "IMG_0017.jpg": 3}


def test_the_check_finds_nothing():
    assert examine_folder("own", SAMPLE, random_average_precision, pictures="all").findings == []


@pytest.mark.parametrize("size", [32, 64])
def test_both_attributes_can_be_trained_and_measured(size):
    data = load_own_folder("own", SAMPLE, size)
    assert data.schema.names == ("sleeve_length", "neck")
    split = data.labels.drop_duplicates("image").set_index("image")["split"]
    of_group = {}
    for name, group in zip(data.image_names, data.senders, strict=True):
        of_group.setdefault(group, set()).add(split[name])
    assert len(of_group) == 8 and all(len(splits) == 1 for splits in of_group.values())
