"""A folder of pictures, embedded once and searched: as the run itself ranks, after kills, changes and damage."""

import json
import os
import shutil
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_gallery import SIZE, alone, manipulation_run, pictures, retrieval_run, save_pictures

import fashion_lib as fl
from fashion_lib.core.errors import FashionError
from fashion_lib.runs import gallery_index
from fashion_lib.runs.gallery_index import index_folder, index_gallery, open_index
from fashion_lib.runs.gallery_search import search_gallery
from fashion_lib.runs.run_folder import open_run
from fashion_lib.tasks.manipulation.manipulation_evaluation import (
    manipulated,
    rank_by_distance,
    represent_rows,
)
from fashion_lib.tasks.manipulation.operations import Operation, manipulation_vector
from fashion_lib.tasks.retrieval.embedding import embed_images
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.tasks.retrieval.vector_store import JOURNAL, VectorStore
from fashion_lib.training.checkpoint import read_checkpoint, write_checkpoint

pytestmark = pytest.mark.slow  # `make quick` leaves it out

NAMES = ("collar", "hem", "colour")


@pytest.fixture(scope="module")
def run():
    return retrieval_run()


@pytest.fixture
def folder(run, tmp_path):
    return alone(run, tmp_path / "far away" / "Lauf für Ärmel")


@pytest.fixture
def gallery(tmp_path):
    return save_pictures(tmp_path / "my pictures", pictures(24, SIZE))


@pytest.fixture
def embedded(monkeypatch):
    """Count the pictures that pass through the backbone."""
    counts, embed = [], gallery_index.embed_pixels

    def counted(opened, pixels):
        counts.append(len(pixels))
        return embed(opened, pixels)

    monkeypatch.setattr(gallery_index, "embed_pixels", counted)
    return counts


def indexed(run_folder, gallery, **options):
    return index_gallery(run_folder, gallery, progress=False, **options)


def stored(index, kind):
    numbers = np.fromfile(index.store.vectors(kind), np.float16).reshape(-1, index.store.facts.width)
    return {name: numbers[entry.row] for name, entry in index.store.entries.items() if entry.row is not None}


def test_a_run_folder_alone_ranks_as_the_run_does(run, folder, tmp_path):
    data = run.data
    save_pictures(tmp_path / "gallery", data.pixels)
    index = indexed(folder, tmp_path / "gallery")
    assert len(index) == 60 and not index.broken
    for name in NAMES:
        hits = run.search(2, name)
        found = search_gallery(folder, tmp_path / "gallery" / "002.png", name, top=59)
        assert "002.png" not in found.names and len(found.names) == 59
        exact = dict(zip((data.image_names[row] for row in hits.rows), hits.similarity, strict=True))
        ranked = [(one, similarity) for one, similarity in zip(found.names, found.similarity, strict=True)]
        own = [(one, similarity) for one, similarity in ranked if one in exact]
        assert len(own) == len(exact)
        assert max(abs(exact[one] - similarity) for one, similarity in own) < 1e-3  # half precision
        order = np.array([exact[one] for one, _ in own])
        assert (np.diff(order) < 1e-3).all()  # only what half precision cannot tell apart changes places
        assert own[0][0] == data.image_names[hits.rows[0]]
        assert list(found.maps) == [name] and found.maps[name].sum() == pytest.approx(1, abs=1e-4)


def test_each_picture_passes_through_the_backbone_once_for_all_attributes(folder, gallery, monkeypatch):
    opened = open_run(folder)
    seen, features = [], opened.model.features
    monkeypatch.setattr(opened.model, "features", lambda images: seen.append(len(images)) or features(images))
    index = indexed(opened, gallery)
    assert sum(seen) == 24 == len(index) and index.store.facts.kinds == list(NAMES)


def test_the_vectors_are_those_of_embed_images_in_half_precision(run, folder, gallery):
    index = indexed(folder, gallery)
    data = type("Data", (), {"pixels": pictures(24, SIZE)})
    for number, name in enumerate(NAMES):
        wanted = embed_images(run.model, data, np.arange(24), [number], precision=run.history.precision)[
            number
        ].numpy()
        got = stored(index, name)
        assert np.abs(np.stack([got[one] for one in sorted(got)]) - wanted).max() < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("method", ["triplet", "csn", "asen_pp", "rpf", "random"])
