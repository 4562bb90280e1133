"""Without the papers' lists: the raw labels of FashionAI and DeepFashion, in our own split by the same rules."""

import pytest
from real_layouts import (
    FASHIONAI_SIZES,
    asen_lists,
    deepfashion_lists,
    fashionai_answers,
    fashionai_archive,
    picture,
    write,
)

from fashion_lib.core.errors import FashionError
from fashion_lib.data.sets import deepfashion_benchmark as benchmark
from fashion_lib.data.sets import find_real, real_module
from fashion_lib.data.sets.set_layout import Tree

FASHIONAI, DEEPFASHION = real_module("fashionai"), real_module("deepfashion")
NAMES = [("a-line", 3), ("abstract", 1), ("abstract chevron", 1), ("acid wash", 2), ("arrow collar", 4), ("boho", 5)]


def check_own_split(data, one):
    assert data.edition.startswith("1-own-") and "NOT the papers' split" in data.card["splitting rule"]
    counts = data.labels.groupby("split")["image"].nunique()
    assert abs(counts[["valid", "test"]] - len(data.image_names) / 10).max() < 1
    evaluated = data.labels[data.labels["split"] != "train"]
    assert not one or not evaluated["image"].duplicated().any()
    assert (data.labels.groupby("image")["split"].nunique() == 1).all()
    assert set(evaluated["role"]) == {"query", "candidate"}


@pytest.mark.parametrize("top", ["", "fashionAI_attributes_train_20180222"])
def test_every_archive_of_fashionai_is_recognised(top, tmp_path):
    root = tmp_path / top
    made = {
        "base": fashionai_archive(root / "base", 48),
        "web": fashionai_archive(root / "web", 24, labels="skirt_length_labels.csv", start=100),
        "rank": fashionai_archive(root / "rank", 24, labels="fashionAI_attributes_answer_a_20180428.csv", start=200,
                                  questions=True),
        "z_rank": fashionai_archive(root / "z_rank", 24, labels=None, start=300, questions=True),
        "fashionAI_attributes_train1": fashionai_archive(root / "fashionAI_attributes_train1", 72, start=400),
    }  # fmt: skip
    found = find_real("fashionai", tmp_path)
    for word in ("2018 round 1", "2018 warm-up", "2018 test A", "2018 test B", "long-term train 1"):
        assert word in found.layout
    assert found.protocol == "own" and len(found.labels) == 4 and len(found.pictures) == 5
    assert any("z_rank has questions without answers" in note for note in found.notes)
    data = FASHIONAI.load_found(found, 16)
    expected = {
        f"{top}/{archive}/{path}".removeprefix("/"): (attribute, FASHIONAI.SCHEMA.attribute(attribute).values[value])
        for archive, rows in made.items()
        for path, attribute, value in rows
        if archive != "z_rank"
    }
    assert {row.image: (row.attribute, row.value) for row in data.labels.itertuples()} == expected
    check_own_split(data, one=True)


def test_one_path_in_two_archives_is_two_pictures_unless_the_bytes_are_the_same(tmp_path):
    one = fashionai_archive(tmp_path / "fashionAI_attributes_train1", 120)
    fashionai_archive(tmp_path / "fashionAI_attributes_train2", 120)
    first, copy = (tmp_path / f"fashionAI_attributes_train{i}" / one[0][0] for i in (1, 2))
    copy.write_bytes(first.read_bytes())
    table = FASHIONAI.read_raw(find_real("fashionai", tmp_path))
    assert len(table) == 239 and table["image"].str.startswith("fashionAI_attributes_train2/").sum() == 119
    assert table["maybe"].sum() == 18 + 17  # one row in seven has an m, and is kept


def test_a_folder_above_that_is_called_images_hides_no_copy(tmp_path):
    root = tmp_path / "Images"
    rows = fashionai_archive(root / "fashionAI_attributes_train1", 16)
    fashionai_archive(root / "fashionAI_attributes_train2", 16)
    first, copy = (root / f"fashionAI_attributes_train{i}" for i in (1, 2))
    (copy / rows[0][0]).write_bytes((first / rows[0][0]).read_bytes())
    table = FASHIONAI.read_raw(find_real("fashionai", root))
    assert len(table) == 31 and table.columns.tolist() == ["image", "attribute", "value", "maybe", "picture"]


