"""The README's results table, written from the committed ledger so that the two cannot disagree."""

import math
import re
from collections.abc import Callable

import pandas as pd

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import write_atomically
from fashion_lib.core.markdown import markdown_table as as_markdown
from fashion_lib.core.words import joined
from fashion_lib.methods.registry import METHODS, RETRIEVAL_METHODS
from fashion_lib.papers import ipad_tables
from fashion_lib.papers.claimed_orders import (
    manipulation_claims,
    manipulation_pairs,
    retrieval_claims,
    retrieval_pairs,
)
from fashion_lib.papers.counterparts import shared_label
from fashion_lib.papers.more_steps import dearer_and_lower, more_steps
from fashion_lib.papers.trials import CHOSEN, learning_rates, own_rate_steps
from fashion_lib.papers.yao2026_tables import ABLATION_ROWS, METHOD_ROWS
from fashion_lib.runs import ledger as results
from fashion_lib.runs.record import base_method, read_label
from fashion_lib.runs.run_list import computed, mixed_pairs, queries_of, trained_only
from fashion_lib.show import tables
from fashion_lib.show.paired_seeds import paired_difference, step
from fashion_lib.show.tables import as_text, by_metric, with_spread
from fashion_lib.tasks.manipulation.manipulation_data import SUFFIX
from fashion_lib.training.profiles import PROFILES, differing_in_steps

START, END = "<!-- results: written by `python -m fashion_lib readme` -->", "<!-- end of results -->"
# Each method's default, and of IPAD the readings that the course's tables show.
ROWS = [(name, method.variants[0]) for name, method in RETRIEVAL_METHODS.items() if name != "ipad"] + [
    (row.method, row.label) for name, row in ipad_tables.METHOD_ROWS.items() if name.startswith("IPAD")
]
COLUMNS = {  # None: the averages that say different things
    "wardrobe": None,
    "wardrobe_darn": None,
    "wardrobe_deepfashion": None,
    "clothing": ("overall", "sleeve_length", "neck", "leg_length"),
}
PROFILE = "table"  # of the papers' tables
TWO_PROCESSORS = "†"  # marks a claim with pairs of runs from two processors
CLAIMS = {  # data set -> title, the function that returns the steps, and that of the rows behind them
    "wardrobe": ("MAP, wardrobe", retrieval_claims, lambda _: retrieval_pairs()),
    "wardrobe" + SUFFIX: ("attribute manipulation, wardrobe", manipulation_claims, manipulation_pairs),
}
SCORES = {"map": "overall MAP", "top10_acc": "Top-10 of attribute manipulation"}
SHORT = {"map": "overall MAP", "top10_acc": "Top-10"}  # the scores of the claims
TESTED = ("higher", "lower", "no order")  # verdicts of a test; the others say why there is none
BEST = "accuracy when it retrieves best"  # not that of stage 1, which table 2 of Yao et al. has
MANIPULATION = {"accuracy": BEST, "top1_acc": "Top-1", "top10_acc": "Top-10", "ndcg30": "NDCG@30"}


def markdown_table(dataset: str, profile: str = PROFILE) -> str | None:
    """Return one data set's MAP in percent as a Markdown table: mean ± standard deviation, and the number of seeds.

    The wardrobe's table has all methods, "not run" where there is no run; another table has those with runs.

    Args:
        dataset: a name of COLUMNS.
        profile: name of the profile.

    Returns:
        The table, or None where the ledger has none of its rows with a trained method.
    """
    ledger = results.committed_rows()
    rows = ledger[(ledger.dataset == dataset) & (ledger.profile == profile)]
    keys = list(zip(rows.method, rows.variant, strict=True))
    wanted = [(method, shared_label(dataset, method, variant)) for method, variant in ROWS]
    methods = [key for key in wanted if key in set(keys)]
    if not any(METHODS[base_method(name)].trainable for name, _ in methods):
        return None
    rows = rows[[key in methods for key in keys]]
    methods = ROWS if dataset == "wardrobe" else methods
    shown = tables.formatted(tables.summarise(rows), methods)
    columns = [name for name in COLUMNS[dataset] or tables.averages_of(rows) if name in shown]
    shown = shown[columns].rename(columns=lambda name: name.replace("_", " "))
    shown["seeds"] = rows.groupby(["method", "variant"]).seed.nunique().reindex(shown.index).fillna(0).astype(int)
    used, of = ipad_tables.reranking_used(rows, dataset)
    made = _made(rows, profile)
    if of:
        made += f" In IPAD+FR, feature reasoning is used in {used} of {of} seed{'s' * (of != 1)}."
        made += " Without it, the row is IPAD itself." * (used < of)
    return _by_method(shown, f"MAP, {dataset}") + "\n" + made