def test_other_methods_too_with_crops_from_large_pictures(method, tmp_path):
    run = retrieval_run(method)
    folder = alone(run, tmp_path / "run")
    assert open_run(folder).image_size == run.data.image_size == SIZE * run.model.image_scale
    save_pictures(tmp_path / "gallery", run.data.pixels)
    assert len(indexed(folder, tmp_path / "gallery")) == 60
    hits = run.search(2, "colour")
    found = search_gallery(folder, tmp_path / "gallery" / "002.png", "colour", top=59)
    exact = dict(zip((run.data.image_names[row] for row in hits.rows), hits.similarity, strict=True))
    own = [(one, value) for one, value in zip(found.names, found.similarity, strict=True) if one in exact]
    assert max(abs(exact[one] - value) for one, value in own) < 2e-3
    assert bool(found.maps) != any("no spatial attention" in note for note in found.notes)


def test_only_what_changed_is_embedded_again(folder, gallery, embedded):
    indexed(folder, gallery)
    assert sum(embedded) == 24
    index = indexed(folder, gallery)
    assert sum(embedded) == 24 and index.notes[0].endswith("0 of them were embedded now.")
    before = stored(index, "collar")
    (gallery / "005.png").unlink()
    Image.fromarray(pictures(1, SIZE, seed=9)[0]).save(gallery / "006.png")
    Image.fromarray(pictures(1, SIZE, seed=10)[0]).save(gallery / "new.png")
    os.rename(gallery / "007.png", gallery / "moved.png")
    shutil.copy(gallery / "008.png", gallery / "copy of 008.png")
    os.utime(gallery / "009.png", (1, 1))  # another time, the same content
    found = search_gallery(folder, gallery / "001.png", "collar", top=99)
    told = next(note for note in found.notes if "has changed" in note)
    assert all(
        part in told for part in ("3 new (copy of 008.png, moved.png, new.png)", "2 changed", "2 gone")
    )
    index = indexed(folder, gallery)
    assert sum(embedded) == 26
    assert set(index.store.entries) == {path.name for path in gallery.iterdir()}
    after = stored(index, "collar")
    assert (after["moved.png"] == before["007.png"]).all() and (
        after["copy of 008.png"] == before["008.png"]
    ).all()
    assert (after["006.png"] != before["006.png"]).any()
    found = search_gallery(folder, gallery / "001.png", "collar", top=99)
    assert set(found.names) == set(index.store.entries) - {"001.png"}
    assert not any("changed" in note for note in found.notes)


def test_rows_of_removed_pictures_are_used_again_and_never_found(folder, gallery, embedded):
    indexed(folder, gallery)
    for number in range(3, 9):
        (gallery / f"{number:03d}.png").unlink()
    index = indexed(folder, gallery)
    assert index.store.rows == 24 and len(index) == 18
    found = search_gallery(folder, gallery / "000.png", "hem", top=99)
    assert len(found.names) == 17
    save_pictures(gallery, pictures(8, SIZE, seed=5), [f"new {n}.png" for n in range(8)])
    index = indexed(folder, gallery)
    assert index.store.rows == 26 == len(index)  # six rows taken again, two added
    data = type("Data", (), {"pixels": pictures(8, SIZE, seed=5)})
    opened = open_run(folder)
    wanted = embed_images(opened.model, data, np.arange(8), [1], precision=opened.precision)[1].numpy()
    got = stored(index, "hem")
    assert np.abs(np.stack([got[f"new {n}.png"] for n in range(8)]) - wanted).max() < 1e-3
    found = search_gallery(folder, gallery / "000.png", "hem", top=99)
    assert len(set(found.names)) == 25


