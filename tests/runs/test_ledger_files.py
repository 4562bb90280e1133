"""The ledger, the list of runs and the papers' figures: typed, without doubles, and nothing lost by two writers."""

import multiprocessing
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.papers import published as papers
from fashion_lib.runs import ledger, run_list
from fashion_lib.runs.ledger import collect, ledger_file, local_records, read_ledger, rows, write_ledger
from fashion_lib.runs.record import RECORD_NAME, RunRecord, run_dir
from fashion_lib.runs.run_list import read_runs, write_runs

COMMITTED = Path(__file__).resolve().parents[2] / "data"


def record(**changes) -> RunRecord:
    settings = {"method": "asen", "variant": "v2", "dataset": "wardrobe", "profile": "smoke", "seed": 0,
                "metrics": {"map": {"collar": 40.0, "overall": 50.0}}, "minutes": 0.5, "commit": "abc1234",
                "config": {"training_image_passes": 3, "data_version": "2"}}  # fmt: skip
    return RunRecord(**(settings | changes))


@pytest.mark.parametrize(("read", "files", "text"), [
    (read_ledger, sorted((COMMITTED / "results").glob("*.csv")), ["commit"]),  # 3e19687 is no number
    (read_runs, [COMMITTED / "runs.csv"], ["data_version", "commit"]),
    (papers.published, [COMMITTED / "published_results.csv"], ["table"]),
])  # fmt: skip
def test_the_committed_files_hold_the_values_that_pandas_reads(read, files, text):
    frames = [pd.read_csv(file, keep_default_na=False, dtype=dict.fromkeys(text, str)) for file in files]
    pd.testing.assert_frame_equal(read(), pd.concat(frames, ignore_index=True), check_exact=True)


@pytest.mark.slow
def test_rewriting_the_committed_ledger_changes_no_byte(project):
    copy = shutil.copytree(COMMITTED / "results", project / "data" / "results")
    table = read_ledger()
    for path in write_ledger(table[table["method"].isin(["asen", "csn"])]):
        assert path.read_bytes() == (COMMITTED / "results" / path.name).read_bytes()
    assert {p.name for p in copy.glob("*")} == {p.name for p in (COMMITTED / "results").glob("*")}


LEDGER = ["wardrobe", "asen", "v2", "smoke", "0", "map", "collar", "40.0", "0.1", "abc"]
RUNS = ["wardrobe", "asen", "v2", "smoke", "0", "2", "abc", "2026-01-01T00:00:00+00:00", "cpu", "2.12", "fp32",
        "pretext", "1", "2", "0.5", "4", "5", "6"]  # fmt: skip
PAPERS = ["ipad", "1", "fashionai", "asen", "map", "overall", "61.0"]
WHOLE = ("", "-1", "1.0", "1e3", " 1", "1 ", "one", "1_000", "٣", "nan", "inf", "0x1", "9" * 30, "9" * 5000)
NUMBER = ("", "many", "nan", "NaN", "inf", "-Infinity", "1e999", "1_0.0", " 1", "1,5", "٣.٥", "0x1p3", "--1", "1e")
NAME = ("", " ", " a", "a ", "a\t")
BAD = [(kind, column, cell) for kind, table, types in (
            ("ledger", LEDGER, ledger.TYPES), ("runs", RUNS, run_list.TYPES), ("papers", PAPERS, papers.TYPES))
       for column, what in types.items()
       for cell in {"a finite whole number": WHOLE, "a finite number": NUMBER, "text": (),
                    "a finite whole number or empty": WHOLE[1:]}.get(what, NAME)]  # fmt: skip


def written(kind: str, *lines: list[str]) -> tuple[Path, object]:
    types, file, read = {
        "ledger": (ledger.TYPES, paths.ledger_dir() / "wardrobe.csv", read_ledger),
        "runs": (run_list.TYPES, paths.run_list_file(), read_runs),
        "papers": (papers.TYPES, paths.published_results_file(), papers.published),
    }[kind]
    file.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(lines, columns=list(types)).to_csv(file, index=False)
    return file, read


@pytest.mark.parametrize(("kind", "good"), [("ledger", LEDGER), ("runs", RUNS), ("papers", PAPERS)])
def test_a_good_row_is_read_and_a_repeated_one_refused(kind, good, project):
    _, read = written(kind, good)
    assert len(read()) == 1 and list(map(str, read().iloc[0])) == good
    file, read = written(kind, good, good)
    with pytest.raises(FashionError, match=f"line 3 of {file} repeats an earlier row"):
        read()


@pytest.mark.parametrize(("kind", "column", "cell"), BAD, ids=lambda part: ascii(part)[:20])
def test_a_cell_of_another_type_is_named_with_its_line(kind, column, cell, project):
    good = {"ledger": LEDGER, "runs": RUNS, "papers": PAPERS}[kind]
    types = {"ledger": ledger.TYPES, "runs": run_list.TYPES, "papers": papers.TYPES}[kind]
    bad = [cell if name == column else value for name, value in zip(types, good, strict=True)]
    other = ["other", *good[1:]]
    file, read = written(kind, other, bad)
    with pytest.raises(FashionError, match=f"line 3 of {file} has .* as its {column}, which is not") as caught:
        read()
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe\xff", b"a,b\n1,2\n", b'wardrobe,"open\n', b"\0" * 100])
@pytest.mark.parametrize("kind", ["ledger", "runs", "papers"])
def test_a_file_that_is_no_such_table_is_one_sentence(kind, damage, project):
    file, read = written(kind, {"ledger": LEDGER, "runs": RUNS, "papers": PAPERS}[kind])
    file.write_bytes(damage)
    with pytest.raises(FashionError, match=str(file)):
        read()


