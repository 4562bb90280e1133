"""A record is complete, typed, finite and of the folder that it lies in, or it is refused in one sentence."""

import json

import pytest

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.runs.ledger import local_records
from fashion_lib.runs.record import RECORD_NAME, RunRecord, delete_run, read_label, run_dir
from fashion_lib.runs.run_list import read_runs, write_runs

PLACE = ("wardrobe", "smoke", "asen", "v2", 0)


def record(**changes) -> RunRecord:
    settings = {"method": "asen", "variant": "v2", "dataset": "wardrobe", "profile": "smoke", "seed": 0,
                "metrics": {"map": {"collar": 40.0, "overall": 50}}, "minutes": 0.5, "commit": "abc1234",
                "localisation": {"pointing": {"collar": 0.5}}, "counts": {"queries": {"collar": 3}},
                "config": {"steps": 3, "branches": ["region"]}}  # fmt: skip
    return RunRecord(**(settings | changes))


@pytest.fixture
def stored(project):
    return record().save(run_dir(*PLACE) / RECORD_NAME)


def refused(path):
    with pytest.raises(FashionError, match=r"result\.json") as caught:
        RunRecord.load(path)
    with pytest.raises(FashionError, match=r"result\.json"):
        local_records()
    text = str(caught.value)
    assert "\n" not in text and len(text) < 600 and text.endswith(".")


DEEP = "[" * 100_000 + "]" * 100_000
TEXTS = {
    "empty": lambda t: "",
    "half": lambda t: t[: len(t) // 2],
    "all but the end": lambda t: t.rstrip()[:-1],
    "twice": lambda t: t + t,
    "a list": lambda t: "[1]",
    "a list of records": lambda t: f"[{t}]",
    "a number": lambda t: "7",
    "a huge number": lambda t: "9" * 5000,
    "null": lambda t: "null",
    "a text": lambda t: '"a"',
    "an empty object": lambda t: "{}",
    "nested deeply": lambda t: DEEP,
    "a deep field": lambda t: t.replace('"steps": 3', f'"steps": {DEEP}'),
    "zeros": lambda t: "\0" * len(t),
    "NaN": lambda t: t.replace("40.0", "NaN"),
    "infinite": lambda t: t.replace("40.0", "-Infinity"),
    "beyond a float": lambda t: t.replace("40.0", "1e999"),
    "beyond a float, whole": lambda t: t.replace("40.0", "9" * 400),
    "NaN in the configuration": lambda t: t.replace('"steps": 3', '"steps": NaN'),
}


@pytest.mark.parametrize("damage", TEXTS)
def test_a_damaged_text_is_one_sentence(damage, stored):
    stored.write_text(TEXTS[damage](stored.read_text()))
    refused(stored)


def test_bytes_that_are_no_text_are_one_sentence(stored):
    stored.write_bytes(stored.read_bytes().replace(b"wardrobe", b"w\xffrdrobe"))
    refused(stored)


NO_TIMES = (
    *("zzzz", "", "9" * 5000, "2026", "2026-11-21", "2026-13-21T17:03:54+00:00", "2026-11-21T17:03:54"),
    *("2026-11-21T17:03:54Z", "2026-11-21T17:03:54+02:00", "2026-11-21 17:03:54+00:00", "2026-11-21T17:03:54.5+00:00"),
    *("20261121T170354+0000", "0001-01-01T00:00:00+23:00", " 2026-11-21T17:03:54+00:00"),
)
FIELDS = {
    "method": ("", 3, None, " asen", "csn", ["asen"]),
    "variant": ("", 3, None, "v1", "../v2"),
    "dataset": ("", 3, None, "clothing", "..", "a/b"),
    "profile": ("", None, "laptop"),
    "seed": ("0", 0.0, True, None, -1, 1, 2**63),
    "metrics": (None, [], [1], {"map": 3}, {"map": {"overall": "50"}}, {"map": {"overall": None}}, {"map": [50.0]}),
    "minutes": ("1", None, -1.0, True),
    "parameters": ("1", 1.5, None, -1),
    "image_passes": ("1", 1.5, None, -1),
    "start": (None, 3),
    "precision": (None, 3),
    "config": (None, [], "steps"),
    "localisation": (None, [], {"pointing": 1.0}),
    "counts": (None, {"queries": {"collar": 1.5}}, {"queries": {"collar": "3"}}),
    "commit": (None, "", 3),
    "versions": (None, [], {"torch": 2}),
    "hardware": (None, 3),
    "created": (None, 3, *NO_TIMES),
    "another": (1,),
}


@pytest.mark.parametrize("text", NO_TIMES)
def test_a_list_of_runs_with_what_is_no_time_is_one_sentence(text, project):
    file = write_runs([record()], project / "runs.csv")
    lines = file.read_text().splitlines()
    cells = lines[1].split(",")
    cells[lines[0].split(",").index("created")] = text
    file.write_text("\n".join([lines[0], ",".join(cells)]) + "\n")
    with pytest.raises(FashionError, match=r"line 2 of .*runs\.csv .* as its created, which is not a time in UTC"):
        read_runs(file)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in FIELDS.items() for value in values])