def _by_method(shown: pd.DataFrame, title: str) -> str:
    """Return a table by (method, variant) as Markdown, with the title above the methods."""
    names = pd.Index([_named(*key) for key in shown.index], name=title)
    return as_markdown(shown.set_axis(names))


def _named(method: str, variant: str) -> str:
    """Return a method's name and, in brackets, what its variant changes: "ipad (gate image)"."""
    plain, changed = read_label(variant)
    known = METHODS[base_method(method)]
    changes = [plain] if plain != known.variants[0] else []
    changes += [f"{name} {value}" for name, value in changed.items()]
    return f"{method} ({', '.join(changes)})" if changes else method


def _made(rows: pd.DataFrame, profile: str) -> str:
    seeds = ", ".join(map(str, sorted(rows.seed.unique())))
    made = results.read_runs().set_index(results.RUN)
    trained = trained_only(rows)
    keys = pd.MultiIndex.from_frame(trained[results.RUN].drop_duplicates())
    made = made.reindex(keys).reset_index()
    commits = ", ".join(sorted(rows.commit.unique()))
    told = ", ".join(filter(None, [queries_of(made), computed(made)]))
    return f"\nProfile {profile}, seeds {seeds}, commit {commits}." + f" {told[:1].upper()}{told[1:]}." * bool(told)


def manipulation_table(dataset: str = "wardrobe", profile: str = PROFILE) -> str | None:
    """Return attribute manipulation as a Markdown table, or None without any run.

    Its rows are those of table 4 of Yao et al., then the other rows of table 3. Rows without a run are left out.

    Args:
        dataset: name of the data set whose pictures the task takes.
        profile: name of the profile.
    """
    ledger = results.committed_rows()
    rows = ledger[(ledger.dataset == dataset + SUFFIX) & (ledger.profile == profile)]
    named = {(row.method, row.variant(PROFILES[profile])): row for row in (*METHOD_ROWS, *ABLATION_ROWS[::-1])}
    have = list(zip(rows.method, rows.variant, strict=True))
    rows = rows[[key in named for key in have]]
    if rows.empty:
        return None
    shown = as_text(by_metric(rows, MANIPULATION), [key for key in named if key in have])
    shown = shown.rename(columns=MANIPULATION)
    shown["seeds"] = rows.groupby(["method", "variant"]).seed.nunique().reindex(shown.index)
    return _by_method(shown, f"attribute manipulation, {dataset}") + "\n" + _made(rows, profile)


def claims_table(profile: str = PROFILE) -> str | None:
    """Return the papers' claimed orders beside our runs as two Markdown tables, or None without any run."""
    ledger = results.committed_rows()
    made = []
    for dataset, (title, claims, pairs) in CLAIMS.items():
        rows = ledger[(ledger.dataset == dataset) & (ledger.profile == profile)]
        if not rows.empty:
            shown = claims(rows)
            mixed = _two_processors(dataset, profile, pairs(PROFILES[profile]))
            names = [f"{name} {TWO_PROCESSORS}" if mixed[name] else name for name in shown.index]
            metric = "top10_acc" if dataset.endswith(SUFFIX) else "map"
            told = (f"Profile {profile}.", _tests(shown), _told_of(mixed))
            made += [as_markdown(shown.set_axis(names).rename_axis(title)), " ".join(filter(None, told))]
            made += _after_other_steps(dataset, profile, pairs, metric)
            made += _with_own_rates(rows, profile, pairs(PROFILES[profile]), metric)
    return "\n\n".join(made) or None


