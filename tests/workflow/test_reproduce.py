import json
from dataclasses import asdict

import nbformat
import papermill
import pytest
from tiny_notebooks import write_tiny

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import METHODS
from fashion_lib.runs.record import RunRecord
from fashion_lib.workflow import local
from fashion_lib.workflow.board import clock, spoken
from fashion_lib.workflow.child import ALREADY_DONE, DONE, FAILED
from fashion_lib.workflow.job import perform
from fashion_lib.workflow.local import reproduce
from fashion_lib.workflow.plan import Job, course_notebooks, planned_runs

TRAINING = 'dataset = "wardrobe"\nmethod = "asen"\nvariant = "v2"\nprofile = "laptop"\nseed = 0\n'
MAP = {"random": 20.0, "triplet": 40.0, "csn": 50.0, "asen": 60.0}


class DoneHere:
    """Stands in for a job's process: the job is done at once, in this process, where a test can look at it."""

    def __init__(self, job, environment):
        self.said, self.sentence = "", ""
        try:
            self.status = DONE if perform(job) else ALREADY_DONE
        except FashionError as error:
            self.status, self.sentence = FAILED, str(error)

    def ended(self):
        return self.status

    def error(self):
        return self.sentence


@pytest.fixture
def course(project, monkeypatch):
    """Three notebooks, and a papermill that writes the record the training notebook would; returns its executions."""
    write_tiny(project / "notebooks" / "00_tour.ipynb", "1", parameters='profile = "laptop"\n')
    write_tiny(project / "notebooks" / "05_training.ipynb", "2", parameters=TRAINING)
    write_tiny(
        project / "notebooks" / "07_tables.ipynb",
        "3",
        parameters='profile = "laptop"\ndataset = "wardrobe"\n',
    )
    write_tiny(project / "notebooks" / "notes.ipynb", "4")
    monkeypatch.setattr("fashion_lib.data.sets.load_dataset", lambda name, profile: None)
    monkeypatch.setattr(local, "Child", DoneHere)
    monkeypatch.setattr(local, "POLL", 0)
    executed = []

    def execute(source, output, parameters, **options):
        executed.append((source.rpartition("/")[2], parameters))
        if "method" in parameters:
            (run,) = planned_runs(
                parameters["method"], str(parameters["seed"]), parameters["dataset"], parameters["profile"]
            )
            value = MAP[run.method] + run.seed
            RunRecord(
                **asdict(run),
                metrics={"map": {"overall": value, "local": value, "hem": 1.0}},
                minutes=1.0,
                commit="abc",
            ).save(run.record)
        notebook = nbformat.read(source, as_version=4)
        nbformat.write(notebook, output)
        return notebook

    monkeypatch.setattr(papermill, "execute_notebook", execute)
    return executed


def smoke(methods="random,asen", seeds="0,1", dataset="wardrobe", **options):
    return reproduce("smoke", methods, seeds, dataset, **options)


def test_runs_are_planned_seed_by_seed_with_default_variants():
    runs = planned_runs("random, csn.fixed asen", "0,2", "wardrobe", "smoke")
    assert [(run.method, run.variant, run.seed) for run in runs] == [
        ("random", "default", 0),
        ("csn", "fixed", 0),
        ("asen", "v2", 0),
        ("random", "default", 2),
        ("csn", "fixed", 2),
        ("asen", "v2", 2),
    ]
    assert {(run.dataset, run.profile) for run in runs} == {("wardrobe", "smoke")}


def test_all_is_every_method_and_doubles_count_once():
    runs = planned_runs("all", "0", "wardrobe", "smoke")
    assert [run.method for run in runs] == [*METHODS]
    assert len(planned_runs("asen,asen.v2,asen", "1 1", "wardrobe", "smoke")) == 1


@pytest.mark.parametrize(
    ("methods", "seeds", "message"),
    [
        ("asem", "0", "METHODS names 'asem', which is no method: did you mean 'asen'"),
        ("csn.leaned", "0", "'csn.leaned', a variant that csn does not have: did you mean 'learned'"),
        ("asen", "0,one", "SEEDS holds 'one'"),
        ("asen", "-1", "SEEDS holds '-1'"),
        ("yao2026.paper+loss=plain", "0", "a variant that yao2026 does not have: choose one of default"),
        ("", "0", "METHODS or SEEDS is empty"),
        ("asen", ",", "METHODS or SEEDS is empty"),
    ],
)
def test_what_cannot_be_planned_is_explained(methods, seeds, message):
    with pytest.raises(FashionError, match=message):
        planned_runs(methods, seeds, "wardrobe", "smoke")


def test_a_manipulation_run_is_named_as_its_record_is():
    (run,) = planned_runs("yao2026.default+loss=plain+attention=False", "1", "wardrobe", "laptop")
    assert run.variant == "default+attention=False+loss=plain"
    assert run.folder.parts[-4:-1] == ("wardrobe_manipulation", "laptop", f"yao2026.{run.variant}")
    (default,) = planned_runs("amnet", "0", "clothing", "laptop")
    assert (default.variant, default.recorded_dataset) == ("default", "clothing_manipulation")


