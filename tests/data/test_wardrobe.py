"""The drawn wardrobe: deterministic, labelled truthfully, with regions where the attributes are."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.data.sets.wardrobe import SCHEMA, WORLD, Wardrobe
from fashion_lib.data.sets.wardrobe.garment_schema import (
    ATTRIBUTE_SHARE,
    COAT_END,
    INVISIBLE,
    PANT_END,
    PARTS,
    SKIRT_END,
    SLEEVE_END,
    VALUE_SHARE,
)
from fashion_lib.data.sets.wardrobe.outfit import HIDING, SHAPES_OF
from fashion_lib.data.sets.wardrobe.scene import draw
from fashion_lib.data.sets.wardrobe.streams import Stream

SIZE = 64
WARDROBE = Wardrobe(seed=3, count=6_000, size=SIZE)
OUTFITS = [WARDROBE.outfit(index) for index in range(WARDROBE.count)]


@pytest.fixture(scope="module")
def drawings():
    return [WARDROBE.drawing(index) for index in range(120)]


def showing(attribute: str, value: str | None = None, hidden: bool = False) -> int:
    """Return the first picture that shows the attribute (with that value)."""
    return next(
        i for i, outfit in enumerate(OUTFITS)
        if attribute in outfit.labels and value in (None, outfit.labels[attribute]) and outfit.hidden == hidden
    )


def test_a_picture_depends_on_seed_and_index_alone(drawings):
    again = Wardrobe(seed=3, count=50_000, size=SIZE)
    for index in (0, 17, 59):
        np.testing.assert_array_equal(again.drawing(index).image, drawings[index].image)
    assert (Wardrobe(seed=4, count=400, size=SIZE).drawing(0).image != drawings[0].image).any()
    np.testing.assert_array_equal(WARDROBE.images(range(5, 8)), np.stack([d.image for d in drawings[5:8]]))


def test_twice_the_size_shows_the_same_picture():
    for index in range(8):
        large = draw(3, index, 2 * SIZE).image.astype(float)
        reduced = large.reshape(SIZE, 2, SIZE, 2, 3).mean((1, 3))
        assert np.abs(reduced - WARDROBE.drawing(index).image).mean() < 16, index


def test_pictures_have_the_promised_form(drawings):
    for drawing in drawings:
        assert drawing.image.shape == (SIZE, SIZE, 3) and drawing.image.dtype == np.uint8
        assert drawing.parts.shape == (SIZE, SIZE) and drawing.parts.max() < len(PARTS)
        assert drawing.image.std() > 5


def test_labels_without_drawing_equal_the_drawing_s(drawings):
    for index, drawing in enumerate(drawings):
        assert WARDROBE.labels(index) == drawing.labels
        for attribute, value in drawing.labels.items():
            WORLD.value_index(attribute, value)


def test_fashionai_s_schema_has_its_54_values_and_every_value_is_drawn():
    assert [len(attribute.values) for attribute in SCHEMA] == [6, 9, 8, 6, 5, 5, 10, 5]
    assert all(attribute.values[0] == INVISIBLE for attribute in SCHEMA)
    for name, ends in zip(
        SCHEMA.names[:4], (SKIRT_END, SLEEVE_END, COAT_END, PANT_END), strict=True
    ):
        assert (INVISIBLE, *ends) == SCHEMA.attribute(name).values
        edges = [edge for low_high in ends.values() for edge in low_high]
        assert edges == sorted(edges)  # the bins follow each other and do not overlap
    seen = Counter((a, v) for outfit in OUTFITS for a, v in outfit.labels.items())
    for attribute in WORLD:
        assert all(seen[attribute.name, value] for value in attribute.values), attribute.name


def test_the_labelled_attribute_and_its_values_have_fashionai_s_proportions():
    labelled = Counter(outfit.labelled for outfit in OUTFITS)
    for name, share in zip(SCHEMA.names, ATTRIBUTE_SHARE, strict=True):
        expected = share / sum(ATTRIBUTE_SHARE)
        spread = np.sqrt(expected * (1 - expected) / len(OUTFITS))
        assert abs(labelled[name] / len(OUTFITS) - expected) < 4 * spread, name
        values = Counter(outfit.labels[name] for outfit in OUTFITS if outfit.labelled == name)
        for value, count in zip(SCHEMA.attribute(name).values, VALUE_SHARE[name], strict=True):
            expected = count / sum(VALUE_SHARE[name])
            spread = np.sqrt(expected * (1 - expected) / labelled[name])
            assert abs(values[value] / labelled[name] - expected) < 4 * spread, (name, value)


def test_only_the_labelled_attribute_is_invisible_and_it_has_no_region():
    for outfit in OUTFITS:
        assert [a for a, v in outfit.labels.items() if v == INVISIBLE] == [outfit.labelled] * outfit.hidden
        assert outfit.labelled in outfit.labels
    for attribute, ways in HIDING.items():
        index = showing(attribute, INVISIBLE, hidden=True)
        for way in ways:
            drawing = draw(3, index, SIZE, replace(OUTFITS[index], hiding=way))
            assert drawing.labels[attribute] == INVISIBLE and not drawing.regions[attribute].any()
            assert drawing.regions["colour"].mean() > 0.03, (attribute, way)  # the garment is there


@pytest.mark.parametrize("attribute", HIDING)
def test_what_is_invisible_is_really_covered(attribute):
    """Two hidden pictures that differ only in the hidden value are the same picture."""
    index = showing(attribute, INVISIBLE, hidden=True)
    values = SCHEMA.attribute(attribute).values[1:]
    for way in HIDING[attribute]:
        first, last = (
            draw(3, index, SIZE, replace(outfit, values={**outfit.values, attribute: value})).image
            for outfit in [replace(OUTFITS[index], hiding=way)]
            for value in (values[0], values[-1])
        )
        np.testing.assert_array_equal(first, last)


def test_a_hidden_hem_lies_below_the_picture():
    for attribute in ("skirt_length", "coat_length", "pant_length"):
        hidden = [i for i, o in enumerate(OUTFITS) if o.hidden and o.labelled == attribute][:12]
        assert len(hidden) == 12
        for index in hidden:
            drawing = WARDROBE.drawing(index)
            assert drawing.regions["colour"][-2:].any(), (attribute, index)  # cloth down to the lower edge


def test_every_shown_attribute_has_a_region_inside_the_picture(drawings):
    seen = {name: [] for name in WORLD.names}
    for drawing in drawings:
        assert set(drawing.regions) == set(drawing.labels)
        for attribute, region in drawing.regions.items():
            assert region.shape == (SIZE, SIZE) and region.dtype == bool
            if drawing.labels[attribute] != INVISIBLE:
                assert region.any(), (attribute, drawing.outfit)
                seen[attribute].append(region.mean())
    for attribute, areas in seen.items():
        assert len(areas) > 3 and 0 < np.mean(areas) < 0.5, attribute


def test_a_hem_and_a_cuff_lie_where_the_garment_ends():
    """The middle of the region, in body units, lies at the end that the value's bin allows."""
    for attribute, ends in (("skirt_length", SKIRT_END), ("coat_length", COAT_END), ("pant_length", PANT_END)):
        middles = {}
        for value in ends:
            index = showing(attribute, value)
            rows = np.flatnonzero(WARDROBE.drawing(index).regions[attribute].any(1))
            middles[value] = rows.mean()
            assert rows.min() > 0 and rows.max() < SIZE - 1, (attribute, value)  # the whole hem is visible
        assert middles[list(ends)[0]] < middles[list(ends)[-1]]