def _tests(shown: pd.DataFrame) -> str:
    """Say how many verdicts a table of claims has, because each is a test of its own."""
    orders = sum(text.endswith(tuple(f": {verdict}" for verdict in TESTED)) for text in shown.to_numpy().ravel())
    if not orders:
        return ""
    return (
        f"Each of the {orders} verdicts is a test of its own at the 95 % level. Without any true difference, "
        f"{0.05 * orders:.1f} of them would still be \"higher\" or \"lower\" on average."
    )


def _after_other_steps(dataset: str, profile: str, pairs: Callable, metric: str) -> list[str]:
    """Return a Markdown table of the verdicts that differ at each profile with other steps and the same settings."""
    ledger, found = results.committed_rows(), []
    rows = {name: ledger[(ledger.dataset == dataset) & (ledger.profile == name)] for name in PROFILES}
    for other in differing_in_steps(PROFILES[profile]):
        here, there = (
            {claim: step(rows[name], *keys, metric=metric) for claim, keys in pairs(PROFILES[name]).items()}
            for name in (profile, other)
        )
        both = [claim for claim in here if here[claim].verdict in TESTED and there[claim].verdict in TESTED]
        differing = [claim for claim in both if there[claim].verdict != here[claim].verdict]
        if differing:
            title = f"{len(differing)} of {len(both)} verdicts differ by budget, {SHORT[metric]}"
            columns = {f"profile {name}": [steps[claim].claim() for claim in differing]
                       for name, steps in ((other, there), (profile, here))}  # fmt: skip
            found.append(as_markdown(pd.DataFrame(columns, index=differing).rename_axis(title)))
    return found


def _with_own_rates(rows: pd.DataFrame, profile: str, pairs: dict, metric: str) -> list[str]:
    """Return a Markdown table of the steps in which a method prefers another learning rate than the shared one."""
    steps = own_rate_steps(rows, profile, pairs, metric)
    title = f"steps with a method that prefers another learning rate, {SHORT[metric]}"
    return [as_markdown(steps.rename_axis(title))] if len(steps) else []


def _two_processors(dataset: str, profile: str, pairs: dict) -> dict[str, int]:
    """Return the number of pairs of runs that are of two processors, one entry per row of the claims."""
    made = results.read_runs()
    return mixed_pairs(made[(made["dataset"] == dataset) & (made["profile"] == profile)], pairs)


def _told_of(mixed: dict[str, int]) -> str:
    """Explain the mark of rows with runs of two processors; "" where there is none."""
    if not any(mixed.values()):
        return ""
    return (
        f"{TWO_PROCESSORS}: pairs of runs that were trained on two processors: {sum(mixed.values())}. "
        "That alone may move a mean by a point, so do not believe such a verdict before its pairs are of one processor."
    )


def budget_table(dataset: str = "wardrobe", profile: str = PROFILE, metric: str = "map") -> str | None:
    """Return what more training steps bring each method as a Markdown table, or None where no run has several.

    The first column is the mean over the seeds with several numbers of steps, and the number of these seeds. Each
    further one is the difference to the first column, over the seeds that have both.

    Args:
        dataset: name of the data set in records.
        profile: name of a profile; those that differ from it in the number of steps alone are compared with it.
        metric: one of SCORES.
    """
    ledger = results.committed_rows()
    found = more_steps(ledger[ledger.dataset == dataset], profile, metric=metric)
    if found.empty:
        return None
    counts = [name.removesuffix(" steps") for name in found]
    rows = {}
    for key, runs in found.groupby(level=["method", "variant"], sort=False):
        by_seed = runs.droplevel(["method", "variant"])
        fewest = by_seed[found.columns[0]]
        seeds = f" ({fewest.count()})" if fewest.count() else ""
        gains = [paired_difference(by_seed[more], fewest).text() for more in found.columns[1:]]
        rows[key] = [with_spread(fewest.mean(), fewest.std()) + seeds, *gains]
    columns = [found.columns[0], *(f"{counts[0]} → {more}" for more in counts[1:])]
    shown = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return _by_method(shown, f"{SCORES[metric]}, {dataset.removesuffix(SUFFIX)}, by training steps")