def test_a_row_in_two_files_is_refused_by_both_names(project):
    written("ledger", LEDGER)
    shutil.copy(paths.ledger_dir() / "wardrobe.csv", paths.ledger_dir() / "copy.csv")
    for act in (read_ledger, collect, lambda: write_ledger(rows(record(seed=1)))):
        with pytest.raises(FashionError, match=r"copy\.csv and .*wardrobe\.csv hold the same row .wardrobe,asen,v2"):
            act()


def test_a_row_is_not_written_beside_its_double_in_a_file_of_another_name(project):
    file, _ = written("ledger", LEDGER)
    with pytest.raises(FashionError, match=r"wardrobe\.csv and .*wardrobe\.asen\.v2\.csv hold the same row"):
        write_ledger(rows(record()))
    assert [path.name for path in paths.ledger_dir().glob("*")] == [file.name]


@pytest.mark.parametrize("name", ["..", "", "a/b", "/tmp/a", "a\0", "x" * 300, "con", "a "])
@pytest.mark.parametrize("place", range(3))
def test_ledger_files_stay_in_their_folder(name, place, project):
    names = ["wardrobe", "asen", "v2"]
    names[place] = name
    with pytest.raises(FashionError, match="cannot be the name of a folder"):
        ledger_file(*names)
    table = rows(record()).assign(**{("dataset", "method", "variant")[place]: name})
    with pytest.raises(FashionError, match="cannot be the name of a folder"):
        write_ledger(table)
    assert [path.name for path in project.iterdir()] == ["notebooks"]


def _keep(root: str, worker: int, start) -> None:
    """What `keep` does, six times: three runs of a variant that all share, three of the worker's own."""
    os.environ["FASHION_ROOT"] = root
    start.wait()
    for seed in range(6):
        made = record(seed=10 * worker + seed, variant="v2" if seed % 2 else f"v2+steps={worker + 1}")
        write_ledger(rows(made))
        write_runs([made])


@pytest.mark.slow
def test_four_processes_that_keep_six_runs_each_lose_nothing(project):
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(4)
    workers = [context.Process(target=_keep, args=(str(project), worker, start)) for worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(300)
    assert [worker.exitcode for worker in workers] == [0] * 4
    seeds = sorted(10 * worker + seed for worker in range(4) for seed in range(6))
    table, listed = read_ledger(), read_runs()
    assert sorted(table[table["attribute"] == "overall"]["seed"]) == seeds and len(table) == 2 * 24
    assert sorted(listed["seed"]) == seeds
    assert not list(project.rglob("*.part"))


def tree(folder: Path) -> dict[str, float]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


def read_everything() -> None:
    read_ledger(), collect(), collect("wardrobe", "smoke"), local_records(), read_runs()
    paths.cache_dir(), paths.build_dir(), paths.figures_dir()
    run_dir("wardrobe", "smoke", "asen", "v2", 0)


def test_reading_makes_no_folder_and_no_file(project):
    before = tree(project)
    read_everything()
    assert tree(project) == before
    write_ledger(rows(record()))
    write_runs([record()])
    record().save(run_dir("wardrobe", "smoke", "asen", "v2", 0) / RECORD_NAME)
    before = tree(project)
    read_everything()
    assert tree(project) == before and len(collect()) == 2


def test_reading_works_where_nothing_can_be_written(project, monkeypatch):
    write_ledger(rows(record()))
    record(seed=1).save(run_dir("wardrobe", "smoke", "asen", "v2", 1) / RECORD_NAME)

    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    for name in ("mkdir", "replace", "unlink", "rename"):
        monkeypatch.setattr(os, name, refuse)
    monkeypatch.setattr(Path, "mkdir", refuse)
    read_everything()
    assert len(collect()) == 4
    for write in (lambda: write_ledger(rows(record())), lambda: write_runs([record()])):
        with pytest.raises(FashionError, match="Read-only file system"):
            write()


@pytest.mark.parametrize("name", ["*", "..", "war*", "a/b", "?", "", "x" * 500])
def test_a_pattern_is_no_name_of_a_data_set(name, project):
    record().save(run_dir("wardrobe", "smoke", "asen", "v2", 0) / RECORD_NAME)
    for chosen in ({"dataset": name}, {"profile": name}):
        with pytest.raises(FashionError, match="cannot be the name of a folder"):
            local_records(**chosen)


def test_the_ledger_is_parsed_once_until_a_file_changes(tmp_path, monkeypatch):
    parsed, read_typed = [], ledger.read_typed
    monkeypatch.setattr(ledger, "read_typed", lambda path, *rest: parsed.append(path) or read_typed(path, *rest))
    write_ledger(rows(record()), tmp_path)
    first = read_ledger(tmp_path)
    first["value"] = 0.0  # a reader's own table
    assert read_ledger(tmp_path)["value"].tolist() == [40.0, 50.0] and len(parsed) == 1
    write_ledger(rows(record(metrics={"map": {"collar": 41.0, "overall": 50.0}})), tmp_path)
    assert read_ledger(tmp_path)["value"].tolist() == [41.0, 50.0] and len(parsed) == 2
    write_ledger(rows(record(method="csn", variant="prein")), tmp_path)
    assert len(read_ledger(tmp_path)) == 4
