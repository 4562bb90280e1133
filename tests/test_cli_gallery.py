"""The commands index and search, from a run's folder and a folder of pictures to board, table and heat map."""

import csv

import pytest
from PIL import Image
from tiny_gallery import SIZE, alone, manipulation_run, pictures, retrieval_run, save_pictures

from fashion_lib.cli import main

pytestmark = pytest.mark.slow  # `make quick` leaves it out


@pytest.fixture(scope="module")
def trained():
    return retrieval_run()


@pytest.fixture
def folder(trained, project):
    return alone(trained, project / "run folder")


@pytest.fixture
def gallery(project):
    return save_pictures(
        project / "meine Bilder", pictures(12, SIZE), [f"Kleid {n:02d} ä.png" for n in range(12)]
    )


def test_from_nothing_to_a_board_in_two_commands(folder, gallery, project, capsys):
    (gallery / "broken.jpg").write_text("no picture")
    assert main(["index", str(folder), str(gallery)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "12 pictures are indexed, 12 of them were embedded now."
    assert printed[1].startswith("left out: broken.jpg: ") and printed[2].startswith(
        "1 pictures cannot be read"
    )
    assert printed[-1].startswith(str(folder / "galleries" / "meine_Bilder-"))
    query = gallery / "Kleid 03 ä.png"
    assert main(["search", str(folder), str(query), "--attribute", "collar", "--top", "5"]) == 0
    printed = capsys.readouterr().out.splitlines()
    files = [line for line in printed if line.startswith(str(project))]
    place = project / "build" / "search" / "Kleid_03_ä-collar"
    assert files == [str(place / name) for name in ("hits.csv", "board.png", "heat.png")]
    rows = list(csv.DictReader((place / "hits.csv").open(encoding="utf-8")))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert all(
        (gallery / row["picture"]).is_file() and -1 <= float(row["similarity"]) <= 1.001 for row in rows
    )
    assert query.name not in {row["picture"] for row in rows}
    with Image.open(place / "board.png") as board, Image.open(place / "heat.png") as heat:
        assert min(*board.size, *heat.size) > 100
    assert rows[0]["picture"] in "\n".join(printed)


def test_names_that_the_font_lacks_are_drawn_without_a_warning(folder, project, capsys, recwarn):
    gallery = save_pictures(project / "g", pictures(3, SIZE), ["日本の服.png", "$x_1$ 50%.png", "a_b.png"])
    main(["index", str(folder), str(gallery)])
    query = [
        "search",
        str(folder),
        str(gallery / "a_b.png"),
        "--attribute",
        "hem",
        "--output",
        str(project / "out"),
    ]
    assert (
        main(query) == 0
        and capsys.readouterr().err == ""
        and not [one for one in recwarn if "Glyph" in str(one)]
    )
    assert "日本の服.png" in (project / "out" / "hits.csv").read_text(encoding="utf-8")


def test_a_changed_gallery_is_noticed_unless_nobody_looks(folder, gallery, project, capsys):
    main(["index", str(folder), str(gallery)])
    (gallery / "Kleid 05 ä.png").unlink()
    capsys.readouterr()
    question = ["search", str(folder), str(gallery / "Kleid 03 ä.png"), "--attribute", "hem"]
    assert main(question) == 0
    assert "1 gone (Kleid 05 ä.png); run `index` again" in capsys.readouterr().out
    assert main([*question, "--no-check"]) == 0
    assert "gone" not in capsys.readouterr().out
    assert main(["index", str(folder), str(gallery)]) == 0
    assert "Since the last time: 1 gone (Kleid 05 ä.png)." in capsys.readouterr().out


def test_a_change_with_a_manipulation_run(project, gallery, capsys):
    folder = alone(manipulation_run(), project / "manipulation")
    assert main(["index", str(folder), str(gallery), "--index", str(project / "elsewhere")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(project / "elsewhere")
    question = ["search", str(folder), str(gallery / "Kleid 03 ä.png"), "--index", str(project / "elsewhere")]
    output = project / "answer"
    change = [
        "--change",
        "colour=red",
        "--has",
        "colour=blue",
        "--change",
        "sleeve=long",
        "--has",
        "sleeve=none",
    ]
    assert main([*question, *change, "--output", str(output), "--approximate"]) == 0
    printed = capsys.readouterr().out
    assert "recall@11 against exact search is 100.0 %" in printed and "distance" in printed
    assert {path.name for path in output.iterdir()} == {"hits.csv", "board.png", "heat.png"}
    assert main([*question, "--change", "colour"]) == 2
    assert "--change is 'colour': write attribute=value" in capsys.readouterr().err
    assert main([*question, "--change", "colour=red", "--change", "colour=blue"]) == 2
    assert "names 'colour' twice" in capsys.readouterr().err


def test_a_method_without_attention_leaves_no_old_heat_map(project, gallery, capsys):
    folder = alone(retrieval_run("triplet"), project / "run")
    main(["index", str(folder), str(gallery)])
    (project / "out").mkdir()
    (project / "out" / "heat.png").write_text("of another search")
    question = ["search", str(folder), str(gallery / "Kleid 03 ä.png"), "--attribute", "hem"]
    assert main([*question, "--output", str(project / "out")]) == 0
    assert "triplet has no spatial attention, so there is no heat map." in capsys.readouterr().out
    assert {path.name for path in (project / "out").iterdir()} == {"hits.csv", "board.png"}


def test_wrong_folders_and_names_are_one_sentence(folder, gallery, project, capsys):
    cases = {
        ("index", str(project / "none"), str(gallery)): "is no folder of a run",
        ("index", str(folder), str(project / "none")): "is no folder",
        ("index", str(folder), str(gallery), "--index", str(gallery)): "cannot lie in the gallery",
        ("search", str(folder), "q.png", "--attribute", "hem"): "has no index of a gallery",
        ("search", str(folder), "q.png", "--gallery", str(gallery), "--attribute", "hem"): "holds no index",
        ("search", str(folder), "q.png", "--attribute", "hem", "--top", "0"): "--top",
    }
    for arguments, words in cases.items():
        assert main(list(arguments)) == 2
        sentence = capsys.readouterr().err
        assert words in sentence and sentence.count("\n") == 1
    main(["index", str(folder), str(gallery)])
    capsys.readouterr()
    query = str(gallery / "Kleid 03 ä.png")
    (project / "file").write_text("")
    assert main(["search", str(folder), query, "--attribute", "hem", "--output", str(project / "file")]) == 2
    assert "give another folder with --output" in capsys.readouterr().err
