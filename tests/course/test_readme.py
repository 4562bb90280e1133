"""The README says what the ledger says, and links to what exists."""

import re

import pandas as pd
import pytest

from fashion_lib.core import paths
from fashion_lib.course import sources
from fashion_lib.course.readme import (
    END,
    PROFILE,
    START,
    budget_table,
    claims_table,
    cost_table,
    manipulation_table,
    markdown_table,
    rates_table,
    second_look_table,
    with_results,
)
from fashion_lib.runs import ledger as results
from fashion_lib.training.profiles import LAPTOP, TABLE


def readme() -> str:
    return (paths.root() / "README.md").read_text(encoding="utf-8")


def test_the_results_in_the_readme_are_the_ledger_s():
    assert with_results(readme()) == readme(), "run `python -m fashion_lib readme`"


def test_every_link_and_picture_of_the_readme_exists():
    targets = re.findall(r"\]\(([^)#]+)\)", readme())
    assert targets
    missing = [t for t in targets if "://" not in t and not (paths.root() / t).exists()]
    assert not missing


def test_every_notebook_is_in_the_readme_s_table():
    for notebook in paths.numbered_notebooks():
        assert f"notebooks/{notebook.name}" in readme()


def test_manipulation_joins_the_results_when_there_are_runs(monkeypatch):
    ledger = results.read_ledger()
    ledger = ledger[ledger["dataset"] != "wardrobe_manipulation"]
    monkeypatch.setattr(results, "read_ledger", lambda: ledger)
    alone = markdown_table("wardrobe", "table")
    assert manipulation_table() is None and "| attribute manipulation" not in with_results(readme())
    lines = [("wardrobe_manipulation", method, variant, PROFILE, seed, metric, attribute, value, 1.0, "abc1234")
             for method, variant, metric, attribute, value in (
                 ("yao2026", "default", "top10_acc", "overall", 40.0), ("yao2026", "default", "ndcg30", "overall", 0.5),
                 ("yao2026", "default", "top10_acc", "colour", 99.0),
                 ("image_only", "default", "top10_acc", "overall", 10.0),
                 ("yao2026", "default+attention=False", "top10_acc", "overall", 30.0),
                 ("yao2026", "default+dim=3", "top10_acc", "overall", 20.0))
             for seed in (0, 1)]  # fmt: skip
    monkeypatch.setattr(
        results, "read_ledger", lambda: pd.concat([ledger, pd.DataFrame(lines, columns=list(results.COLUMNS))])
    )
    runs = results.read_runs()
    monkeypatch.setattr(results, "read_runs", lambda: runs.assign(hardware="AMD EPYC, 2 cores"))
    header, _, *rows, _, made = manipulation_table().splitlines()
    assert header == "| attribute manipulation, wardrobe | Top-10 | NDCG@30 | seeds |"
    assert rows == ["| image_only | 10.0 ± 0.0 | not run | 2 |", "| yao2026 | 40.0 ± 0.0 | 0.500 ± 0.000 | 2 |",
                    "| yao2026 (attention False) | 30.0 ± 0.0 | not run | 2 |"]  # fmt: skip
    assert made == "Profile table, seeds 0, 1, commit abc1234. 4,272 queries, precision bf16, on AMD EPYC."
    monkeypatch.setattr(results, "read_runs", lambda: runs)
    assert markdown_table("wardrobe", "table") == alone
    assert manipulation_table() in with_results(readme())


@pytest.fixture
def put(monkeypatch):
    """Replace the ledger by rows that the test puts in: one value per seed, from 0 on."""
    lines = []
    monkeypatch.setattr(results, "read_ledger", lambda: pd.DataFrame(lines, columns=list(results.COLUMNS)))

    def add(dataset, method, variant, profile, *values, metric="map", attribute="overall"):
        lines.extend((dataset, method, variant, profile, seed, metric, attribute, value, 1.0, "abc1234")
                     for seed, value in enumerate(values))  # fmt: skip

    return add


