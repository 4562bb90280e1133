"""Label vectors and operations: what a manipulation vector is, and what cannot be meant."""

import numpy as np
import pytest
from tiny_manipulation import BLOCKS, SCHEMA, tiny_manipulation, vector

from fashion_lib.core.errors import FashionError
from fashion_lib.data.label_vectors import LabelVectors, vectors_of
from fashion_lib.tasks.manipulation.manipulation_data import (
    WARDROBE_ATTRIBUTES,
    load_manipulation,
    wardrobe_labels,
)
from fashion_lib.tasks.manipulation.operations import (
    Operation,
    changed_attributes,
    in_words,
    manipulation_vector,
    operations_of,
    target_labels,
)
from fashion_lib.training.profiles import get_profile

QUERY, BARE = vector("top", "long", "red"), vector("top", None, "red")


def test_a_manipulation_vector_by_hand():
    moves = [Operation("colour", "red", "blue"), Operation("sleeve", "long", "none")]
    found = manipulation_vector(SCHEMA, moves, QUERY)
    assert found.dtype == np.int8 and found.tolist() == [0, 0, 0, -1, 1, -1, 0, 1]
    assert np.array_equal(target_labels(QUERY, found), vector("top", "none", "blue"))
    assert operations_of(SCHEMA, found) == (moves[1], moves[0])  # in the schema's order
    assert in_words(SCHEMA, found) == "sleeve: long → none, colour: red → blue"
    assert changed_attributes(found[None], SCHEMA).tolist() == [[False, True, True]]


def test_a_picture_with_two_values_of_an_attribute_gives_up_the_one_that_is_named():
    striped_dots = vector("top", None, ("red", "green"))
    found = manipulation_vector(SCHEMA, [Operation("colour", "green", "blue")], striped_dots)
    assert np.array_equal(target_labels(striped_dots, found), vector("top", None, ("red", "blue")))


@pytest.mark.parametrize(("moves", "labels", "words"), [
    ([], QUERY, "at least one operation"),
    ([Operation("color", "red", "blue")], QUERY, "did you mean 'colour'"),
    ([Operation("colour", "red", "bleu")], QUERY, "'bleu' is not a value .* 'colour': did you mean 'blue'"),
    ([Operation("colour", "red", "red")], QUERY, "changes nothing"),
    ([Operation("colour", "green", "blue")], QUERY, r"'colour: green → blue' removes .* \(its 'colour' is red\)"),
    ([Operation("sleeve", "long", "none")], BARE, "has no 'sleeve'.* choose one of garment, colour"),
    ([Operation("colour", "red", "blue"), Operation("colour", "red", "green")], QUERY, "two operations .* 'colour'"),
    ([Operation("colour", "red", "green")], vector("top", None, ("red", "green")), "already has what .* adds"),
])  # fmt: skip
def test_what_cannot_be_meant_is_one_sentence(moves, labels, words):
    with pytest.raises(FashionError, match=words):
        manipulation_vector(SCHEMA, moves, labels)


def test_label_vectors_know_what_is_missing():
    labels = LabelVectors(SCHEMA, np.stack([QUERY, vector("coat", None, ("red", "blue"))]))
    assert labels.known.tolist() == [[True, True, True], [True, False, True]] and not labels.single
    assert labels.values(1) == {"garment": ("coat",), "colour": ("red", "blue")}
    assert labels.blocks == (slice(0, 2), slice(2, 5), slice(5, 8)) == BLOCKS
    assert LabelVectors(SCHEMA, np.zeros((2, 8), int)).matrix.dtype == bool
    rows = [{"garment": "top", "sleeve": "long", "colour": "red"}, {"colour": "green", "hem": "short"}]
    assert np.array_equal(vectors_of(SCHEMA, rows).matrix, np.stack([QUERY, vector(None, None, "green")]))
    for matrix, words in ((np.zeros((2, 7)), r"are \(2, 7\) for 8 values"), (np.full((1, 8), 2), "0 and 1")):
        with pytest.raises(FashionError, match=words):
            LabelVectors(SCHEMA, matrix)
    with pytest.raises(FashionError, match="'pink' is not a value"):
        vectors_of(SCHEMA, [{"colour": "pink"}])


def test_roles_are_one_to_four_and_every_count_must_fit():
    data = tiny_manipulation(300)
    assert len(data.rows("train")) == 100 and set(data.role[data.split == "train"]) == {"train"}
    for split in ("valid", "test"):
        assert (len(data.rows(split, "query")), len(data.rows(split, "candidate"))) == (20, 80)
    with pytest.raises(FashionError, match="no split 'train' with role 'query'"):
        data.rows("train", "query")
    with pytest.raises(FashionError, match="89 splits for 90 pictures"):
        tiny_manipulation(90, split=data.split[:89])
    assert data.departures == {} and data.queries("test") is data.queries("test")
    known = data.encoded("test")
    assert len(known) == data.labels.matrix[data.rows("test")].sum()
    columns = [BLOCKS[a].start + v for a, v in zip(known.attribute, known.value, strict=True)]
    assert data.labels.matrix[known.image, columns].all()


@pytest.mark.slow
def test_the_wardrobe_gives_whole_label_vectors_with_the_category():
    profile = get_profile("smoke").with_options(wardrobe_images=1_500, wardrobe_seed=4, image_size=16)
    data = load_manipulation("wardrobe", profile)
    assert data.schema.names == WARDROBE_ATTRIBUTES and data.name == "wardrobe_manipulation" and not data.departures
    for row in range(1_500):
        held = {name: values[0] for name, values in data.labels.values(row).items()}
        expected = wardrobe_labels(data.wardrobe, row)
        assert held == {name: value for name, value in expected.items() if name in WARDROBE_ATTRIBUTES}
    category = data.schema.index("category")
    rows = [row for row in data.rows("test") if data.labels.known[row, category]][:2]
    assert data.regions(rows, category).shape == (2, 16, 16)
    other = load_manipulation("wardrobe", profile, ("colour", "pattern"), changes=2)
    assert other.departures == {"attributes": "colour-pattern", "changes": 2}
    with pytest.raises(FashionError, match="did you mean 'colour'"):
        load_manipulation("wardrobe", profile, ("color",))