@pytest.mark.parametrize("where", ["embedding", "journal", "finish"])
def test_a_killed_index_goes_on_where_it_stopped(folder, gallery, monkeypatch, embedded, where):
    monkeypatch.setattr("fashion_lib.data.gallery_files.BYTES_AHEAD", 2 * 3 * SIZE * SIZE * 5)  # blocks of 5
    with monkeypatch.context() as killed:
        if where == "embedding":
            embed = gallery_index.embed_pixels
            killed.setattr(
                gallery_index, "embed_pixels", lambda *a: embed(*a) if sum(embedded) < 10 else sys.exit(9)
            )
        else:
            method = {"journal": "add", "finish": "finish"}[where]
            original = getattr(VectorStore, method)

            def stop(self, *arguments):
                if where == "journal" and len(self.entries) < 10:
                    return original(self, *arguments)
                sys.exit(9)

            killed.setattr(VectorStore, method, stop)
        with pytest.raises(SystemExit):
            indexed(folder, gallery)
    done = {"embedding": 10, "journal": 10, "finish": 24}[where]
    place = index_folder(open_run(folder), gallery)
    with open(place / JOURNAL, "ab") as journal:
        journal.write(b'["half a li')
    with open(place / "00.f16", "ab") as vectors:
        vectors.write(b"\x00" * 77)  # vectors without a line
    found = search_gallery(folder, gallery / "000.png", "collar", top=99, check=False)
    assert len(found.names) == done - 1 and "not finished" in found.notes[0]
    with pytest.raises(FashionError, match="is not finished: run `index` again"):
        search_gallery(folder, gallery / "000.png", "collar", approximate=True)
    embedded.clear()
    index = indexed(folder, gallery)
    assert sum(embedded) == 24 - done
    fresh = indexed(folder, gallery, folder=folder.parent / "fresh index")
    for name in NAMES:
        one, other = stored(index, name), stored(fresh, name)
        assert one.keys() == other.keys()
        assert all(np.abs(one[key] - other[key]).max() < 1e-3 for key in one)
    assert index.store.facts.finished and index.store.rows == 24


def test_an_index_killed_at_its_end_counts_as_changed(folder, gallery, monkeypatch, embedded):
    """An approximate index of the vectors before the kill is not used: it does not hold the new ones."""
    before = indexed(folder, gallery).store.facts.generation
    save_pictures(gallery, pictures(1, SIZE, seed=9), ["new.png"])
    with monkeypatch.context() as killed:
        killed.setattr(VectorStore, "finish", lambda *_: sys.exit(9))
        with pytest.raises(SystemExit):
            indexed(folder, gallery)
    embedded.clear()
    after = indexed(folder, gallery).store.facts.generation
    assert not sum(embedded) and after == before + 1
    assert indexed(folder, gallery).store.facts.generation == after


