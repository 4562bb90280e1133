"""What the checks of lists say, on lists with known answers."""

import pytest
from check_layouts import LAYOUTS, lines, write

from fashion_lib.data.checks.examination import examine_folder
from fashion_lib.data.checks.item_checks import darn_item, folder_item
from fashion_lib.data.checks.raw_label_checks import label_row
from fashion_lib.data.checks.zappos_checks import metadata_row
from fashion_lib.tasks.retrieval.metrics import random_average_precision


def findings(layout, folder, words, dataset=None):
    done = examine_folder(dataset or LAYOUTS[layout][0], folder, random_average_precision, pictures="none")
    return [f for f in done.findings if words in f.what]


def change(path, old, new):
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))


def test_items_across_splits_are_counted(tmp_path):
    assert darn_item("pic/50025145/60_02_3.jpg") == "pic/50025145/60_02"
    assert folder_item("img/A_Dress/img_1.jpg") == "img/A_Dress"
    lists = {
        "train": ["pic/1/0_01_1.jpg", "pic/1/0_01_2.jpg", "pic/2/0_01_1.jpg"],
        "valid": ["pic/1/0_01_3.jpg", "pic/1/0_02_1.jpg", "pic/2/60_01_1.jpg"],
        "test": ["pic/1/0_02_2.jpg", "pic/1/0_02_3.jpg", "pic/2/0_01_9.jpg", "pic/3/0_01_9.jpg"],
    }
    for split, names in lists.items():
        (tmp_path / f"filenames_{split}.txt").write_bytes(lines(names))
    found = {
        f.what.removeprefix("items that are also in ").split(",")[0]: (f.severity, f.file, f.line)
        for f in findings("", tmp_path, "items that are also", "darn")
    }
    assert found == {
        "filenames_train.txt: 1 of 3 (1 of 3 images)": (
            "note",
            "filenames_valid.txt",
            1,
        ),
        "filenames_train.txt: 1 of 3 (1 of 4 images)": ("note", "filenames_test.txt", 3),
        "filenames_valid.txt: 1 of 3 (2 of 4 images)": ("note", "filenames_test.txt", 1),
    }


def test_the_known_leak_is_said_with_its_known_size(tmp_path):
    write("deepfashion lists", tmp_path)
    known = [
        f for f in findings("deepfashion lists", tmp_path, "items that are also") if "released:" in f.advice
    ]
    assert [f.advice.split("(")[1] for f in known] == ["released: 5,233 items, 27,155 images)"]


def test_a_path_twice_is_a_warning_but_for_the_one_that_is_known(tmp_path):
    write("deepfashion lists", tmp_path)
    path = tmp_path / "DeepFashion/filenames_valid.txt"
    names = path.read_text().splitlines()
    known = "img/Striped_A-Line_Dress/img_00000008.jpg"
    names[3] = names[7] = known
    names[5] = names[1]
    path.write_text("\n".join(names) + "\n")
    found = [(f.severity, f.line) for f in findings("deepfashion lists", tmp_path, "stands already in line")]
    assert found == [("warning", 6), ("note", 8)]


def test_an_image_in_two_splits_is_an_error(tmp_path):
    write("fashionai lists", tmp_path)
    train, test = (tmp_path / f"FashionAI/filenames_{split}.txt" for split in ("train", "test"))
    names = test.read_text().splitlines()
    names[4] = train.read_text().splitlines()[2]
    test.write_text("\r\n".join(names) + "\r\n", newline="")
    (found,) = findings("fashionai lists", tmp_path, "is also in filenames_train.txt, line 3")
    assert (found.severity, found.file, found.line) == ("error", "FashionAI/filenames_test.txt", 5)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            b"9 0 0\r\n",
            b"12 0 0\r\n",
            "there is no image 12: numbers go from 0 to 11, the lines of filenames_test.txt",
        ),
        (b"9 0 0\r\n", b"-1 0 0\r\n", "there is no image -1: numbers go from 0 to 11"),
        (b"9 0 0\r\n", b"9 8 0\r\n", "there is no attribute 8: numbers go from 0 to 7"),
        (b"9 0 0\r\n", b"9 0 6\r\n", "attribute 0 has no value 6: numbers go from 0 to 5"),
        (b"9 0 0\r\n", b"8 0 0\r\n", "image 8 is a candidate, too (candidate_test.txt:9)"),
        (b"9 0 0\r\n", b"10 1 1\r\n", "image 10 has a row already, line 1"),
        (b"9 0 0\r\n", b"9 0\r\n", "the line has 2 cells instead of 3"),
        (b"9 0 0\r\n", b"9 0 x\r\n", "'x' is not a whole number"),
    ],
)
def test_a_wrong_row_of_query_is_an_error(tmp_path, old, new, words):
    write("fashionai lists", tmp_path)
    change(tmp_path / "FashionAI/query_test.txt", old, new)
    (found,) = findings("fashionai lists", tmp_path, words)
    assert found.severity == "error" and found.file == "FashionAI/query_test.txt" and found.line in (1, 2)


