"""The README's results table, written from the committed ledger so that the two cannot disagree."""

import re

from fashion_lib import paths, results, tables
from fashion_lib.errors import FashionError
from fashion_lib.models import METHODS
from fashion_lib.results import write_atomically

START, END = "<!-- results: written by `python -m fashion_lib readme` -->", "<!-- end of results -->"
ROWS = [(name, method.variants[0]) for name, method in METHODS.items()]  # each method's default
COLUMNS = {
    "wardrobe": ("overall", "macro", "local"),
    "clothing": ("overall", "sleeve_length", "neck", "leg_length"),
}


def markdown_table(dataset: str, profile: str = "laptop") -> str:
    """One data set's MAP as a Markdown table of the methods that ran on it, mean ± standard deviation over seeds."""
    ledger = results.read_ledger()
    rows = ledger[(ledger.dataset == dataset) & (ledger.profile == profile)]
    keys = list(zip(rows.method, rows.variant, strict=True))
    methods = [key for key in ROWS if key in set(keys)]
    rows = rows[[key in methods for key in keys]]
    if rows.empty:
        raise FashionError(f"the ledger has no rows for {dataset} at the profile {profile}: run them and `keep` them.")
    shown = tables.formatted(tables.summarise(rows), methods)
    columns = [name for name in COLUMNS[dataset] if name in shown]
    lines = [f"| MAP, {dataset} | {' | '.join(name.replace('_', ' ') for name in columns)} |"]
    lines.append("|---|" + "--:|" * len(columns))
    lines += [f"| {method} | {' | '.join(shown.loc[(method, variant), columns])} |" for method, variant in methods]
    seeds = sorted(rows.seed.unique())
    commits = ", ".join(sorted(rows.commit.unique()))
    lines.append(f"\nProfile {profile}, seeds {', '.join(map(str, seeds))}, commit {commits}.")
    return "\n".join(lines)


def with_results(text: str) -> str:
    """The README's text with its results block made anew; FashionError where the markers are missing."""
    if START not in text or END not in text:
        raise FashionError(f"README.md has lost the line {START!r} or {END!r}: put both back around the results.")
    block = "\n\n".join(markdown_table(dataset) for dataset in COLUMNS)
    return re.sub(f"{re.escape(START)}.*?{re.escape(END)}", lambda _: f"{START}\n{block}\n{END}", text, flags=re.DOTALL)


def update() -> None:
    """Rewrite README.md's results block."""
    file = paths.root() / "README.md"
    write_atomically(file, with_results(file.read_text(encoding="utf-8")))
