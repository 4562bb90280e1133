"""A number of the README, walked back: file and line, seeds, mean and spread, how it was made, settings."""

import re

import pandas as pd
import pytest

from fashion_lib.cli import main
from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.runs import ledger, run_list
from fashion_lib.runs.record import RECORD_NAME, RunRecord, run_dir
from fashion_lib.runs.trace import trace
from fashion_lib.show import tables
from fashion_lib.training.profiles import PROFILES

pytestmark = pytest.mark.slow  # `make quick` leaves it out


def rows_of_readme():
    """(method, variant, column, text) of every cell of the README's wardrobe table whose row is a plain name."""
    lines = (paths.root() / "README.md").read_text(encoding="utf-8").splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("| MAP, wardrobe"))
    columns = [cell.strip() for cell in lines[start].strip("|").split("|")][1:]
    for line in lines[start + 2:]:
        if not line.startswith("|"):
            return
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        if re.fullmatch(r"[a-z_]+", name):
            filled = zip(columns, cells, strict=True)
            yield from ((name, column, cell) for column, cell in filled if cell != tables.NOT_RUN and column != "seeds")


def test_every_plain_cell_of_the_readme_can_be_walked_back():
    if not (cells := list(rows_of_readme())):
        pytest.skip("no plain row of the README's wardrobe table has a run")
    for name, column, text in cells[:: max(1, len(cells) // 3)]:  # each walk reads the whole ledger
        found = trace(name, column)
        spread = f" ± {found.spread:.1f}" if len(found.seeds) > 1 else ""
        assert f"{found.mean:.1f}{spread}" == text
        assert all(seed.made["commit"] == seed.commit for seed in found.seeds)


def some_numbers(count):
    """Yield `count` numbers of the committed ledger, whatever it holds: what to ask `trace`, and the rows behind it."""
    table = ledger.read_ledger()
    of_a_number = ["dataset", "method", "variant", "profile", "metric", "attribute"]
    numbers = table[of_a_number].drop_duplicates()
    for asked in numbers.iloc[:: max(1, len(numbers) // count)].to_dict("records"):
        yield asked, table[(table[of_a_number] == pd.Series(asked)).all(axis=1)]


def test_a_line_named_is_the_line_that_holds_the_value():
    for asked, _ in some_numbers(4):
        names = [asked[column] for column in ("dataset", "method", "variant", "profile")]
        for seed in trace(**asked).seeds:
            file, line = seed.where.split(", line ")
            cells = (paths.root() / file).read_text(encoding="utf-8").splitlines()[int(line) - 1].split(",")
            assert cells[:7] == [*names, str(seed.seed), asked["metric"], asked["attribute"]]
            assert (float(cells[7]), cells[9]) == (seed.value, seed.commit)
            file, line = seed.made_where.split(", line ")
            made = (paths.root() / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
            assert made.startswith(",".join([*names, str(seed.seed)]) + ",")


def test_mean_and_spread_are_those_of_the_tables():
    for asked, rows in some_numbers(12):
        summary = tables.summarise(rows, asked["metric"]).loc[asked["method"], asked["variant"]][asked["attribute"]]
        dotted = {name: value for name, value in asked.items() if name not in ("method", "variant")}
        for found in (trace(**asked), trace(f"{asked['method']}.{asked['variant']}", **dotted)):
            assert found.mean == pytest.approx(summary["mean"])
            assert found.spread == pytest.approx(summary["std"], nan_ok=True)
            assert len(found.seeds) == summary["n"]


def test_without_a_variant_a_method_has_its_default_and_manipulation_is_found_by_its_data_set(project):
    other = {"method": "yao2026", "variant": "default", "dataset": "wardrobe_manipulation"}
    keep(record(0), record(0, variant="v1"), record(0, metrics={"top10_acc": {"overall": 7.0}}, **other))
    assert trace("asen").number.startswith("asen (v2), map of overall on wardrobe,")
    assert trace("yao2026").number.startswith("yao2026 (default), top10_acc of overall on wardrobe_manipulation,")


@pytest.mark.parametrize(("arguments", "words"), [
    (("asne",), "no method 'asne': did you mean 'asen'"),
    (("asen", "overal"), "no attribute 'overal': did you mean 'overall'"),
    (("asen", "overall", "--metric", "mpa"), "no metric 'mpa': did you mean 'map'"),
    (("asen", "--variant", "v3"), "no variant 'v3': choose one of v1"),
    (("asen", "--dataset", "ward*"), "no dataset 'ward\\*'"),
    (("asen", "--profile", "../x"), "no profile '../x'"),
    (("asen", "--profile", "smoke"), "no profile 'smoke'"),
    (("ipad",), "not of its default: choose one of"),
])  # fmt: skip
def test_a_number_that_is_not_there_is_one_sentence(arguments, words, capsys, project):
    ipad = [record(0, method="ipad", variant=f"paper+gate={gate}") for gate in ("image", "attribute")]
    keep(record(0), record(0, variant="v1"), *ipad)
    assert main(["trace", *arguments]) == 2
    said = capsys.readouterr().err
    assert re.search(words, said) and said.count("\n") == 1 and said.startswith("error: ")


def record(seed=0, overall=60.0, **changes):
    scores = {"map": {"colour": 50.0, "overall": overall}}
    made = {"method": "asen", "variant": "v2", "dataset": "wardrobe", "profile": "laptop", "metrics": scores}
    made |= {"minutes": 1.5, "commit": "abc1234", "config": {"steps": 7, "data_version": "9"}}
    return RunRecord(seed=seed, **(made | changes))


def keep(*records):
    """Write the rows of these runs into the ledger, and the runs into the list of runs."""
    ledger.write_ledger(pd.concat([ledger.rows(one) for one in records]))
    run_list.write_runs(list(records))


def test_settings_come_from_the_record_when_the_very_run_is_here(project):
    records = [record(seed, 60.0 + seed) for seed in range(2)]
    keep(*records)
    assert "profile laptop of" in trace("asen").settings_from
    assert trace("asen").settings["steps"] == PROFILES["laptop"].steps and trace("asen").settings["data_version"] == "9"
    path = run_dir("wardrobe", "laptop", "asen", "v2", 1) / RECORD_NAME
    record(1, 99.0, commit="another").save(path)  # the same name, but not the run behind the number
    assert "profile laptop of" in trace("asen").settings_from
    records[1].save(path)
    found = trace("asen")
    assert found.settings["steps"] == 7 and "record of seed 1 on this machine" in found.settings_from
    assert (found.mean, len(found.seeds)) == (60.5, 2)


def test_a_run_of_this_machine_alone_is_traced_and_named_so(project):
    record().save(run_dir("wardrobe", "laptop", "asen", "v2", 0) / RECORD_NAME)
    found = trace("asen", "colour")
    assert "not in the ledger" in str(found) and found.mean == 50.0 and "one seed" in str(found)


def test_an_empty_project_says_what_to_do(project):
    with pytest.raises(FashionError, match="no results of 'asen' yet: train it"):
        trace("asen")


def test_a_variant_says_what_it_changes(project):
    keep(record(0, variant="v2+steps=2160"))
    found = trace("asen.v2+steps=2160")
    assert found.settings["steps"] == "2160 (this variant)"


def test_at_profile_paper_the_settings_are_those_of_the_systems_last_stage(project):
    keep(record(0, method="rpf", variant="code", dataset="fashionai", profile="paper"))
    found = trace("rpf.code", dataset="fashionai", profile="paper")
    assert (found.settings["learning_rate"], found.settings["flip"]) == (5.5e-5, False)
    assert "paper_settings.py" in found.settings_from


@pytest.mark.parametrize("cell", ["many", "nan", "inf"])
def test_a_damaged_cell_is_named_by_file_and_line(cell, project):
    (path,) = ledger.write_ledger(ledger.rows(record()))
    path.write_text(path.read_text().replace("60.0", cell))
    with pytest.raises(FashionError, match=r"v2.csv, line 3 has the seed '0' and the value"):
        trace("asen")


def test_a_run_of_older_data_stands_in_no_trace_as_it_stands_in_no_table(tmp_path, monkeypatch):
    """The README's tables take one data version, so a walk back from them must, too."""
    table = ledger.committed_rows()
    of_asen = table[table["dataset"].eq("wardrobe") & table["method"].eq("asen") & table["variant"].eq("v2")]
    of_asen = of_asen[of_asen["profile"] == "table"]
    made = run_list.read_runs()
    older = (made["method"] == "asen") & (made["variant"] == "v2") & (made["profile"] == "table") & (made["seed"] == 1)
    assert older.sum() >= 1 and of_asen["seed"].nunique() > 1
    made.loc[older & (made["dataset"] == "wardrobe"), "data_version"] = "2+111111111111"
    monkeypatch.setattr(paths, "run_list_file", lambda: tmp_path / "runs.csv")
    made.to_csv(tmp_path / "runs.csv", index=False)
    assert {seed.seed for seed in trace("asen", profile="table").seeds} == set(of_asen["seed"]) - {1}
