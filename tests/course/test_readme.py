"""The README says what the ledger says, and links to what exists."""

import re

import pandas as pd

from fashion_lib.core import paths
from fashion_lib.course.readme import manipulation_table, markdown_table, with_results
from fashion_lib.runs import ledger as results


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
    lines = [("wardrobe_manipulation", method, variant, "laptop", seed, metric, attribute, value, 1.0, "abc1234")
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
    header, _, *rows, _, made = manipulation_table().splitlines()
    assert header == "| attribute manipulation, wardrobe | Top-10 | NDCG@30 | seeds |"
    assert rows == ["| image_only | 10.0 ± 0.0 | not run | 2 |", "| yao2026 | 40.0 ± 0.0 | 0.500 ± 0.000 | 2 |",
                    "| yao2026 (attention False) | 30.0 ± 0.0 | not run | 2 |"]  # fmt: skip
    assert made == "Profile laptop, seeds 0, 1, commit abc1234."
    assert markdown_table("wardrobe", "table") == alone
    assert manipulation_table() in with_results(readme())
