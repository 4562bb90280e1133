"""The drawn wardrobe: deterministic, labelled truthfully, with regions where the attributes are."""

import numpy as np
import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.data.sets.wardrobe import SCHEMA, Wardrobe, label_table
from fashion_lib.data.sets.wardrobe.garment_schema import CARRIED, PARTS
from fashion_lib.data.sets.wardrobe.streams import Stream

SIZE = 64
WARDROBE = Wardrobe(seed=3, count=400, size=SIZE)


@pytest.fixture(scope="module")
def drawings():
    return [WARDROBE.drawing(index) for index in range(60)]


def showing(attribute: str) -> int:
    return next(i for i in range(WARDROBE.count) if attribute in WARDROBE.labels(i))


def test_a_picture_depends_on_seed_and_index_alone(drawings):
    again = Wardrobe(seed=3, count=5_000, size=SIZE)
    for index in (0, 17, 59):
        np.testing.assert_array_equal(again.drawing(index).image, drawings[index].image)
    assert (Wardrobe(seed=4, count=400, size=SIZE).drawing(0).image != drawings[0].image).any()
    np.testing.assert_array_equal(WARDROBE.images(range(5, 8)), np.stack([d.image for d in drawings[5:8]]))


def test_pictures_have_the_promised_form(drawings):
    for drawing in drawings:
        assert drawing.image.shape == (SIZE, SIZE, 3) and drawing.image.dtype == np.uint8
        assert drawing.parts.shape == (SIZE, SIZE) and drawing.parts.max() < len(PARTS)
        assert drawing.image.std() > 5


def test_labels_without_drawing_equal_the_drawing_s(drawings):
    for index, drawing in enumerate(drawings):
        assert WARDROBE.labels(index) == drawing.labels
        for attribute, value in drawing.labels.items():
            SCHEMA.value_index(attribute, value)
        assert set(drawing.labels) <= set(CARRIED[drawing.outfit.garment, drawing.outfit.close_up])


def test_every_shown_attribute_has_a_region_on_the_picture(drawings):
    seen = {name: [] for name in SCHEMA.names}
    for drawing in drawings:
        assert set(drawing.regions) == set(drawing.labels)
        for attribute, region in drawing.regions.items():
            assert region.shape == (SIZE, SIZE) and region.dtype == bool
            seen[attribute].append(region.mean())
    for attribute, areas in seen.items():
        assert 0 < np.mean(areas) < 0.5, attribute


def test_a_twin_changes_only_one_attribute_and_mostly_its_region():
    for attribute in SCHEMA.names:
        index = showing(attribute)
        drawing = WARDROBE.drawing(index)
        value = next(v for v in SCHEMA.attribute(attribute).values if v != drawing.labels[attribute])
        twin = WARDROBE.twin(index, attribute, value)
        assert twin.labels == {**drawing.labels, attribute: value}
        changed = (twin.image != drawing.image).any(2)
        assert changed.any(), attribute
        region = drawing.regions[attribute] | twin.regions[attribute]
        near = np.zeros_like(region)  # the region, two pixels wider
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                near |= np.roll(region, (dy, dx), (0, 1))
        assert (changed & near).sum() > 0.5 * changed.sum(), attribute


def test_a_colour_twin_leaves_skin_hair_and_what_is_worn_with_the_garment_alone():
    changed, untouched = 0, 0
    for index in [i for i in range(WARDROBE.count) if "colour" in WARDROBE.labels(i)][:12]:
        drawing = WARDROBE.drawing(index)
        value = next(v for v in SCHEMA.attribute("colour").values if v != drawing.labels["colour"])
        difference = np.abs(WARDROBE.twin(index, "colour", value).image.astype(int) - drawing.image).max(2)
        others = np.isin(drawing.parts, [PARTS.index(part) for part in ("skin", "hair", "lower")])
        others &= ~drawing.regions["colour"]  # a garment's own outline may still touch them
        changed, untouched = changed + (difference[others] > 12).sum(), untouched + others.sum()
    assert untouched > 1_000 and changed < 0.1 * untouched


def test_a_twin_with_its_own_value_is_the_picture_itself():
    index = showing("sleeve_length")
    drawing = WARDROBE.drawing(index)
    same = WARDROBE.twin(index, "sleeve_length", drawing.labels["sleeve_length"])
    np.testing.assert_array_equal(same.image, drawing.image)


def test_a_twin_of_what_is_not_shown_or_not_known_is_refused():
    index = next(i for i in range(WARDROBE.count) if "pant_length" not in WARDROBE.labels(i))
    with pytest.raises(FashionError, match="shows no pant_length"):
        WARDROBE.twin(index, "pant_length", "full")
    with pytest.raises(FashionError, match="sleeve"):
        WARDROBE.twin(index, "sleeves", "long")
    with pytest.raises(FashionError, match="not 400"):
        WARDROBE.drawing(400)


def test_values_are_balanced_and_independent_of_one_another():
    outfits = [WARDROBE.labels(i) for i in range(WARDROBE.count)]
    counts = {v: sum(o["colour"] == v for o in outfits) for v in SCHEMA.attribute("colour").values}
    assert min(counts.values()) > 0.5 * WARDROBE.count / len(counts)
    both = [(o["pattern"], o["colour"]) for o in outfits if "pattern" in o]
    assert len(set(both)) == len(SCHEMA.attribute("pattern").values) * len(counts)


def test_regions_come_packed_and_equal_to_the_drawing_s(drawings):
    rows = np.array([i for i in range(60) if "pattern" in drawings[i].labels][:5])
    masks = WARDROBE.regions(rows, SCHEMA.index("pattern"))
    for row, mask in zip(rows, masks, strict=True):
        np.testing.assert_array_equal(mask, drawings[row].regions["pattern"])
    index = next(i for i in range(60) if "lapel_design" not in drawings[i].labels)
    with pytest.raises(FashionError, match="no lapel_design"):
        WARDROBE.regions(np.array([index]), SCHEMA.index("lapel_design"))


def test_the_label_table_splits_pictures_and_assigns_roles():
    table = label_table(Wardrobe(seed=3, count=1_500, size=SIZE))
    assert table.groupby("image")["split"].nunique().max() == 1
    share = table.groupby("split")["image"].nunique() / 1_500
    assert 0.75 < share["train"] <= 0.8 and 0 < share["test"] <= 0.1
    assert set(table.loc[table.split == "train", "role"]) == {"train"}


def test_streams_are_independent_of_each_other_and_of_how_much_is_drawn():
    first = Stream(1, 2, "pose")
    many = [first.uniform() for _ in range(300)]
    again = Stream(1, 2, "pose")
    assert many[:3] == [again.uniform() for _ in range(3)]
    assert len(set(many)) == 300 and min(many) >= 0 and max(many) < 1
    assert many[0] not in (Stream(1, 2, "light").uniform(), Stream(1, 3, "pose").uniform())