def test_manipulation_runs_are_trained_beside_the_notebooks_and_have_a_table_of_their_own(course, monkeypatch, capsys):
    trained = []

    def train(method, variant, *, dataset, profile, seed):
        trained.append((method, variant, dataset, profile.name, seed))
        (run,) = planned_runs(f"{method}.{variant}", str(seed), dataset, profile.name)
        scores = {"accuracy": {"overall": 50.0}, "top10_acc": {"overall": 12.5 + seed}, "ndcg30": {"overall": 0.25}}
        settings = asdict(run) | {"dataset": run.recorded_dataset}
        made = {"edition": METHODS[method].edition_of(variant)}
        RunRecord(**settings, metrics=scores, minutes=1.0, commit="abc", config=made).save(run.record)

    monkeypatch.setattr("fashion_lib.workflow.job.labelled_run", train)
    page = smoke("asen,amnet,yao2026.default+loss=plain")
    assert trained == [(method, variant, "wardrobe", "smoke", seed) for seed in (0, 1)
                       for method, variant in (("amnet", "default"), ("yao2026", "default+loss=plain"))]  # fmt: skip
    assert [name for name, _ in course].count("05_training.ipynb") == 2
    text = page.read_text()
    for found in (capsys.readouterr().out, text):
        assert "wardrobe: MAP in percent" in found and "60.5 ± 0.7" in found
        assert "wardrobe_manipulation: accuracies in percent" in found and "13.0 ± 0.7" in found and "0.250" in found
    smoke("asen,amnet,yao2026.default+loss=plain")
    assert len(trained) == 4
    smoke("amnet", "1", force=True)
    assert trained[4:] == [("amnet", "default", "wardrobe", "smoke", 1)]


def test_a_run_with_options_is_trained_without_the_notebook_that_does_not_know_them(course, monkeypatch):
    trained = []
    monkeypatch.setattr("fashion_lib.workflow.job.labelled_run", lambda *names, **settings: trained.append(names))
    with pytest.raises(FashionError, match="left no record"):
        smoke("asen.v2+channel=False", "0", training_only=True)
    assert trained == [("asen", "v2+channel=False")] and course == []


def test_the_whole_job_trains_then_executes_the_course_then_reports(course, project, capsys):
    page = smoke()
    trained = {"dataset": "wardrobe", "profile": "smoke"}
    assert course == [
        ("05_training.ipynb", trained | {"method": "random", "variant": "default", "seed": 0}),
        ("05_training.ipynb", trained | {"method": "asen", "variant": "v2", "seed": 0}),
        ("05_training.ipynb", trained | {"method": "random", "variant": "default", "seed": 1}),
        ("05_training.ipynb", trained | {"method": "asen", "variant": "v2", "seed": 1}),
        ("00_tour.ipynb", {"profile": "smoke"}),
        ("07_tables.ipynb", {"profile": "smoke", "dataset": "wardrobe"}),
    ]
    printed = capsys.readouterr().out
    assert "[1/6] training random (default) seed 0 (0 s so far)" in printed
    assert "[6/6] 07_tables (" in printed
    assert "20.5 ± 0.7" in printed
    assert "60.5 ± 0.7" in printed
    assert "hem" not in printed
    assert page == project / "build" / "reproduce" / "smoke" / "report.html"
    text = page.read_text()
    assert "60.5 ± 0.7" in text
    for name in ("00_tour", "05_training.wardrobe.asen.v2.seed1", "07_tables"):
        assert f'<a href="{name}.html">' in text
        assert "A tiny notebook" in (page.parent / f"{name}.html").read_text()


def test_another_data_set_leaves_the_notebooks_of_the_first_as_they_are(course):
    pages = {smoke(seeds="0"), smoke(seeds="0", dataset="clothing")}
    assert {page.parent.name for page in pages} == {"smoke", "smoke-clothing"}
    assert all((page.parent / "07_tables.ipynb").is_file() for page in pages)


def test_notebooks_on_their_own_data_are_named_where_another_set_is_wanted(course, capsys):
    reproduce("smoke", "random", "0", "darn")
    assert "they read their own data and not darn: 00_tour.\n" in capsys.readouterr().out
    assert ("00_tour.ipynb", {"profile": "smoke"}) in course
    assert ("07_tables.ipynb", {"profile": "smoke", "dataset": "darn"}) in course


def test_a_second_call_executes_nothing(course, capsys):
    smoke()
    done = len(course)
    smoke()
    assert len(course) == done
    assert capsys.readouterr().out.count("already done") == done


def test_an_interrupted_job_goes_on_where_it_stopped(course, monkeypatch):
    execute = papermill.execute_notebook

    def stop_at_third(source, output, parameters, **options):
        if len(course) == 2:
            raise KeyboardInterrupt
        return execute(source, output, parameters, **options)

    monkeypatch.setattr(papermill, "execute_notebook", stop_at_third)
    with pytest.raises(KeyboardInterrupt):
        smoke()
    monkeypatch.setattr(papermill, "execute_notebook", execute)
    smoke()
    assert [(name, parameters.get("seed"), parameters.get("method")) for name, parameters in course] == [
        ("05_training.ipynb", 0, "random"),
        ("05_training.ipynb", 0, "asen"),
        ("05_training.ipynb", 1, "random"),
        ("05_training.ipynb", 1, "asen"),
        ("00_tour.ipynb", None, None),
        ("07_tables.ipynb", None, None),
    ]