def test_broken_pictures_are_listed_and_left_out(folder, gallery):
    whole = (gallery / "000.png").read_bytes()
    (gallery / "cut off.png").write_bytes(whole[: len(whole) // 2])
    (gallery / "empty.jpg").touch()
    (gallery / "page.jpg").write_text("<html>not found</html>")
    (gallery / "phone.heic").write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00")
    (gallery / "nowhere.jpg").symlink_to(gallery / "not there.jpg")
    (gallery / "secret.png").write_bytes(whole)
    (gallery / "notes.txt").write_text("no picture")
    (gallery / ".hidden.png").write_bytes(b"")
    index = indexed(folder, gallery)
    assert set(index.broken) == {"cut off.png", "empty.jpg", "page.jpg", "phone.heic", "nowhere.jpg"}
    assert "the file is empty" in index.broken["empty.jpg"] and index.broken["phone.heic"]
    assert "link" in index.broken["nowhere.jpg"]
    assert len(index) == 25
    found = search_gallery(folder, gallery / "000.png", "collar", top=99)
    assert set(found.names) == {f"{n:03d}.png" for n in range(1, 24)} | {"secret.png"}
    assert found.names[0] == "secret.png" and found.similarity[0] == pytest.approx(1, abs=1e-3)
    (gallery / "empty.jpg").write_bytes(whole)  # repaired
    assert "empty.jpg" not in indexed(folder, gallery).broken


def test_odd_names_and_folders(folder, tmp_path):
    names = [
        "Kleid für Ärmel.png",
        'a b/c\'d "e".png',
        "日本/服.png",
        "line\nbreak.png",
        "$x_1$.png",
        "50% [a].png",
    ]
    gallery = save_pictures(tmp_path / "Bilder – 2026", pictures(7, SIZE), [*names, "UPPER.PNG"])
    odd = os.fsdecode(b"latin-\xe9.png")  # no UTF-8
    shutil.copy(gallery / "UPPER.PNG", gallery / odd)
    index = indexed(folder, gallery)
    assert set(index.store.entries) == {*names, "UPPER.PNG", odd} and not index.broken
    found = search_gallery(folder, gallery / names[0], "colour")
    assert set(found.names) == {*names[1:], "UPPER.PNG", odd}
    assert fl.show.gallery_board(found).axes and fl.show.gallery_heat(found).axes


def test_equal_pictures_share_a_row_and_are_all_found_by_name(folder, tmp_path):
    gallery = save_pictures(tmp_path / "g", np.repeat(pictures(2, SIZE), 4, axis=0))
    index = indexed(folder, gallery)
    assert index.store.rows == 2 and len(index) == 8
    found = search_gallery(folder, gallery / "000.png", "hem", top=5)
    assert found.names == ("001.png", "002.png", "003.png", "004.png", "005.png")
    assert len(set(found.similarity[:3].tolist())) == 1 > found.similarity[3]


def test_a_black_picture_is_a_picture(folder, tmp_path):
    gallery = save_pictures(tmp_path / "g", np.zeros((1, SIZE, SIZE, 3), np.uint8))
    assert len(indexed(folder, gallery)) == 1
    other = save_pictures(tmp_path / "q", pictures(1, SIZE)) / "000.png"
    assert search_gallery(folder, other, "hem").names == ("000.png",)


def test_an_empty_folder_and_no_folder_say_so(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FashionError, match="there is no picture in .*empty"):
        indexed(folder, tmp_path / "empty")
    with pytest.raises(FashionError, match="is no folder"):
        indexed(folder, tmp_path / "nowhere")
    with pytest.raises(FashionError, match="has no index"):
        search_gallery(folder, tmp_path / "q.png", "hem")


def test_another_model_is_noticed_and_embeds_all_anew(folder, gallery, embedded):
    indexed(folder, gallery)
    path = folder / "best.safetensors"
    tensors, state = read_checkpoint(path)
    name = next(name for name, tensor in tensors.items() if tensor.is_floating_point())
    write_checkpoint(path, tensors | {name: tensors[name] + 0.25}, state)
    with pytest.raises(FashionError, match="was made by another model"):
        search_gallery(folder, gallery / "000.png", "hem")
    index = indexed(folder, gallery)
    assert sum(embedded) == 48 and "Another model" in index.notes[0]
    assert len(search_gallery(folder, gallery / "000.png", "hem", top=99).names) == 23


def test_the_digest_does_not_change_with_the_run_s_story(run, folder):
    path = folder / "best.safetensors"
    before = open_run(folder).digest()
    tensors, state = read_checkpoint(path)
    write_checkpoint(path, tensors, state | {"history": state["history"] | {"seconds": 9.0}})
    assert open_run(folder).digest() == before == open_run(run).digest()


def test_several_galleries_need_a_name_and_a_moved_one_can_be_given(folder, gallery, tmp_path):
    indexed(folder, gallery)
    moved = tmp_path / "moved"
    other = save_pictures(tmp_path / "other", pictures(4, SIZE, seed=3))
    indexed(folder, other)
    with pytest.raises(FashionError, match=r"has 2 indexes: name the gallery .*my pictures.*other"):
        search_gallery(folder, gallery / "000.png", "hem")
    assert len(search_gallery(folder, gallery / "000.png", "hem", gallery=other).names) == 4
    os.rename(gallery, moved)
    place = index_folder(open_run(folder), gallery)
    found = search_gallery(folder, moved / "000.png", "hem", folder=place)
    assert any("cannot be compared" in note for note in found.notes)
    assert fl.show.gallery_board(found).axes  # pictures that are gone are grey
    found = search_gallery(folder, moved / "000.png", "hem", folder=place, gallery=moved)
    assert not found.notes and all(file.is_file() for file in found.files)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"attribute": "collr"}, "no attribute 'collr': did you mean 'collar'"),
        ({"attribute": None}, "needs an attribute: choose one of collar, hem, colour"),
        ({"attribute": "hem", "top": 0}, "top=0 leaves no picture"),
        ({"attribute": "hem", "top": True}, "top=True leaves no picture"),
        ({"attribute": None, "change": {"hem": "long"}}, "answers attributes, not changes"),
        ({"attribute": "hem", "has": {"hem": "long"}}, "answers attributes, not changes"),
        ({"attribute": "hem", "change": "hem=long"}, "a change is 'hem=long': give attribute and value"),
        ({"attribute": 3}, "no attribute 3: choose one of"),
    ],
)
def test_a_question_that_cannot_be_says_why(folder, gallery, options, words):
    index = indexed(folder, gallery)
    with pytest.raises(FashionError, match=words):
        search_gallery(index, gallery / "000.png", **options)