def test_answers_of_test_b_may_name_pictures_of_test_a(tmp_path):
    a = fashionai_archive(tmp_path / "rank", 16, labels="answer_a.csv", questions=True)
    b = fashionai_archive(tmp_path / "z_rank", 16, labels="answer_b.csv", start=50, questions=True)
    answers = (tmp_path / "rank/Annotations/answer_a.csv").read_text().replace("\n", ",0\n")
    file = tmp_path / "z_rank/Annotations/answer_b.csv"
    file.write_text("path,attribute,label\n" + file.read_text() + answers)  # a header, and a fourth column
    table = FASHIONAI.read_raw(find_real("fashionai", tmp_path))
    assert table["image"].tolist() == [f"rank/{row[0]}" for row in a] + [f"z_rank/{row[0]}" for row in b]


def test_answers_may_lie_beside_the_test_archives(tmp_path):
    a = fashionai_archive(tmp_path / "rank", 16, labels=None, questions=True)
    lines = [f"{p},{k}_labels,{fashionai_answers(k, v)}" for p, k, v in a]
    write(tmp_path / "fashionAI_attributes_answer_a_20180428.csv", lines)
    found = find_real("fashionai", tmp_path)
    assert "answers in fashionAI_attributes_answer_a_20180428.csv" in found.layout and not found.notes
    assert FASHIONAI.read_raw(found)["image"].tolist() == [f"rank/{row[0]}" for row in a]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Images/x.jpg,skirt_length_labels,nnnnnn", "the labels of skirt_length are 6 letters n, m, y with one y"),
        ("Images/x.jpg,skirt_length_labels,nynn", "are 6 letters"),
        ("Images/x.jpg,skirt_length_labels,nyyynn", "with one y"),
        ("Images/x.jpg,hat_labels,ny", "'hat_labels' is no attribute of FashionAI"),
        ("Images/x.jpg", "'' is no attribute"),
    ],
)
def test_a_raw_label_at_fault_is_named(line, words, tmp_path):
    fashionai_archive(tmp_path / "base", 8)
    file = tmp_path / "base/Annotations/label.csv"
    file.write_text(file.read_text() + line + "\n")
    with pytest.raises(FashionError, match=f"line 9 of .*label.csv is .*{words}"):
        FASHIONAI.read_raw(find_real("fashionai", tmp_path))


def test_a_picture_with_two_answers_is_named(tmp_path):
    rows = fashionai_archive(tmp_path / "base", 8)
    write(tmp_path / "base/Annotations/more.csv", [f"{rows[0][0]},skirt_length_labels,nnnnny"])
    with pytest.raises(FashionError, match="two values of skirt_length"):
        FASHIONAI.read_raw(find_real("fashionai", tmp_path))


def test_the_values_have_their_real_names():
    schema = FASHIONAI.SCHEMA
    assert {a.name: len(a.values) for a in schema} == FASHIONAI_SIZES
    assert {a.values[0] for a in schema} == {"Invisible"}
    assert schema.attribute("coat_length").values[7] == "Ankle&Floor Length"
    assert schema.attribute("sleeve_length").values[5] == "3/4 Sleeves"


@pytest.mark.parametrize(
    ("anno", "pictures"),
    [
        ("Category and Attribute Prediction Benchmark/Anno", "Category and Attribute Prediction Benchmark/Img/img"),
        ("Anno_coarse", "Img/img_highres"),
        ("Attr_Predict/Anno_coarse", "Attr_Predict/Img/img"),
        ("Anno", "img-001/img"),
        ("Anno", "img/img"),
    ],
)
def test_every_layout_of_the_benchmark_is_recognised(anno, pictures, tmp_path):
    labels = {}
    for i in range(200):
        path = f"img/{('Caf&eacute;_Tank', 'Take_That,_Jeans', 'L.A.T.H.C._Tee')[i % 3]}/img_{i:08d}.jpg"
        labels[path] = [i % 6] + ([1, 2] if i % 4 == 0 and i % 6 not in (1, 2) else []) if i % 20 else []
        picture(tmp_path / pictures / path.removeprefix("img/"), i)
    place, _, folder = anno.rpartition("/")
    deepfashion_lists(tmp_path / place, labels, NAMES, folder)
    found = find_real("deepfashion", tmp_path)
    assert found.protocol == "own" and f"pictures in {pictures}" in found.layout and folder in found.layout
    data = DEEPFASHION.load_found(found, 16)
    assert set(data.image_names) == {path for path, held in labels.items() if held}
    check_own_split(data, one=True)
    names = {("texture-related", "abstract"), ("texture-related", "abstract chevron")}
    train = data.labels[data.labels["split"] == "train"]
    for image, rows in train.groupby("image"):
        held = set(zip(rows["attribute"], rows["value"], strict=True))
        assert held == {(f"{('texture', 'fabric', 'shape', 'part', 'style')[NAMES[i][1] - 1]}-related", NAMES[i][0])
                        for i in labels[image]}  # fmt: skip
    assert names <= set(zip(train["attribute"], train["value"], strict=True))


