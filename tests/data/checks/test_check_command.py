"""The command: text for people, JSON for programs, exit status, and where it looks."""

import json
import shutil
from pathlib import Path

import pytest
from check_layouts import LAYOUTS, write

from fashion_lib.cli import main
from fashion_lib.data.checks.examination import examine_folder
from fashion_lib.data.checks.file_kinds import KINDS, kind_of
from fashion_lib.data.checks.finding import SEVERITIES, Finding, of_lines, one_per_fault, worst_first
from fashion_lib.data.checks.listings import released_facts
from fashion_lib.tasks.retrieval.metrics import random_average_precision
from fashion_lib.training.profiles import PROFILES


@pytest.fixture
def here(project):
    return write("fashionai lists", project / "data" / "fashionai")


def test_worst_first_and_exit_status(here, capsys):
    assert main(["check-data", "fashionai", "--pictures", "none"]) == 0
    assert "0 errors" in capsys.readouterr().out
    (here / "FashionAI/query_test.txt").write_bytes(b"3 0 0\r\n4 99 0\r\n900 0 0\r\n901 0 0")
    assert main(["check-data", "fashionai", "--pictures", "none"]) == 1
    text = capsys.readouterr().out
    order = [
        text.index(f"\n{severity.upper():<9}")
        for severity in SEVERITIES
        if f"\n{severity.upper():<9}" in text
    ]
    assert order == sorted(order) and len(order) == 3
    assert (
        "ERROR    FashionAI/query_test.txt:3\n         there is no image 900: numbers go from 0 to 11" in text
    )
    assert "also line 4\n" in text and "-> take the released file again" in text


def test_the_proof_stands_beside_the_printed_row_and_the_cost_below(here, capsys):
    shutil.copyfile(
        Path(__file__).parents[3] / "data" / "published_results.csv", here.parent / "published_results.csv"
    )
    main(["check-data", "fashionai", str(here)])
    text = capsys.readouterr().out
    assert "Layout: ASEN's lists" in text
    rows = {
        line.split()[0]: line.split()[1:]
        for line in text.splitlines()
        if line.startswith(("skirt_length", "overall"))
    }
    table = text.split("test split")[1]
    assert "released lists  printed (IPAD)" in table
    assert rows["skirt_length"][1] in ("17.38", "17.20") and "15.79           15.79" in table
    assert f"36 pictures at {PROFILES['laptop'].image_size} px: cache (taken) 0.00 GiB, about" in text
    assert "36 pictures at 224 px: cache (taken) 0.01 GiB" in text
    assert (
        "or decoded on the fly, no disk, about " in text and "A cache above 4 GiB is not made unless" in text
    )


def test_json_holds_every_place(here, capsys):
    for number in range(12, 36):
        (here / f"FashionAI/fashionAI_attributes_train{1 + number % 2}").joinpath("x").parent.mkdir(
            exist_ok=True
        )
    path = here / "FashionAI/label_train.txt"
    path.write_text("".join(f"{99 + i} 0 0\n" for i in range(12)))
    assert main(["check-data", "fashionai", str(here), "--json", "--pictures", "none"]) == 1
    done = json.loads(capsys.readouterr().out)
    assert done["dataset"] == "fashionai" and not done["good"] and done["named"] == 36
    found = next(
        f for f in done["findings"] if f["severity"] == "error" and f["file"] == "FashionAI/label_train.txt"
    )
    assert (found["line"], len(found["also"])) == (1, 11)
    assert {proof["split"] for proof in done["proofs"]} == {"valid", "test"}
    assert done["proofs"][0]["found"][7] is None  # no query of this attribute


def test_a_folder_of_ones_own_by_path_and_by_name(project, capsys, monkeypatch):
    folder = write("own wide", project / "my coats")
    assert main(["check-data", str(folder)]) == 0
    assert capsys.readouterr().out.startswith(f"my coats in {folder}\n")
    (project / "datasets.toml").write_text(f"[coats]\nfolder = {json.dumps(str(folder))}\n")
    (folder / "03.jpg").write_bytes(b"")
    assert main(["check-data", "coats"]) == 1
    text = capsys.readouterr().out
    assert "ERROR    03.jpg\n         it has zero bytes" in text