def test_what_is_no_gallery_and_no_picture_is_refused(folder, gallery):
    with pytest.raises(FashionError, match="the gallery is 7: give the folder"):
        indexed(folder, 7)
    with pytest.raises(FashionError, match="the query is None: give the file"):
        search_gallery(indexed(folder, gallery), None, "hem")


def test_a_broken_query_says_why(folder, gallery, tmp_path):
    index = indexed(folder, gallery)
    (tmp_path / "q.jpg").write_text("no picture")
    with pytest.raises(FashionError, match=r"q\.jpg cannot be read"):
        search_gallery(index, tmp_path / "q.jpg", "hem")
    with pytest.raises(FashionError, match=r"not there\.jpg does not exist"):
        search_gallery(index, tmp_path / "not there.jpg", "hem")


def damage_line(place):
    text = (place / JOURNAL).read_text().splitlines(keepends=True)
    (place / JOURNAL).write_text("".join([text[0], '["a", 1]\n', *text[2:]]))


def short_vectors(place):
    with open(place / "01.f16", "r+b") as file:
        file.truncate(100)


@pytest.mark.parametrize(
    "damage",
    [
        damage_line,
        short_vectors,
        lambda place: (place / "00.f16").unlink(),
        lambda place: (place / "index.json").write_text("{"),
        lambda place: (place / "index.json").write_text('{"format": 99}'),
        lambda place: (place / "index.json").write_text("[]"),
        lambda place: (place / JOURNAL).write_text('["a", 1, 2, "", 99, ""]\n'),
        lambda place: (place / JOURNAL).write_bytes(b"\xff\xfe\n"),
    ],
)
def test_a_damaged_index_is_one_sentence(folder, gallery, damage):
    place = indexed(folder, gallery).store.folder
    damage(place)
    for act in (lambda: search_gallery(folder, gallery / "000.png", "hem"), lambda: indexed(folder, gallery)):
        with pytest.raises(FashionError, match="is damaged .*: delete that folder and index again"):
            act()


