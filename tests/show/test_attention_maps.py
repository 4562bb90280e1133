import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from tiny_data import SIZE, TinyModel, tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.data.augmentation import normalise
from fashion_lib.methods.registry import build_model
from fashion_lib.show import attention_maps as module
from fashion_lib.show.attention_maps import attention_rows, pictures_with
from fashion_lib.tasks.retrieval.explain import attention


def region(rows, attribute):
    masks = np.zeros((len(rows), SIZE, SIZE), bool)
    masks[:, : 4 + attribute] = True
    return masks


@pytest.fixture
def drawn(monkeypatch):
    """What reaches the drawing function: its positional arguments and size."""
    seen = []
    draw = module.heat_map_rows

    def noted(*args, **named):
        seen.append((args, named))
        return draw(*args, **named)

    monkeypatch.setattr(module, "heat_map_rows", noted)
    return seen


@pytest.mark.parametrize("attributes", [[0], [1, 2], [0, 1, 2]])
def test_pictures_with_carries_every_attribute(attributes):
    data = tiny_data()
    table = data.labels[data.labels["split"] == "test"]
    names = {data.schema.names[a] for a in attributes}
    carried = table.groupby("image")["attribute"].agg(set)
    wanted = sorted(data.image_names.index(image) for image, has in carried.items() if names <= has)
    found = pictures_with(data, attributes)
    assert found.dtype == np.int64 and found.tolist() == wanted and wanted
    train = data.labels[data.labels["split"] == "train"].groupby("image")["attribute"].agg(set)
    wanted = sorted(data.image_names.index(image) for image, has in train.items() if names <= has)
    assert pictures_with(data, attributes, "train").tolist() == wanted and wanted


def test_the_maps_are_those_of_the_forward_pass_with_the_true_regions(drawn):
    data, model = tiny_data(regions=region), TinyModel()
    rows = pictures_with(data, [0, 2])[:2]
    figure = attention_rows(model, data, rows, [0, 2], size=0.9)
    ((images, maps, titles, regions), named), = drawn
    assert np.array_equal(images, data.pixels[rows]) and titles == ["collar", "colour"] and named == {"size": 0.9}
    for a, one, mask in zip((0, 2), maps, regions, strict=True):
        expected = attention(model, normalise(data.pixels[rows]), torch.full((2,), a))["spatial"]
        assert torch.equal(one, expected) and np.array_equal(mask, region(rows, a))
    assert len(figure.axes) == 2 * (1 + 2 + 1) and not plt.get_fignums()  # picture, two maps, the scale


def test_without_regions_nothing_is_outlined(drawn):
    data = tiny_data()
    attention_rows(TinyModel(), data, pictures_with(data, [2])[:1], [2])
    assert drawn[0][0][3] == [None]


def test_several_kinds_stand_side_by_side_and_are_named(drawn):
    data = tiny_data()
    model = build_model("ag_mlan", data.schema, start="random", seed=1)
    attention_rows(model, data, pictures_with(data, [0, 2])[:1], [0, 2], ("spatial", "gated"))
    (_, maps, titles, _), _ = drawn[0]
    assert titles == ["collar\nspatial", "collar\ngated", "colour\nspatial", "colour\ngated"]
    made = attention(model, normalise(data.pixels[pictures_with(data, [0, 2])[:1]]), torch.tensor([0]))
    assert torch.equal(maps[0], made["spatial"]) and torch.equal(maps[1], made["gated"])


@pytest.mark.parametrize(
    ("method", "kind", "message"),
    [("asen", "gated", "no attention map 'gated': choose a kind: choose one of spatial"),
     ("triplet", "spatial", "no attention map 'spatial': choose a method with attention"),
     ("asen", "spatail", "did you mean 'spatial'?")],
)  # fmt: skip
def test_a_map_that_the_model_does_not_make_is_named(method, kind, message):
    data = tiny_data()
    model = build_model(method, data.schema, start="random")
    with pytest.raises(FashionError) as caught:
        attention_rows(model, data, pictures_with(data, [2])[:1], [2], (kind,))
    assert message in str(caught.value)