def test_fashion_data_is_looked_at_and_what_is_not_there_is_said(project, capsys, monkeypatch):
    assert main(["check-data", "zappos50k"]) == 2
    assert "the data set 'zappos50k' is not in" in capsys.readouterr().err
    monkeypatch.setenv("FASHION_DATA", str(write("zappos", project / "elsewhere")))
    assert main(["check-data", "zappos50k", "--pictures", "none"]) == 0
    for arguments, words in (
        (["fashionay"], "did you mean 'fashionai'?"),
        (["fashionay", str(project)], "did you mean 'fashionai'?"),
        (["wardrobe"], "needs no check"),
        (["fashionai", str(project / "nowhere")], "is not a folder"),
        (["zappos50k", "--pictures", "some"], "choose one of all, sample, none"),
        (["coats\0", str(project)], ""),
    ):
        code = main(["check-data", *arguments])
        captured = capsys.readouterr()
        assert (code == 2 and words in captured.err) or (code in (0, 1) and not words)


def test_two_data_sets_in_one_folder_are_kept_apart(tmp_path, capsys):
    for layout in ("fashionai lists", "darn lists", "deepfashion lists"):
        write(layout, tmp_path)
    for dataset, key in (("fashionai", "FashionAI"), ("darn", "DARN"), ("deepfashion", "DeepFashion")):
        assert main(["check-data", dataset, str(tmp_path), "--json", "--pictures", "none"]) == 0
        done = json.loads(capsys.readouterr().out)
        files = {file.split("/")[0] for files in done["lists"].values() for file in files}
        assert files == {key, "meta.json"} and done["named"] == 36


def test_files_of_other_projects_are_left_alone(tmp_path):
    write("fashionai lists", tmp_path)
    before = examine_folder("fashionai", tmp_path, random_average_precision, pictures="none").findings
    for name in ("other/meta.json", "other/labels.csv", "val.txt", "notes.txt", "results/table.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"a": 1}\n')
    assert examine_folder("fashionai", tmp_path, random_average_precision, pictures="none").findings == before
    assert kind_of("deepfashion", "val.txt") is None and kind_of("deepfashion", "Anno_fine/val.txt")


def test_findings_of_one_fault_are_one_and_text_stays_on_one_line():
    (found,) = of_lines("note", "a.txt", [(3, "what\x00\nnot"), (5, "b"), (9, "c")], "do")
    assert (found.line, found.what, found.also) == (3, "what\\x00\\nnot", ("line 5", "line 9"))
    assert len(Finding("note", "a", None, "x" * 5000, "do").what) == 400
    order = [Finding(severity, "a", None, "w", "d") for severity in ("note", "error", "warning", "error")]
    assert [f.severity for f in worst_first(order)] == ["error", "error", "warning", "note"]


def test_what_is_said_of_several_whole_files_is_one_finding():
    same = [Finding("note", file, None, "w", "d") for file in ("a", "b", "a", "c")]
    other = [Finding("note", "b", 3, "w", "d"), Finding("note", "b", None, "w", "other")]
    first, *rest = one_per_fault([*same, *other, other[0]])
    assert (first.file, first.also) == ("a", ("b", "c")) and rest == other


def test_every_kind_belongs_to_a_data_set_that_is_known_and_is_recognised_by_one_layout():
    known = {name for name, facts in released_facts().items() if isinstance(facts, dict)} | {"own"}
    assert {name for kind in KINDS.values() for name in kind.datasets} == known
    used = set()
    for dataset, files in LAYOUTS.values():
        used |= {kind_of(dataset if dataset != "coats" else "own", name) for name in files}
    assert used - {None} == set(KINDS)
