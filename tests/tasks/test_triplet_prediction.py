"""Triplet relation prediction against a loop, and its files in the layout of Zappos50k's lists."""

import numpy as np
import pytest
import torch
from tiny_data import SCHEMA, TinyModel, tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.data.augmentation import normalise
from fashion_lib.methods.registry import build_model
from fashion_lib.tasks.retrieval.triplet_prediction import (
    draw_triplets,
    fixed_lists,
    predict_triplets,
    read_triplet_lists,
    scores,
    write_triplet_lists,
)

DATA = tiny_data()


def test_triplets_come_from_the_split_and_obey_the_labels():
    lists = draw_triplets(DATA, "test", 50, seed=3)
    assert set(lists) == set(SCHEMA.names)
    values = DATA.labels[DATA.labels["split"] == "test"].set_index(["image", "attribute"])["value"]
    for condition, rows in lists.items():
        assert rows.shape == (50, 3) and (rows[:, 0] != rows[:, 2]).all()
        for anchor, far, close in rows.tolist():
            of = [values[DATA.image_names[row], condition] for row in (anchor, far, close)]
            assert of[0] == of[2] != of[1]
    again = draw_triplets(DATA, "test", 50, seed=3)
    assert all(np.array_equal(again[name], rows) for name, rows in lists.items())
    assert not np.array_equal(draw_triplets(DATA, "test", 50, seed=4)["hem"], lists["hem"])


def test_files_have_zappos_layout_and_come_back(tmp_path):
    lists = draw_triplets(DATA, "test", 7)
    write_triplet_lists(tmp_path, DATA, "test", lists)
    file = tmp_path / "tripletlists" / "collar_tripletlist_test.txt"
    assert file.read_text().splitlines()[0] == " ".join(map(str, lists["collar"][0]))
    assert (tmp_path / "filenames.json").read_text().splitlines()[:2] == list(DATA.image_names[:2])
    back = read_triplet_lists(tmp_path, DATA, "test")
    assert all(np.array_equal(back[name], rows) for name, rows in lists.items())


@torch.no_grad()
def test_accuracy_and_loss_equal_a_loop_over_triplets():
    model, lists = TinyModel(), draw_triplets(DATA, "test", 20)
    found = predict_triplets(model, DATA, lists)
    assert model.passes == len({row for rows in lists.values() for row in rows.ravel().tolist()})
    right, losses = [], []
    for condition, rows in lists.items():
        a = torch.tensor([SCHEMA.index(condition)] * 3)
        of_condition = []
        for row in rows:
            anchor, far, close = model.embed(normalise(DATA.pixels[row]), a).double()
            gap = float(anchor @ close - anchor @ far)
            of_condition.append((gap > 0, max(0.0, 0.2 - gap)))
        assert found.accuracy[condition] == pytest.approx(np.mean([r for r, _ in of_condition]))
        assert found.loss[condition] == pytest.approx(np.mean([loss for _, loss in of_condition]), abs=1e-6)
        right += [r for r, _ in of_condition]
        losses += [loss for _, loss in of_condition]
    assert found.accuracy["overall"] == pytest.approx(np.mean(right))
    assert found.loss["overall"] == pytest.approx(np.mean(losses), abs=1e-6)
    assert found.triplets == dict.fromkeys(SCHEMA.names, 20) | {"overall": 60}


@torch.no_grad()
def test_csns_own_code_answers_by_the_distance_of_vectors_of_free_length():
    model = build_model("csn", SCHEMA, variant="veit", start="random", masks="learned")
    lists = draw_triplets(DATA, "test", 10)
    found, gaps = predict_triplets(model, DATA, lists), []
    model.eval()
    for condition, rows in lists.items():
        for row in rows:
            pooled = model.features(normalise(DATA.pixels[row])).mean((2, 3))
            masked = (model.linear(pooled) * model.masks[SCHEMA.index(condition)].relu()).double()  # (3, 64)
            gaps.append(float((masked[0] - masked[1] + 1e-6).norm() - (masked[0] - masked[2] + 1e-6).norm()))
    assert found.accuracy["overall"] == pytest.approx(np.mean([gap > 0 for gap in gaps]))
    assert found.loss["overall"] == pytest.approx(np.mean([max(0.0, 0.2 - gap) for gap in gaps]), abs=1e-6)