def cost_table(dataset: str = "wardrobe", profile: str = PROFILE) -> str | None:
    """Return a Markdown table of rows that cost more than another row with more steps, and yet score lower.

    None where there is none.
    """
    ledger, made = results.committed_rows(), results.read_runs()
    rows, made = (table[(table["dataset"] == dataset) & (table["profile"] == profile)] for table in (ledger, made))
    found = dearer_and_lower(rows, made, profile, ROWS)
    if found.empty:
        return None
    shown = pd.DataFrame({
        "image passes": [f"{passes:,.0f}" for passes in found["passes"]],
        "overall MAP": found["score"].map("{:.1f}".format),
        "costs more, scores lower": [_named(*row) for row in found[["dearer", "its variant"]].to_numpy()],
        "its passes": [f"{passes:,.0f}" for passes in found["its passes"]],
        "its MAP": found["its score"].map("{:.1f}".format),
    })  # fmt: skip
    named = [_named(*row) for row in found[["method", "variant"]].to_numpy()]
    return as_markdown(shown.set_axis(named).rename_axis("equal steps are not equal cost: with more steps, seed 0"))


def rates_table(dataset: str = "wardrobe", profile: str = PROFILE, metric: str = "map") -> str | None:
    """Return what the learning rate that validation prefers brings each method, as a Markdown table.

    None where no run exists with several rates.

    Args:
        dataset: name of the data set in records.
        profile: name of a profile; its rate is the one that all rows of the other tables share.
        metric: one of SCORES.
    """
    ledger = results.committed_rows()
    found = learning_rates(ledger[(ledger.dataset == dataset) & (ledger.profile == profile)], profile, metric)
    if found.empty:
        return None
    seeds = joined(found.index.get_level_values("seed"))
    shown = found.droplevel("seed").map(lambda value: value if isinstance(value, str) else with_spread(value, math.nan))
    shown = shown.rename(columns=lambda name: f"validation, {name}" if name not in CHOSEN else name)
    return _by_method(shown, f"{SCORES[metric]}, {dataset.removesuffix(SUFFIX)}, by learning rate, seed {seeds}")


def second_look_table(dataset: str = "wardrobe", profile: str = PROFILE) -> str | None:
    """Return how far each method with two branches lies above ASEN on every attribute, as a Markdown table.

    None where no step has a run of both.
    """
    ledger = results.committed_rows()
    rows = ledger[(ledger.dataset == dataset) & (ledger.profile == profile)]
    steps = ipad_tables.gains_by_attribute(rows, dataset)
    if not any(gap.seeds for found in steps.values() for gap in found.values()):
        return None
    claims = {f"{name} − ASEN": {k: gap.claim() for k, gap in found.items()} for name, found in steps.items()}
    shown = pd.DataFrame(claims).rename_axis(f"MAP by attribute, {dataset}")
    return as_markdown(shown) + f"\n\nProfile {profile}. {_tests(shown)}".rstrip()


def with_results(text: str) -> str:
    """Return the README's text with its results block made anew.

    Raises:
        FashionError: the markers around the block are missing.
    """
    if START not in text or END not in text:
        raise FashionError(f"README.md has lost the line {START!r} or {END!r}: put both back around the results.")
    first, *others = map(markdown_table, COLUMNS)
    made = [claims_table(), first, second_look_table(), budget_table(), cost_table(), rates_table(), *others]
    manipulation = {"dataset": "wardrobe" + SUFFIX, "metric": "top10_acc"}
    made += [manipulation_table(), budget_table(**manipulation), rates_table(**manipulation)]
    block = "\n\n".join(filter(None, made))
    return re.sub(f"{re.escape(START)}.*?{re.escape(END)}", lambda _: f"{START}\n{block}\n{END}", text, flags=re.DOTALL)


def update() -> None:
    """Rewrite README.md's results block."""
    file = paths.root() / "README.md"
    write_atomically(file, with_results(file.read_text(encoding="utf-8")))