def test_a_mistyped_field_is_one_sentence(name, value, stored):
    content = json.loads(stored.read_text())
    stored.write_text(json.dumps(content | {name: value}))
    refused(stored)


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "another"])
def test_a_missing_field_is_one_sentence(name, stored):
    content = json.loads(stored.read_text())
    del content[name]
    stored.write_text(json.dumps(content))
    refused(stored)


@pytest.mark.parametrize("place", [
    ("clothing", "smoke", "asen", "v2", 0), ("wardrobe", "laptop", "asen", "v2", 0),
    ("wardrobe", "smoke", "csn", "v2", 0), ("wardrobe", "smoke", "asen", "v1", 0),
    ("wardrobe", "smoke", "asen", "v2", 1),
])  # fmt: skip
def test_another_runs_record_is_refused_by_name(place, project):
    path = record().save(run_dir(*place) / RECORD_NAME)
    with pytest.raises(FashionError, match=r"another run, which belongs into .*wardrobe/smoke/asen\.v2/seed0"):
        RunRecord.load(path)
    with pytest.raises(FashionError, match="another run"):
        local_records()


@pytest.mark.parametrize("changes", [{"seed": "0"}, {"metrics": {"map": {"overall": "50"}}}, {"minutes": None},
                                     {"config": {"x": float("nan")}}, {"counts": {"queries": {"collar": 0.5}}}])
def test_what_could_not_be_read_is_not_written(changes, project):
    with pytest.raises(FashionError, match="the record of the run asen.v2 seed 0 is wrong"):
        record(**changes).save(project / "result.json")
    assert not (project / "result.json").exists()


BAD_PLACES = [(place[:k] + (bad,) + place[k + 1 :]) for place in [PLACE] for k in range(4)
              for bad in ("..", "", "/tmp", "a/b", "a\\b", "a\0", "con", "x" * 300, "a.", " ", "\n", None)]  # fmt: skip
BAD_PLACES += [(*PLACE[:4], seed) for seed in (-1, 1.0, "0", True, None, 2**63, 10**5000)]


@pytest.mark.parametrize("place", BAD_PLACES, ids=lambda place: str([repr(part)[:9] for part in place[:4]]))
def test_names_that_lead_elsewhere_are_refused_and_nothing_is_made(place, project):
    with pytest.raises(FashionError) as caught:
        run_dir(*place)
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)
    assert sorted(path.name for path in project.iterdir()) == ["notebooks"]


def test_a_run_is_deleted_and_its_neighbours_stay(stored):
    other = record(seed=1).save(run_dir(*PLACE[:4], 1) / RECORD_NAME)
    delete_run(stored.parent)
    delete_run(stored.parent)  # what is not there needs no deleting
    assert not stored.parent.exists() and other.is_file()


@pytest.mark.parametrize("depth", range(4))
def test_nothing_is_deleted_through_a_link(depth, project, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    folder = run_dir(*PLACE)
    inside = folder.relative_to(paths.runs_dir()).parts
    target = elsewhere.joinpath(*inside[depth + 1 :])
    target.mkdir(parents=True)
    (target / "precious").write_text("x")
    link = paths.runs_dir().joinpath(*inside[: depth + 1])
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere, target_is_directory=True)
    assert (folder / "precious").is_file()
    with pytest.raises(FashionError, match="is not deleted because it is no run's own folder"):
        delete_run(folder)
    assert (target / "precious").is_file()


def test_links_inside_a_run_are_deleted_and_not_what_they_lead_to(stored, tmp_path):
    (tmp_path / "precious").write_text("x")
    (stored.parent / "link").symlink_to(tmp_path, target_is_directory=True)
    delete_run(stored.parent)
    assert not stored.parent.exists() and (tmp_path / "precious").is_file()


def test_runs_may_be_a_link_to_a_larger_disk(project, tmp_path, monkeypatch):
    monkeypatch.delenv("FASHION_RUNS")
    (tmp_path / "disk").mkdir()
    (project / "runs").symlink_to(tmp_path / "disk", target_is_directory=True)
    path = record().save(run_dir(*PLACE) / RECORD_NAME)
    assert RunRecord.load(path) == record(created=RunRecord.load(path).created)
    delete_run(path.parent)
    assert not path.exists()


@pytest.mark.parametrize("wrong", [
    lambda: paths.runs_dir(), lambda: paths.runs_dir() / "wardrobe", lambda: paths.runs_dir() / "a" / "b" / "c" / "d",
    lambda: paths.runs_dir().parent, lambda: paths.runs_dir() / "a" / "b" / ".." / "seed0",
    lambda: paths.runs_dir() / "a" / "b" / "c" / "seed0" / "deeper",
])  # fmt: skip
def test_only_a_runs_own_folder_is_deleted(wrong, stored):
    wrong().mkdir(parents=True, exist_ok=True)
    with pytest.raises(FashionError, match="is not deleted"):
        delete_run(wrong())
    assert wrong().is_dir() and stored.is_file()


@pytest.mark.parametrize("value", ["(" * 10_000, "9" * 5000, "[1", "{1: 2}[0]", "\0", "1+1", "-'a'"])
def test_a_value_that_is_no_literal_stays_text(value):
    _, changed = read_label(f"v2+x={value}")
    assert changed.get("x") in (value, value.split("+")[0], 1)