def test_queries_without_a_relevant_candidate_and_rare_values_are_counted(tmp_path):
    write("fashionai lists", tmp_path)
    change(tmp_path / "FashionAI/query_test.txt", b"9 0 0\r\n", b"9 0 5\r\n")
    (found,) = findings("fashionai lists", tmp_path, "no candidate has value 5 of attribute 0")
    assert (found.severity, found.line, found.also) == ("warning", 1, ())
    assert found.advice == "their AP is 0; the released list has 0 such queries, here are 1"
    (few,) = findings("fashionai lists", tmp_path, "fewer than two training images")
    assert (
        few.what.startswith("values with fewer than two training images: 51") and len(few.also) == 50
    )  # train has values 0 0, 1 1 and 2 2 only


def test_a_label_against_its_folder_is_found(tmp_path):
    write("fashionai lists", tmp_path)
    change(tmp_path / "FashionAI/label_train.txt", b"4 1 1\r\n", b"4 2 1\r\n")
    (found,) = findings(
        "fashionai lists",
        tmp_path,
        "the row is about 'coat_length', the picture lies in sleeve_length_labels",
    )
    assert (found.severity, found.line) == ("warning", 5)
    write("darn lists", tmp_path / "darn")
    change(tmp_path / "darn/DARN/candidate_test.txt", b"3 0 0\n", b"3 0 7\n")
    (found,) = findings("darn lists", tmp_path / "darn", "category 7 is not that of the folder")
    assert found.line == 4


def test_an_image_without_any_row_is_found(tmp_path):
    write("fashionai lists", tmp_path)
    change(tmp_path / "FashionAI/query_test.txt", b"10 1 1\r\n", b"")
    (found,) = findings(
        "fashionai lists", tmp_path, "no row of query_test.txt or candidate_test.txt is about this image"
    )
    assert (found.severity, found.file, found.line) == ("warning", "FashionAI/filenames_test.txt", 11)


def test_the_value_must_be_one_of_the_image_in_deepfashions_own_labels(tmp_path):
    """A value is the rank of an attribute's id among the ids of its type."""
    write("deepfashion lists", tmp_path)
    words = "has no value"
    assert (
        findings("deepfashion lists", tmp_path, words) == []
    )  # without the benchmark, types alone are compared
    change(tmp_path / "DeepFashion/query_test.txt", b"9 0 0\n", b"9 1 0\n")
    (found,) = findings("deepfashion lists", tmp_path, words)
    assert (found.line, found.what) == (1, "image 9 has no value 0 of attribute 1 in label_test.txt")
    change(tmp_path / "DeepFashion/query_test.txt", b"9 1 0\n", b"9 0 3\n")
    names = [f"{f'a{i}':<29}{1 + i % 3}" for i in range(12)]  # ids 0, 3, 6, 9 are type 1: id 9 has rank 3
    (tmp_path / "DeepFashion/list_attr_cloth.txt").write_bytes(
        lines(["12", "attribute_name  attribute_type", *names])
    )
    found = findings("deepfashion lists", tmp_path, words)
    assert {f.file.rpartition("/")[2] for f in found} == {
        "candidate_test.txt",
        "candidate_valid.txt",
        "query_test.txt",
        "query_valid.txt",
    }
    (query,) = [f for f in found if f.file.endswith("query_test.txt")]
    assert query.line == 2 and query.what == "image 10 has no value 1 of attribute 1 in label_test.txt"