def test_a_record_holds_percent_and_mean_hinge_of_the_fixed_lists():
    lists = fixed_lists(DATA)
    assert {len(rows) for rows in lists.values()} == {1000}
    assert all(np.array_equal(fixed_lists(DATA)[name], rows) for name, rows in lists.items())
    expected = predict_triplets(TinyModel(), DATA, lists)
    found = scores(TinyModel(), DATA)
    assert list(found) == ["triplet_accuracy", "triplet_loss"]
    assert found["triplet_accuracy"] == {name: 100 * share for name, share in expected.accuracy.items()}
    assert found["triplet_loss"] == expected.loss
    assert list(expected.loss) == [*SCHEMA.names, "overall"]


def test_a_split_without_a_triplet_has_no_figure_and_is_named_when_asked():
    table = DATA.labels.assign(value=DATA.labels["value"].where(DATA.labels["split"] != "test", "red"))
    alike = tiny_data(labels=table[(table["split"] != "test") | (table["attribute"] == "colour")])
    assert fixed_lists(alike) == {} == scores(TinyModel(), alike)
    with pytest.raises(FashionError, match="the lists for tiny hold no triplet"):
        predict_triplets(TinyModel(), alike, {})


def test_a_list_may_be_a_list_and_has_three_rows_in_each_line():
    lists = draw_triplets(DATA, "test", 5)
    expected = predict_triplets(TinyModel(), DATA, lists)
    assert predict_triplets(TinyModel(), DATA, {name: rows.tolist() for name, rows in lists.items()}) == expected
    for wrong in (lists["hem"][:, :2], [0, 1, 2], [[[0, 1, 2]]]):
        with pytest.raises(FashionError, match=r"the list of 'hem' has the shape .* give int rows \(T, 3\)"):
            predict_triplets(TinyModel(), DATA, lists | {"hem": wrong})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 2", "line 1 of .*'1 2', not three numbers"),
        ("1 2 99", "not three numbers from 0 to 59"),
        ("a b c", "not three"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    write_triplet_lists(tmp_path, DATA, "test", draw_triplets(DATA, "test", 3))
    (tmp_path / "tripletlists" / "hem_tripletlist_test.txt").write_text(line + "\n")
    with pytest.raises(FashionError, match=message):
        read_triplet_lists(tmp_path, DATA, "test")


def test_missing_lists_unknown_conditions_and_images_are_one_sentence(tmp_path):
    with pytest.raises(FashionError, match=r"filenames\.json cannot be read"):
        read_triplet_lists(tmp_path, DATA, "test")
    lists = draw_triplets(DATA, "test", 3)
    write_triplet_lists(tmp_path, DATA, "test", lists)
    with pytest.raises(FashionError, match=r"no list that ends in _tripletlist_val\.txt"):
        read_triplet_lists(tmp_path, DATA, "valid")
    (tmp_path / "tripletlists" / "heel_tripletlist_test.txt").write_text("0 1 2\n")
    with pytest.raises(FashionError, match="heel"):
        read_triplet_lists(tmp_path, DATA, "test")
    (tmp_path / "tripletlists" / "heel_tripletlist_test.txt").unlink()
    names = (tmp_path / "filenames.json").read_text().replace(DATA.image_names[lists["collar"][0][0]], "gone.png")
    (tmp_path / "filenames.json").write_text(names)
    with pytest.raises(FashionError, match=r"gone\.png"):
        read_triplet_lists(tmp_path, DATA, "test")