def test_an_empty_first_folder_does_not_hide_the_pictures_of_the_benchmark(tmp_path):
    for i in range(3):
        (tmp_path / "img" / f"empty{i}").mkdir(parents=True)
    assert benchmark.picture_folders(Tree(tmp_path)) == ()
    picture(tmp_path / "img" / "Tank" / "img_00000001.jpg", 0)
    assert benchmark.picture_folders(Tree(tmp_path)) == (tmp_path / "img",)


@pytest.mark.parametrize(
    ("row", "held"),
    [
        ("img/a.jpg     -1  1  0  1", [1, 3]),  # as the benchmark pads them
        ("img/a.jpg -1 1 0 1", [1, 3]),
        ("img/a.jpg\t-1  1  0  1  ", [1, 3]),
        ("img/a.jpg  -1  1  0  2", None),
        ("img/a.jpg  -1  1  0 -0", None),
        ("img/a.jpg  -1  1  0", None),
        ("img/a.jpg", None),
        ("img/a.jpg  -1  1  0  1  1", None),
        ("img/a.jpg  -1  1  0  é", None),
        ("img/a.jpg  -1  1 10  1", None),
    ],
)
def test_a_row_of_labels_in_both_paddings(row, held, tmp_path):
    file = write(tmp_path / "list.txt", ["1", "image_name  attribute_labels", row])
    if held is not None:
        assert list(benchmark.labels_of_images(file, 4)) == [("img/a.jpg", held)]
    else:
        with pytest.raises(FashionError, match="line 3 of .*not a path and 4 numbers"):
            list(benchmark.labels_of_images(file, 4))


def test_a_cut_off_or_damaged_list_of_the_benchmark_is_named(tmp_path):
    labels = {f"img/a/img_{i}.jpg": [i % 6] for i in range(12)}
    deepfashion_lists(tmp_path, labels, NAMES)
    picture(tmp_path / "img/a/img_0.jpg", 0)
    file = tmp_path / "Anno/list_attr_img.txt"
    lines = file.read_text().split("\n")
    write(file, lines[:-3])
    with pytest.raises(FashionError, match="announces '12' rows, but 10 follow"):
        DEEPFASHION.load_found(find_real("deepfashion", tmp_path), 16)
    write(file, [*lines[:4], "img/a/img_2.jpg 1 0", *lines[5:]])
    with pytest.raises(FashionError, match="line 5 of .*not a path and 6 numbers"):
        DEEPFASHION.load_found(find_real("deepfashion", tmp_path), 16)
    file = tmp_path / "Anno/list_attr_cloth.txt"
    write(file, [*file.read_text().split("\n")[:-1][:7], "boho"])
    with pytest.raises(FashionError, match="line 8 of .*list_attr_cloth.txt is 'boho' instead of a name and a type"):
        DEEPFASHION.load_found(find_real("deepfashion", tmp_path), 16)


def test_pictures_alone_are_one_sentence(tmp_path):
    asen_lists(tmp_path / "DeepFashion", "DeepFashion")
    asen_lists(tmp_path / "FashionAI", "FashionAI")
    for file in tmp_path.rglob("*.txt"):
        file.unlink()
    for name, words in (("deepfashion", "neither ASEN's lists nor list_attr_cloth"), ("fashionai", "but no labels")):
        with pytest.raises(FashionError, match=words):
            real_module(name).load_found(find_real(name, tmp_path), 16)


def test_a_list_that_is_a_link_to_nowhere_is_one_sentence(tmp_path):
    link = tmp_path / "list_attr_img.txt"
    link.symlink_to(tmp_path / "gone.txt")
    with pytest.raises(FashionError, match="list_attr_img.txt cannot be read"):
        next(benchmark.labels_of_images(link, 4))
