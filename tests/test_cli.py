import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_notebooks import write_tiny

from fashion_lib import cli
from fashion_lib.cli import main
from fashion_lib.commands import training
from fashion_lib.core import paths
from fashion_lib.methods.registry import METHODS
from fashion_lib.runs import ledger
from fashion_lib.runs.ledger import COLUMNS
from fashion_lib.runs.record import RECORD_NAME, RunRecord, run_dir
from fashion_lib.workflow import local, plan


def saved_run(method="asen", seed=0, overall=65.0, dataset="wardrobe", profile="smoke"):
    metrics = {"map": {"collar_design": 50.0, "overall": overall, "macro": 60.0, "local": 70.0}}
    variant = METHODS[method].variants[0]
    record = RunRecord(method, variant, dataset, profile, seed, metrics, minutes=1.5, commit="abc1234")
    record.save(run_dir(dataset, profile, method, variant, seed) / RECORD_NAME)


def lines(capsys):
    return capsys.readouterr().out.splitlines()


def test_methods_has_one_name_a_line_first(capsys):
    assert main(["methods"]) == 0
    printed = lines(capsys)
    known = METHODS
    assert [line.split()[0] for line in printed] == list(known)
    assert all(
        variant in line
        for line, method in zip(printed, known.values(), strict=True)
        for variant in method.variants
    )


def test_results_as_csv_are_the_ledger_and_the_runs(project, capsys):
    saved_run(overall=65.25)
    ledger.write_ledger(
        ledger.rows(RunRecord.load(next(project.glob("runs/**/result.json")))).assign(value=1.0, seed=9)
    )
    assert main(["results", "--csv"]) == 0
    header, *rows = lines(capsys)
    assert header == "dataset,method,variant,profile,seed,metric,attribute,value,minutes,commit"
    assert header.split(",") == list(COLUMNS)
    assert "wardrobe,asen,v2,smoke,0,map,overall,65.25,1.5,abc1234" in rows
    assert "wardrobe,asen,v2,smoke,9,map,overall,1.0,1.5,abc1234" in rows
    assert len(rows) == 8


def test_results_can_be_narrowed(project, capsys):
    saved_run("asen")
    saved_run("csn", profile="laptop")
    saved_run("triplet", dataset="clothing")
    main(["results", "--csv", "--profile", "laptop"])
    assert {line.split(",")[1] for line in lines(capsys)[1:]} == {"csn"}
    main(["results", "--csv", "--dataset", "clothing"])
    assert {line.split(",")[1] for line in lines(capsys)[1:]} == {"triplet"}
    main(["results", "--csv", "--dataset", "wardrobe", "--profile", "paper"])
    assert len(lines(capsys)) == 1


def test_results_as_a_table_show_mean_and_spread(project, capsys):
    for seed, overall in enumerate((60.0, 64.0)):
        saved_run("asen", seed, overall)
    assert main(["results"]) == 0
    text = capsys.readouterr().out
    assert "wardrobe, profile smoke: MAP in percent" in text
    assert "62.0 ± 2.8" in text


def test_manipulation_has_a_table_of_its_own_and_leaves_the_others_alone(project, capsys):
    saved_run("asen")
    main(["results"])
    alone = capsys.readouterr().out
    metrics = {"top10_acc": {"overall": 12.5, "colour": 99.0}, "ndcg30": {"overall": 0.5}}
    record = RunRecord("amnet", "default", "wardrobe_manipulation", "smoke", 0, metrics, minutes=1.0, commit="abc")
    record.save(run_dir(*(record.dataset, "smoke", "amnet", "default", 0)) / RECORD_NAME)
    main(["results"])
    both = capsys.readouterr().out
    assert both.startswith(alone)
    more = both.removeprefix(alone)
    assert more.startswith("wardrobe_manipulation, profile smoke: accuracies in percent, NDCG@30")
    assert "12.5" in more and "0.500" in more and "99" not in more
    assert main(["keep"]) == 0
    assert set(ledger.read_ledger()["dataset"]) == {"wardrobe", "wardrobe_manipulation"}
    assert len(ledger.pd.read_csv(project / "data" / "runs.csv")) == 2
    assert main(["retrieval-scores", "--dataset", "wardrobe_manipulation"]) == 0


def test_results_without_any_say_what_to_do(project, capsys):
    assert main(["results"]) == 0
    assert lines(capsys) == ["No results yet: run `make reproduce`."]


