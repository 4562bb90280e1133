import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from tiny_data import TinyModel, tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.show import shared_query as module
from fashion_lib.show.shared_query import shared_query
from fashion_lib.tasks.retrieval.embedding import embed_images


def carriers(data, names):
    """Rows of the test pictures that have all the named attributes, from the table alone."""
    test = data.labels[data.labels["split"] == "test"]
    carried = test.groupby("image")["attribute"].agg(set)
    return sorted(data.image_names.index(image) for image, has in carried.items() if set(names) <= has)


def test_the_query_is_the_first_picture_with_the_most_attributes():
    data = tiny_data()
    shared = shared_query(data, ["colour", "collar", "unknown"])
    assert shared.attributes == ["colour", "collar", "hem"]  # the schema's next one replaces the unknown
    assert shared.ids == [2, 0, 1]
    everything = carriers(data, shared.attributes)
    assert len(everything) > 2 and shared.row == everything[0]
    assert shared.gallery.tolist() == everything[1:]


def test_fewer_attributes_have_a_larger_gallery():
    data = tiny_data()
    shared = shared_query(data, ["colour"], count=1)
    assert shared.attributes == ["colour"]
    assert sorted([shared.row, *shared.gallery]) == carriers(data, ["colour"])


def test_each_attribute_has_its_own_ranking_by_cosine():
    data, model = tiny_data(), TinyModel()
    shared = shared_query(data, ["collar", "hem"], count=2)
    ranked = shared.ranked(model)
    assert list(ranked) == ["collar", "hem"]
    for name, attribute in (("collar", 0), ("hem", 1)):
        vectors = embed_images(model, data, np.append(shared.row, shared.gallery), [attribute])[attribute]
        order = torch.argsort(vectors[1:] @ vectors[0], descending=True).numpy()
        assert ranked[name].tolist() == shared.gallery[order].tolist()


def test_a_picture_is_right_where_the_table_has_the_query_s_value(monkeypatch):
    data = tiny_data()
    shared = shared_query(data, ["colour"], count=1)
    values = data.labels[data.labels["attribute"] == "colour"].set_index("image")["value"]
    expected = [
        values[data.image_names[row]] == values[data.image_names[shared.row]] for row in shared.gallery
    ]
    assert 0 < sum(expected) < len(expected)
    assert shared.correct(shared.gallery, "colour").tolist() == expected

    seen = []
    draw = module.retrieval_boards
    monkeypatch.setattr(
        module, "retrieval_boards", lambda *given, **named: seen.append(given[1]) or draw(*given, **named)
    )
    shared.boards({"colour": shared.gallery}, top=3)
    ((board,),) = seen
    assert board["query_row"] == shared.row and board["correct"].tolist() == expected[:3]
    assert board["ranked_rows"].tolist() == shared.gallery[:3].tolist() and not plt.get_fignums()


def test_a_query_alone_is_an_error():
    data = tiny_data()
    labels = data.labels[(data.labels["split"] != "test") | (data.labels["image"] == "002.png")]
    with pytest.raises(FashionError, match="no other test picture shows"):
        shared_query(tiny_data(labels=labels.reset_index(drop=True)), ["colour"])