def test_claims_are_two_tables_of_steps_seed_by_seed(put, monkeypatch):
    runs = results.read_runs()
    monkeypatch.setattr(results, "read_runs", lambda: runs.assign(hardware="one"))
    assert claims_table() is None
    put("wardrobe", "csn", "prein", "table", 40.0, 60.0, 50.0)
    put("wardrobe", "asen", "v2", "table", 46.0, 65.0, 55.5)
    put("wardrobe", "random", "default", "smoke", 99.0)  # of another profile
    alone = claims_table()
    header, _, *rows = alone.splitlines()
    assert header.startswith("| MAP, wardrobe | printed for FashionAI | overall |")
    assert next(row for row in rows if "| CSN < ASEN |" in row).split(" | ")[2] == "+5.5 ± 0.5 (3): higher"
    assert next(row for row in rows if "| random < triplet |" in row).split(" | ")[2] == "not run"
    put("wardrobe_manipulation", "amnet", "default", PROFILE, 50.0, metric="top10_acc")
    both = claims_table()
    assert both.removeprefix(alone).startswith("\n\n| attribute manipulation, wardrobe | printed Top-10 |")
    assert both.count("Profile ") == 2


def test_claims_say_how_many_pairs_are_of_two_processors(put, monkeypatch):
    put("wardrobe", "csn", "prein", "table", 40.0, 60.0)
    put("wardrobe", "asen", "v2", "table", 46.0, 65.0)
    made = results.read_runs()
    made = made[(made.dataset == "wardrobe") & (made.profile == "table") & made.seed.isin((0, 1))]
    made = made[[key in (("csn", "prein"), ("asen", "v2")) for key in zip(made.method, made.variant, strict=True)]]
    monkeypatch.setattr(results, "read_runs", lambda: made.assign(hardware="one"))
    assert len(made) == 4 and "†" not in claims_table()
    monkeypatch.setattr(results, "read_runs", lambda: made.assign(hardware=["one", "two", "one", "one"]))
    assert "| CSN < ASEN † |" in claims_table() and claims_table().count("†") == 2
    assert "†: pairs of runs that were trained on two processors: 1." in claims_table()
    monkeypatch.setattr(results, "read_runs", lambda: made.assign(hardware=["one, 2 cores", "one, 4 cores"] * 2))
    assert "†" not in claims_table()


def test_claims_name_the_verdicts_that_differ_after_other_steps(put, monkeypatch):
    runs = results.read_runs()
    monkeypatch.setattr(results, "read_runs", lambda: runs.assign(hardware="one"))
    put("wardrobe", "csn", "prein", "table", 40.0, 60.0, 50.0)
    put("wardrobe", "asen", "v2", "table", 46.0, 65.0, 55.5)
    assert "by budget" not in claims_table()
    put("wardrobe", "csn", "prein", "laptop", 40.0, 60.0, 50.0)
    put("wardrobe", "asen", "v2", "laptop", 43.0, 65.0, 54.0)
    assert "by budget" not in claims_table()  # higher, too
    put("wardrobe", "rpf", "paper", "table", 36.0, 54.0, 45.0)
    put("wardrobe", "rpf", "paper", "laptop", 44.0, 64.0, 54.0)
    header, _, row = claims_table().splitlines()[-3:]
    assert header == "| 1 of 2 verdicts differ by budget, overall MAP | profile laptop | profile table |"
    assert row == "| ASEN < RPF | +0.0 ± 1.0 (3): no order | -10.5 ± 0.5 (3): lower |"


def test_two_branches_are_compared_with_asen_attribute_by_attribute(put):
    put("wardrobe", "asen", "v2", PROFILE, 60.0, 61.0, attribute="neck_design")
    assert second_look_table() is None
    put("wardrobe", "rpf", "paper", PROFILE, 70.0, 71.2, attribute="neck_design")
    put("wardrobe", "rpf", "paper", PROFILE, 70.0, 71.0)  # overall is no attribute
    header, _, *rows = second_look_table().splitlines()
    assert header == "| MAP by attribute, wardrobe | ASEN++ − ASEN | RPF − ASEN | IPAD − ASEN |"
    assert rows[0] == "| neck design | not run | +10.1 ± 0.1 (2): higher | not run |"
    assert rows[2].startswith("Profile table. Each of the 1 ")


