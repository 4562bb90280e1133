"""The README says what the ledger says, and links to what exists."""

import re

from fashion_lib import paths
from fashion_lib.readme import with_results


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
    for notebook in paths.notebooks_dir().glob("[0-9][0-9]_*.ipynb"):
        assert f"notebooks/{notebook.name}" in readme()