def test_an_expected_error_is_one_sentence_and_exit_code_two(project, capsys):
    source = write_tiny(project / "a.ipynb", "1")
    assert main(["notebook", str(source), str(project / "o.ipynb"), "-p", "learning_rate", "1e-3"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: The parameter 'learning_rate' of a.ipynb")
    assert captured.err.count("\n") == 1


def test_a_warning_of_the_library_is_one_sentence_without_its_place_in_the_code():
    inside, outside = str(Path(cli.__file__).parent / "runs" / "stored.py"), "elsewhere.py"
    assert cli._one_sentence("The run has no weights.", UserWarning, inside, 7) == "warning: The run has no weights.\n"
    assert cli._one_sentence("Old.", UserWarning, outside, 7) == "elsewhere.py:7: UserWarning: Old.\n"
    assert cli._one_sentence("Old.", DeprecationWarning, inside, 7).endswith("DeprecationWarning: Old.\n")


def test_notebook_values_are_read_as_yaml(project, monkeypatch, capsys):
    given = []
    monkeypatch.setattr(
        "fashion_lib.course.execute.run_notebook", lambda *a, **k: given.append((a, k)) or True
    )
    main(
        [
            "notebook",
            "a.ipynb",
            "o.ipynb",
            "-p",
            "seed",
            "3",
            "-p",
            "name",
            "csn",
            "-p",
            "learning_rate",
            "null",
            "--force",
        ]
    )
    (_, _, parameters), options = given[0]
    assert parameters == {"seed": 3, "name": "csn", "learning_rate": None}
    assert options == {"force": True}


def test_unknown_data_sets_and_profiles_are_named(project, capsys):
    assert main(["protocol", "wardrobes"]) == 2
    assert "did you mean 'wardrobe'" in capsys.readouterr().err
    assert main(["protocol", "wardrobe", "--profile", "large"]) == 2
    assert "'large'" in capsys.readouterr().err


def test_reproduce_passes_its_options_on_and_survives_an_interrupt(project, monkeypatch, capsys):
    seen = []

    def interrupted(*arguments, **options):
        seen.append((arguments, options))
        raise KeyboardInterrupt

    monkeypatch.setattr(local, "reproduce", interrupted)
    with pytest.raises(SystemExit) as caught:
        main(["reproduce", "--profile", "smoke", "--methods", "asen", "--seeds", "1", "--force"])
    assert caught.value.code == 130
    assert seen == [
        (
            ("smoke", "asen", "1", "wardrobe", "00-07"),
            {"force": True, "training_only": False, "output": None, "jobs": ""},
        ),
    ]
    assert capsys.readouterr().err.strip() == "Stopped; the same command goes on from here."


def test_defaults_of_the_command_are_those_of_the_function():
    chosen = {name: one.default for name, one in inspect.signature(training.reproduce).parameters.items()}
    assert (chosen["profile"], chosen["methods"], chosen["seeds"]) == ("laptop", plan.METHODS, plan.SEEDS)
    assert chosen["notebooks"] == plan.NOTEBOOKS
    makefile = (paths.root() / "Makefile").read_text()
    assert f"METHODS ?= {plan.METHODS}\nSEEDS ?= {plan.SEEDS}\n" in makefile
    assert f"NOTEBOOKS ?= {plan.NOTEBOOKS}\n" in makefile


def test_what_the_tables_lack_is_of_profile_table_and_a_plain_plan_of_laptop(project, monkeypatch, capsys):
    profiles = []
    monkeypatch.setattr(
        "fashion_lib.papers.grid.missing_runs", lambda profile, _: profiles.append(profile.name) or []
    )
    monkeypatch.setattr(
        "fashion_lib.workflow.missing_runs.train_missing", lambda profile, *_: profiles.append(profile) or 0
    )
    for command in (["plan", "--missing"], ["tables"], ["plan", "--missing", "--profile", "laptop"]):
        assert main(command) == 0
    assert profiles == ["table", "table", "laptop"]
    capsys.readouterr()
    assert main(["plan"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert {run["profile"] for job in planned for run in job["runs"]} == {"laptop"}


@pytest.mark.parametrize("option", ["--methods", "--seeds", "--output"])
def test_what_the_tables_lack_is_not_a_choice_of_methods_or_seeds(project, capsys, option):
    assert main(["plan", "--missing", option, "1"]) == 2
    said = capsys.readouterr()
    assert f"lists every run of the papers' tables: leave out {option}." in said.err and said.out == ""


def test_execute_notebooks_takes_the_numbered_ones_in_order(project, monkeypatch, capsys):
    for name in ("02_b.ipynb", "00_a.ipynb", "scratch.ipynb"):
        write_tiny(project / "notebooks" / name, "1")
    executed = []
    monkeypatch.setattr(
        "fashion_lib.course.execute.execute_committed",
        lambda path, profile, commit: executed.append(path.name) or 0.5,
    )
    assert main(["execute-notebooks"]) == 0
    assert executed == ["00_a.ipynb", "02_b.ipynb"]
    assert (
        "was never executed" in capsys.readouterr().out
    )  # what keeps it from being committed is said at once


def test_help_needs_no_heavy_module():
    code = (
        "import sys; from fashion_lib.cli import main; main(['--help']); main(['reproduce', '--help']);"
        "sys.exit(' '.join({'torch', 'pandas', 'numpy', 'nbformat'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stderr.strip() == ""


@pytest.mark.slow
def test_a_reader_that_stops_early_gets_no_traceback(project):
    saved_run()
    command = [sys.executable, "-m", "fashion_lib", "results", "--csv"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0