def test_a_folder_with_other_files_is_not_taken(folder, gallery, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("precious")
    with pytest.raises(FashionError, match=r"holds 'thesis.tex', which is no part of an index"):
        indexed(folder, gallery, folder=tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "precious"


def test_a_run_folder_without_its_inputs_or_with_others_says_so(folder, tmp_path):
    path = folder / "best.safetensors"
    tensors, state = read_checkpoint(path)
    old = {name: part for name, part in state.items() if name != "inputs"}
    write_checkpoint(path, tensors, old)
    with pytest.raises(FashionError, match="before checkpoints kept their attributes and picture size"):
        open_run(folder)
    inputs = state["inputs"] | {"preparation": state["inputs"]["preparation"] | {"mean": [0.5, 0.5, 0.5]}}
    write_checkpoint(path, tensors, state | {"inputs": inputs})
    with pytest.raises(FashionError, match=r"prepared in another way \(mean \[0.5"):
        open_run(folder)
    for wrong in (
        {"schema": []},
        state["inputs"] | {"image_size": 0},
        state["inputs"] | {"schema": [{"name": 1}]},
    ):
        write_checkpoint(path, tensors, state | {"inputs": wrong})
        with pytest.raises(FashionError, match="in its inputs"):
            open_run(folder)
    with pytest.raises(FashionError, match="did you mean .*Lauf"):
        open_run(folder.parent)
    with pytest.raises(FashionError, match="is no run"):
        open_run(7)


def test_a_run_from_before_inputs_were_kept_needs_its_record_and_its_data(run, folder, monkeypatch):
    path = folder / "best.safetensors"
    tensors, state = read_checkpoint(path)
    write_checkpoint(path, tensors, {name: part for name, part in state.items() if name != "inputs"})
    shutil.copy(run.folder / "result.json", folder / "result.json")
    with pytest.raises(FashionError, match=r"cannot be found otherwise \(there is no data set 'tiny'"):
        open_run(folder)
    monkeypatch.setattr(type(RETRIEVAL), "load", lambda self, name, profile: run.data)
    opened = open_run(folder)
    assert opened.image_size == SIZE and opened.digest() == open_run(run).digest()


@pytest.mark.parametrize("method", ["yao2026", "amnet"])
def test_a_change_ranks_as_the_evaluation_of_manipulation_does(method, tmp_path):
    run = manipulation_run(method)
    folder = alone(run, tmp_path / "run")
    gallery = save_pictures(tmp_path / "gallery", run.data.pixels[:40])
    index = index_gallery(folder, gallery, progress=False)
    assert index.store.facts.kinds == ["picture"] and index.store.facts.measure == "distance"
    found = search_gallery(
        index, gallery / "003.png", change={"colour": "red"}, has={"colour": "green"}, top=39
    )
    model, schema = run.model, run.data.schema
    labels = np.zeros(8, bool)
    labels[6] = True  # green
    vector = manipulation_vector(schema, [Operation("colour", "green", "red")], labels)
    features = represent_rows(model, run.data, np.arange(40), precision=run.history.precision)
    moved = model.comparable(manipulated(model, features[3:4], vector[None]))
    with torch.no_grad():
        features = model.comparable(features)
    exact = torch.linalg.norm(features - moved, dim=1).numpy()
    scale = exact.max()
    rows = [int(name[:3]) for name in found.names]
    assert sorted(rows) == [row for row in range(40) if row != 3]
    assert np.abs(-found.similarity - exact[rows]).max() < 2e-3 * scale
    ((_, order),) = rank_by_distance(moved, features.half())
    ranked = [row for row in order[0].tolist() if row != 3]
    assert (np.abs(exact[rows] - exact[ranked]) < 2e-3 * scale).all()
    assert "colour: green → red" in found.question
    assert ("colour" in found.maps) == (method == "yao2026")


def test_the_value_of_the_query_is_read_by_the_model(tmp_path):
    run = manipulation_run()
    folder = alone(run, tmp_path / "run")
    gallery = save_pictures(tmp_path / "gallery", run.data.pixels[:20])
    index = index_gallery(folder, gallery, progress=False)
    with torch.no_grad():
        features = represent_rows(run.model, run.data, [4], precision=run.history.precision)
        scores = run.model.logits(features)[0]
    read = ("red", "green", "blue")[int(scores[5:].argmax())]
    wanted = next(value for value in ("red", "green", "blue") if value != read)
    found = search_gallery(index, gallery / "004.png", change={"colour": wanted})
    assert f"reads colour={read}" in found.notes[0] and f"{read} → {wanted}" in found.question
    with pytest.raises(FashionError, match=f"already has colour={read}, as the model reads it"):
        search_gallery(index, gallery / "004.png", change={"colour": read})
    with pytest.raises(FashionError, match="already has colour=red: choose"):
        search_gallery(index, gallery / "004.png", change={"colour": "red"}, has={"colour": "red"})
    with pytest.raises(FashionError, match="is not a value of the attribute 'colour'"):
        search_gallery(index, gallery / "004.png", change={"colour": "mauve"})
    with pytest.raises(FashionError, match="answers changes, not attributes"):
        search_gallery(index, gallery / "004.png", "colour")
    two = search_gallery(
        index, gallery / "004.png", change={"colour": wanted, "sleeve": "long"}, has={"sleeve": "short"}
    )
    assert "short → long" in two.question and set(two.maps) == {"colour", "sleeve"}


def test_the_face_indexes_and_searches(run, folder, gallery):
    index = fl.index(folder, gallery, progress=False)
    assert "24 pictures" in repr(index)
    found = fl.search(folder, gallery / "000.png", "collar", top=5)
    assert list(found.table().columns) == ["picture", "similarity"] and len(found.table()) == 5
    assert "collar, 000.png in 24 pictures" in repr(found)
    again = search_gallery(index, gallery / "000.png", "collar", top=5)
    assert again.names == found.names
    rows = fl.search(run.model, run.data, 2, "collar").rows
    assert rows.tolist() == run.search(2, "collar").rows.tolist()


def test_the_record_of_the_index_names_no_second_process(folder, gallery):
    index = indexed(folder, gallery)
    with (
        gallery_index._one_writer(index.store.folder),
        pytest.raises(FashionError, match="another process is making"),
    ):
        indexed(folder, gallery)
    facts = json.loads((index.store.folder / "index.json").read_text())
    assert facts["finished"] and facts["gallery"] == str(gallery)
    assert len(open_index(folder)) == 24