@pytest.mark.parametrize("attribute", [name for name in WORLD.names if name != "category"])
def test_a_twin_changes_only_one_attribute_and_mostly_its_region(attribute):
    index = showing(attribute)
    drawing = WARDROBE.drawing(index)
    own, possible = drawing.labels[attribute], WARDROBE.twin_values(index, attribute)
    value = next(v for v in possible if v not in (own, INVISIBLE))
    twin = WARDROBE.twin(index, attribute, value)
    assert twin.labels[attribute] == value
    assert all(drawing.labels[a] == v for a, v in twin.labels.items() if a != attribute)
    changed = (twin.image != drawing.image).any(2)
    assert changed.any()
    region = drawing.regions[attribute] | twin.regions[attribute]
    near = np.zeros_like(region)  # the region, two pixels wider
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            near |= np.roll(region, (dy, dx), (0, 1))
    assert (changed & near).sum() > 0.5 * changed.sum()


def test_a_colour_twin_leaves_skin_hair_and_what_is_worn_with_the_garment_alone():
    changed, untouched = 0, 0
    tops = [i for i, o in enumerate(OUTFITS) if o.garment in ("tee", "hoodie", "cardigan", "sweater") and not o.hidden]
    for index in tops[:12]:
        drawing = WARDROBE.drawing(index)
        value = next(v for v in WORLD.attribute("colour").values if v != drawing.labels["colour"])
        difference = np.abs(WARDROBE.twin(index, "colour", value).image.astype(int) - drawing.image).max(2)
        others = np.isin(drawing.parts, [PARTS.index(part) for part in ("skin", "hair", "lower")])
        others &= ~drawing.regions["colour"]  # a garment's own outline may still touch them
        changed, untouched = changed + (difference[others] > 12).sum(), untouched + others.sum()
    assert untouched > 1_000 and changed < 0.1 * untouched


