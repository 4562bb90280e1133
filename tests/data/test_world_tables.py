"""The wardrobe's label tables: one world, three labellings, the protocols of FashionAI, DARN and DeepFashion."""

import numpy as np
import pandas as pd
import pytest

from fashion_lib.data.cache import discard
from fashion_lib.data.sets.wardrobe import SCHEMA, TABLES, Wardrobe, label_tables, load_wardrobe
from fashion_lib.data.sets.wardrobe.garment_schema import ATTRIBUTE_SHARE, INVISIBLE
from fashion_lib.data.sets.wardrobe.world_labels import DARN_LENGTH, LENGTH_OF, style_of
from fashion_lib.data.sets.wardrobe.world_tables import region_reader

WARDROBE = Wardrobe(seed=3, count=4_000, size=32)


@pytest.fixture(scope="module", params=TABLES)
def built(request):
    return request.param, *label_tables(WARDROBE, TABLES[request.param])


def number(image: str) -> int:
    return int(image.removeprefix("wardrobe/"))


def test_pictures_are_split_8_1_1_and_queries_are_a_fifth(built):
    name, table, _ = built
    assert table.groupby("image")["split"].nunique().max() == 1
    share = table.groupby("split")["image"].nunique() / WARDROBE.count
    assert share.to_dict() == pytest.approx({"train": 0.8, "valid": 0.1, "test": 0.1}, abs=0.001)
    for split in ("valid", "test"):
        rows = table[table["split"] == split]
        assert rows["image"].is_unique  # one label per picture
        assert (rows["role"] == "query").mean() == pytest.approx(0.2, abs=0.08 if name == "wardrobe" else 0.12)
    assert set(table.loc[table["split"] == "train", "role"]) == {"train"}


def test_training_reads_one_label_per_picture_or_several(built):
    name, table, training = built
    train = table[table["split"] == "train"]
    per_image = training.groupby("image").size()
    assert set(training["image"]) == set(train["image"])
    if name == "wardrobe_deepfashion":
        assert per_image.max() == 5 and 3 < per_image.mean() < 5
    else:
        assert (per_image == 1).all() and len(train) > 1.3 * len(training)
    assert pd.merge(training, train).shape == training.shape  # every training label is a label of the table


def test_every_value_of_every_schema_occurs_and_none_is_unknown(built):
    name, table, _ = built
    for attribute in TABLES[name].schema:
        seen = set(table.loc[(table["attribute"] == attribute.name) & (table["split"] == "train"), "value"])
        assert seen == set(attribute.values), attribute.name
        assert name == "wardrobe" or INVISIBLE not in seen


def test_the_wardrobe_s_own_table_labels_what_its_picture_was_made_for():
    table, training = label_tables(WARDROBE, TABLES["wardrobe"])
    held_out = table[table["split"] != "train"]
    for rows in (training, held_out):
        for image, attribute, value in rows[["image", "attribute", "value"]].itertuples(index=False):
            outfit = WARDROBE.outfit(number(image))
            assert outfit.labelled == attribute and outfit.labels[attribute] == value
    shares = training["attribute"].value_counts(normalize=True)[list(SCHEMA.names)]
    assert np.abs(shares - np.array(ATTRIBUTE_SHARE) / sum(ATTRIBUTE_SHARE)).max() < 0.03


def test_the_balanced_draw_gives_each_attribute_its_share():
    _, training = label_tables(WARDROBE, TABLES["wardrobe_darn"])
    shares = training["attribute"].value_counts(normalize=True)
    assert len(shares) == 9 and shares.min() > 0.04 and shares.max() < 0.25


def test_darn_s_length_takes_each_bin_of_the_three_garments_once():
    fine = {v for name in ("skirt_length", "coat_length", "pant_length") for v in SCHEMA.attribute(name).values[1:]}
    assert set(LENGTH_OF) == fine and len(LENGTH_OF) == sum(map(len, DARN_LENGTH.values()))


def test_style_is_the_first_rule_that_holds():
    assert style_of({"pattern": "camouflage", "finish": "satin"}) == "military"
    assert style_of({"pattern": "solid", "finish": "satin"}) == "evening"
    assert style_of({"pattern": "solid", "part": "bow", "finish": "satin"}) == "romantic"
    assert style_of({"pattern": "vertical"}) == "basic"


def test_a_region_follows_the_attribute_that_the_label_was_read_from():
    view = TABLES["wardrobe_darn"]
    table, _ = label_tables(WARDROBE, view)
    rows = table[table["attribute"] == "collar_shape"]["image"].map(number).to_numpy()[:6]
    masks = region_reader(WARDROBE, view)(rows, view.schema.index("collar_shape"))
    for row, mask in zip(rows, masks, strict=True):
        outfit = WARDROBE.outfit(row)
        np.testing.assert_array_equal(mask, WARDROBE.drawing(row).regions[outfit.neck])


def test_all_tables_share_the_pixels(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path))
    loaded = [load_wardrobe(16, 1_500, table=name) for name in TABLES]
    assert len(list(tmp_path.glob("*.pixels"))) == 1
    assert [data.name for data in loaded] == list(TABLES)
    assert len({data.version for data in loaded}) == 3 and len({data.pixel_digest for data in loaded}) == 1
    assert loaded[1].resized(8).pixels.shape == (1_500, 8, 8, 3)
    for data in loaded:
        shown, labelled = data.shown_labels("test"), data.encoded("test")
        everything = set(zip(shown.image, shown.attribute, shown.value, strict=True))
        assert len(everything) == len(shown) > len(labelled)  # more than the one label per picture
        assert everything > set(zip(labelled.image, labelled.attribute, labelled.value, strict=True))
    discard(Wardrobe(0, 1_500, 16).cache_key)