def test_a_table_says_in_how_many_seeds_feature_reasoning_is_used(put):
    put("wardrobe", "ipad", "paper+gate=image+suppression=erase", PROFILE, 60.0, 61.0)
    put("wardrobe", "ipad+fr", "paper+gate=image+suppression=erase", PROFILE, 60.0, 62.0)
    told = "In IPAD+FR, feature reasoning is used in 1 of 2 seeds. Without it, the row is IPAD itself."
    assert markdown_table("wardrobe").endswith(told)


def test_an_untrained_method_has_no_processor(put, monkeypatch):
    put("wardrobe", "random", "default", "table", 16.0)
    put("wardrobe", "triplet", "default", "table", 46.0)
    made = results.read_runs()
    made = made[(made.dataset == "wardrobe") & (made.profile == "table") & (made.seed == 0)]
    made = made[made.method.isin(("random", "triplet")) & (made.variant == "default")]
    monkeypatch.setattr(results, "read_runs", lambda: made.assign(hardware=["one", "two"]))
    assert "| random < triplet |" in claims_table() and "†" not in claims_table()


def test_a_dear_row_that_scores_lower_than_a_cheaper_one_with_more_steps_is_shown(put, monkeypatch):
    put("wardrobe", "asen", "v2", "table", 80.0)
    put("wardrobe", "asen", "v2+steps=5760", "table", 87.0)
    put("wardrobe", "rpf", "paper", "table", 86.0)
    made = [("asen", "v2", "100"), ("asen", "v2+steps=5760", "2000"), ("rpf", "paper", "3000")]
    made = pd.DataFrame(made, columns=["method", "variant", "training_image_passes"])
    made = made.assign(dataset="wardrobe", profile="table", seed=0, data_version="3+aa", created="2026-01-01")
    monkeypatch.setattr(results, "read_runs", lambda: made)
    _, _, *rows = cost_table().splitlines()
    assert rows == ["| asen | 2,000 | 87.0 | rpf | 3,000 | 86.0 |"]
    monkeypatch.setattr(results, "read_runs", lambda: made.iloc[:2])
    assert cost_table() is None


def test_notebook_20_prints_the_dear_rows_of_the_readme(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path))  # the committed rows alone, as in the README
    cells = {cell.id: cell.source for cell in sources.read(paths.root() / "notebooks" / "20_ipad_tables.ipynb").cells}
    names = {"display": lambda shown: None}
    for cell in ("ipt-01", "ipt-02", "ipt-03", "ipt-05", "ipt-06", "ipt-08", "ipt-15", "ipt-16", "ipt-18"):
        exec(cells[cell], names)
    capsys.readouterr()
    exec(cells["ipt-21"], names)
    printed = capsys.readouterr().out.splitlines()
    rows = (cost_table() or "").splitlines()[2:]
    assert len(printed) == max(1, len(rows))  # one line says that there is none
    for line, row in zip(printed, rows, strict=False):
        _, _, _, score, _, _, its_score, _ = (part.strip() for part in row.split("|"))
        assert f"scores {score}, above" in line and f"({its_score} with" in line


def test_the_budget_table_shows_what_more_steps_bring_seed_by_seed(put):
    runs = (("laptop", 30.0, 33.0), ("table", 40.0, 45.0), ("smoke", 99.0))  # smoke has other pictures
    for profile, *values in runs:
        put("wardrobe_manipulation", "yao2026", "default", profile, *values, metric="top10_acc")
    put("wardrobe_manipulation", "yao2026", "default+steps=9000", "laptop", 42.0, metric="top10_acc")
    put("wardrobe_manipulation", "amnet", "default", "laptop", 20.0, metric="top10_acc")  # one budget
    assert budget_table() is budget_table("wardrobe_manipulation") is None
    header, _, *rows = budget_table("wardrobe_manipulation", metric="top10_acc").splitlines()
    own, twice = f"{LAPTOP.steps:,}", f"{TABLE.steps:,}"
    assert header == (
        f"| Top-10 of attribute manipulation, wardrobe, by training steps | {own} steps"
        f" | {own} → {twice} | {own} → 9,000 |"
    )
    assert rows == ["| yao2026 | 31.5 ± 2.1 (2) | +11.0 ± 1.4 (2) | +12.0 (1) |"]