def test_a_twin_with_its_own_value_is_the_picture_itself():
    for attribute in ("sleeve_length", "neck_design", "category"):
        index = showing(attribute)
        drawing = WARDROBE.drawing(index)
        np.testing.assert_array_equal(WARDROBE.twin(index, attribute, drawing.labels[attribute]).image, drawing.image)
    index = showing("lapel_design", INVISIBLE, hidden=True)
    same = WARDROBE.twin(index, "lapel_design", INVISIBLE)
    np.testing.assert_array_equal(same.image, WARDROBE.drawing(index).image)


def test_an_invisible_place_becomes_visible_in_a_twin_and_back():
    index = showing("neckline_design", INVISIBLE, hidden=True)
    twin = WARDROBE.twin(index, "neckline_design", "deep_v")
    assert twin.labels["neckline_design"] == "deep_v" and twin.regions["neckline_design"].any()
    index = next(i for i, o in enumerate(OUTFITS) if o.labelled == "coat_length" and not o.hidden)
    assert not WARDROBE.twin(index, "coat_length", INVISIBLE).regions["coat_length"].any()


def test_a_twin_of_what_is_not_shown_or_not_known_is_refused():
    index = next(i for i, o in enumerate(OUTFITS) if "pant_length" not in o.labels)
    with pytest.raises(FashionError, match="shows no pant_length"):
        WARDROBE.twin(index, "pant_length", "full")
    with pytest.raises(FashionError, match="sleeve"):
        WARDROBE.twin(index, "sleeves", "long")
    with pytest.raises(FashionError, match="not 6000"):
        WARDROBE.drawing(6_000)
    index = next(i for i, o in enumerate(OUTFITS) if o.labelled == "lapel_design" and "sleeve_length" in o.labels)
    with pytest.raises(FashionError, match="cannot show sleeve_length 'invisible'"):
        WARDROBE.twin(index, "sleeve_length", INVISIBLE)
    index = next(i for i, o in enumerate(OUTFITS) if "shape" in o.labels and o.garment == "coat")
    with pytest.raises(FashionError, match=f"cannot show shape 'bell': choose one of {', '.join(SHAPES_OF['coat'])}"):
        WARDROBE.twin(index, "shape", "bell")


def test_values_are_balanced_and_independent_of_one_another():
    colours, patterns = (WORLD.attribute(name).values for name in ("colour", "pattern"))
    counts = Counter(outfit.labels["colour"] for outfit in OUTFITS)
    assert min(counts.values()) > 0.7 * len(OUTFITS) / len(colours)
    both = Counter((outfit.labels["pattern"], outfit.labels["colour"]) for outfit in OUTFITS)
    assert len(both) == len(patterns) * len(colours)


def test_regions_come_packed_and_equal_to_the_drawing_s(drawings):
    rows = np.array([i for i in range(60) if "finish" in drawings[i].labels][:5])
    masks = WARDROBE.regions(rows, ["finish"] * 5)
    for row, mask in zip(rows, masks, strict=True):
        np.testing.assert_array_equal(mask, drawings[row].regions["finish"])
    index = next(i for i in range(60) if "lapel_design" not in drawings[i].labels)
    with pytest.raises(FashionError, match="no lapel_design"):
        WARDROBE.regions(np.array([index]), ["lapel_design"])


def test_streams_are_independent_of_each_other_and_of_how_much_is_drawn():
    first = Stream(1, 2, "pose")
    many = [first.uniform() for _ in range(300)]
    again = Stream(1, 2, "pose")
    assert many[:3] == [again.uniform() for _ in range(3)]
    assert len(set(many)) == 300 and min(many) >= 0 and max(many) < 1
    assert many[0] not in (Stream(1, 2, "light").uniform(), Stream(1, 3, "pose").uniform())