def test_a_lost_record_is_made_again_and_the_course_follows(course):
    smoke(seeds="0")
    course.clear()
    (run,) = planned_runs("asen", "0", "wardrobe", "smoke")
    content = json.loads(run.record.read_text())
    run.record.write_text(json.dumps(content | {"minutes": 2.0}))
    smoke(seeds="0")
    assert [name for name, _ in course] == ["00_tour.ipynb", "07_tables.ipynb"]
    run.record.unlink()
    smoke(seeds="0")
    assert [name for name, _ in course[2:]] == ["05_training.ipynb", "00_tour.ipynb", "07_tables.ipynb"]


def test_force_deletes_the_chosen_runs_only(course, project):
    smoke()
    kept, dropped = (planned_runs(name, "0", "wardrobe", "smoke")[0].folder for name in ("random", "asen"))
    for folder in (kept, dropped):
        (folder / "last.safetensors").write_text("weights")
    course.clear()
    smoke("asen", "0", force=True)
    assert [parameters.get("method") for _, parameters in course] == ["asen", None, None]
    assert (kept / "last.safetensors").exists()
    assert not (dropped / "last.safetensors").exists()


def test_training_only_leaves_the_course_alone(course, project, capsys, tmp_path):
    assert smoke("asen", "0", training_only=True, output=tmp_path / "elsewhere") is None
    assert [name for name, _ in course] == ["05_training.ipynb"]
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == [
        "05_training.wardrobe.asen.v2.seed0.ipynb"
    ]
    assert "60.0" in capsys.readouterr().out


def test_notebooks_are_chosen_by_number_and_range(course, project):
    write_tiny(project / "notebooks" / "10_more.ipynb", "5", parameters='profile = "laptop"\n')
    assert smoke("random", "0") is not None
    assert [name for name, _ in course] == ["05_training.ipynb", "00_tour.ipynb", "07_tables.ipynb"]
    names = [path.name[:2] for path in course_notebooks("06-99, 00")]
    assert names == ["00", "07", "10"]
    assert [path.name[:2] for path in course_notebooks()] == ["00", "07", "10"]
    missing = "asks for '08-09', but there are only 00, 05, 07, 10"
    for wrong, said in (("7x", "'7x'"), ("08-09", missing), ("-3", "'-3'")):
        with pytest.raises(FashionError, match=said):
            smoke("random", "0", notebooks=wrong)


def test_a_number_brings_its_appendices_and_an_appendix_can_be_chosen_alone(project):
    for name in ("00_tour", "07_tables", "07a_spread", "07b_trials", "10_more"):
        write_tiny(project / "notebooks" / f"{name}.ipynb", "1")
    (project / "notebooks" / "notes.ipynb").write_text("no notebook of the course")
    chosen = {
        "all": ["00", "07", "07a", "07b", "10"],
        "07": ["07", "07a", "07b"],
        "07b,00": ["00", "07b"],
        "00-07": ["00", "07", "07a", "07b"],
    }
    for text, numbers in chosen.items():
        found = [paths.notebook_number(path) for path in course_notebooks(text)]
        assert [number for number in found if number != "05"] == numbers
    with pytest.raises(FashionError, match="NOTEBOOKS holds '07c'"):
        course_notebooks("07c")


def test_a_training_notebook_without_a_record_is_an_error(course, monkeypatch):
    def forgetful(source, output, parameters, **options):
        notebook = nbformat.read(source, as_version=4)
        nbformat.write(notebook, output)
        return notebook

    monkeypatch.setattr(papermill, "execute_notebook", forgetful)
    with pytest.raises(FashionError, match=r"wardrobe\.asen\.v2\.seed0 left no record"):
        smoke("asen", "0")


def test_an_unknown_profile_is_named(project):
    with pytest.raises(FashionError, match="PROFILE names 'smok', which is no profile: did you mean 'smoke'"):
        reproduce("smok")


def test_the_estimate_follows_the_steps_of_its_kind():
    train, course = Job("training", "t", (), ""), Job("course", "c", (), "")
    left = [train, train, course]
    assert clock(3, left, {}) == "3 s so far"
    assert clock(60, left, {"training": [20.0, 40.0]}) == "60 s so far, about 2 min to go"
    spent = {"training": [20.0, 40.0], "course": [10.0]}
    assert clock(3700, left, spent) == "1 h 02 min so far, about 70 s to go"
    assert clock(3700, left, spent, at_once=2) == "1 h 02 min so far, about 35 s to go"


def test_durations_are_spoken():
    assert [spoken(seconds) for seconds in (0.2, 89, 95, 59 * 60, 3600, 7500)] == [
        "0 s",
        "89 s",
        "2 min",
        "59 min",
        "1 h 00 min",
        "2 h 05 min",
    ]