def test_the_table_of_learning_rates_shows_what_each_method_would_choose(put):
    for variant, valid, test in (("v2", 60.0, 61.0), ("v2+learning_rate=0.004", 62.0, 59.5)):
        put("wardrobe", "asen", variant, "table", valid, metric="validation")
        put("wardrobe", "asen", variant, "table", test)
    put("wardrobe", "csn", "prein", "table", 50.0, metric="validation")  # one rate
    put("wardrobe", "csn", "prein+learning_rate=0.004", "laptop", 55.0, metric="validation")  # of another profile
    header, _, *rows = rates_table().splitlines()
    assert header == (
        "| overall MAP, wardrobe, by learning rate, seed 0 | validation, 0.002 | validation, 0.004 | chosen"
        " | test, shared rate | test, chosen rate |"
    )
    assert rows == ["| asen | 60.0 | 62.0 | 0.004 | 61.0 | 59.5 |"]
    assert rates_table("wardrobe_manipulation", metric="top10_acc") is None


def test_a_step_stands_beside_that_of_the_rates_that_both_methods_prefer(put):
    for method, plain, best in (("asen", "v2", 61.0), ("haen", "default", 64.0), ("isln", "default", 62.0)):
        put("wardrobe", method, plain, "table", 60.0, 62.0, metric="validation")
        put("wardrobe", method, plain, "table", 60.0, 62.0)
        if method != "isln":  # no other rate was tried for it, so it has no step here
            put("wardrobe", method, f"{plain}+learning_rate=0.004", "table", best, best, metric="validation")
            put("wardrobe", method, f"{plain}+learning_rate=0.004", "table", best, best + 1)
    head = "| steps with a method that prefers another learning rate, overall MAP | shared rate | "
    _, _, *own = claims_table().partition(head)[2].split("\n\n")[0].splitlines()
    assert own == ["| ASEN ≤ HAEN | +0.0 ± 0.0 (2): identical | +3.0 ± 0.0 (2): higher |"]


def test_each_table_of_the_block_stands_behind_the_claims_and_manipulation_is_last(put):
    for profile in ("laptop", "table"):
        put("wardrobe", "asen", "v2", profile, 60.0)
        put("wardrobe_manipulation", "yao2026", "default", profile, 40.0, metric="top10_acc")
    put("clothing", "asen", "v2", PROFILE, 70.0)
    block = with_results(f"before\n{START}\nold\n{END}\nbehind")
    assert block.startswith("before\n") and block.endswith("\nbehind") and "old" not in block
    heads = re.findall(r"^\| ([^|]+) \| .+\n\|---", block, re.MULTILINE)
    assert heads == ["MAP, wardrobe", "attribute manipulation, wardrobe", "MAP, wardrobe",
                     "overall MAP, wardrobe, by training steps", "MAP, clothing", "attribute manipulation, wardrobe",
                     "Top-10 of attribute manipulation, wardrobe, by training steps"]  # fmt: skip


def test_without_the_wardrobe_s_own_table_its_budgets_still_stand_before_the_photographs(put):
    put("clothing", "asen", "v2", PROFILE, 70.0)
    for variant in ("v2", "v2+steps=9000"):
        put("wardrobe", "asen", variant, "laptop", 60.0)
    block = with_results(f"{START}\n{END}")
    assert 0 < block.index("| overall MAP, wardrobe, by training steps |") < block.index("| MAP, clothing |")
    assert "| MAP, wardrobe |" not in block