def test_raw_labels_are_read_as_the_challenge_wrote_them(tmp_path):
    rows = [
        "Images/skirt_length_labels/a.jpg,skirt_length_labels,nynnnn",
        "Images/skirt_length_labels/b.jpg,skirt_length_labels,nymnnn,0",
        "Images/skirt_length_labels/c.jpg,skirt_length_labels,nnnnnn",
        "Images/skirt_length_labels/d.jpg,skirt_length_labels,nynyn",
        "Images/skirt_length_labels/e.jpg,dress_length_labels,nynnnn",
        "Images/coat_length_labels/f.jpg,skirt_length_labels,ynnnnn",
        "Images/skirt_length_labels/a.jpg,skirt_length_labels,nnnnny",
        "Images/skirt_length_labels/g.jpg,skirt_length_labels,?",
    ]
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations/label.csv").write_bytes(lines(rows))
    done = examine_folder("fashionai", tmp_path, random_average_precision, pictures="none")
    said = {(f.severity, f.line, f.what) for f in done.findings if f.line}
    assert said >= {
        ("error", 3, "'nnnnnn' has 0 y instead of one"),
        ("error", 4, "'nynyn' has 5 letters, 'skirt_length' has 6 values"),
        ("error", 5, "'dress_length_labels' is not an attribute of FashionAI with the ending _labels"),
        ("error", 7, "'Images/skirt_length_labels/a.jpg' has a row for skirt_length already, line 1"),
        ("warning", 6, "the row is about 'skirt_length', the picture lies in coat_length_labels"),
        ("note", 2, "an 'm' (maybe) stands beside the 'y' in nymnnn"),
        ("error", 8, "the label is '?'"),
    }


def test_empty_lines_at_the_end_of_a_list_are_no_error(tmp_path):
    write("adde", tmp_path)
    path, before = tmp_path / "imgs_test.txt", findings("adde", tmp_path, "")
    path.write_bytes(path.read_bytes() + b"\n \n")
    new = [f for f in findings("adde", tmp_path, "") if f not in before and f.file == path.name]
    assert {f.severity for f in new} == {"note"} and "the file ends in empty lines" in {f.what for f in new}
    path.write_bytes(b"\n" + path.read_bytes())
    (found,) = findings("adde", tmp_path, "the line is empty")
    assert (found.severity, found.line) == ("error", 1)


def test_cells_in_quotes_are_read_as_the_readers_do():
    assert label_row('"Images/a.jpg","neck_design_labels","ynnnn"') == ("Images/a.jpg", "neck_design", "ynnnn")
    assert metadata_row('100627-72,Shoes,Oxfords,,,"Lace up, Zipper",Men,,')[5] == "Lace up, Zipper"
    with pytest.raises(ValueError, match="cannot be read as a row of a CSV file"):
        label_row('"Images/a.jpg,neck_design_labels,ynnnn')


def test_only_the_papers_two_archives_count_as_theirs(tmp_path):
    rows = ["Images/neck_design_labels/a.jpg,neck_design_labels,ynnnn"]
    for number, (top, count) in enumerate((("train_20180222", 0), ("train1", 1))):
        folder = tmp_path / f"{number}" / f"fashionAI_attributes_{top}" / "Annotations"
        folder.mkdir(parents=True)
        (folder / "label.csv").write_bytes(lines(rows))
        said = findings("", tmp_path / f"{number}", "labelled pictures in 1 label files", "fashionai")
        assert len(said) == count


def test_a_changed_tuple_is_counted_in_addes_files(tmp_path):
    write("adde", tmp_path)
    change(tmp_path / "triplet_train_ind.txt", b"0 0 0 -1 1 0 0\n", b"0 0 0 0 0 -1 1\n")
    (found,) = findings("adde", tmp_path, "the change does not lead from the reference's labels")
    assert (found.severity, found.file, found.line) == ("note", "triplet_train_ind.txt", 1)
    change(tmp_path / "labels_test.txt", b"0 1 0 1 0 0 1\n", b"1 1 0 1 0 0 1\n")
    (found,) = findings("adde", tmp_path, "an attribute has two values")
    assert (found.severity, found.line) == ("error", 4)


def test_a_header_line_of_labels_is_no_fault(tmp_path):
    (tmp_path / "label.csv").write_bytes(
        lines(["image,attribute,label", "Images/neck_design_labels/a.jpg,neck_design_labels,ynnnn"])
    )
    assert findings("", tmp_path, "", "fashionai") and not [
        f for f in findings("", tmp_path, "", "fashionai") if f.severity == "error"
    ]
