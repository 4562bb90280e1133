"""The orders that the three papers claim, one step between two methods per row: as printed, and as our runs show it.

A step of ours is taken seed by seed, see `fashion_lib.show.paired_seeds`. Only its sign can be compared with the
printed one, because data, networks and budgets differ.
"""

import pandas as pd

from fashion_lib.papers import ag_mlan_tables, ipad_tables, yao2026_tables
from fashion_lib.papers.published import comparable, published
from fashion_lib.show import tables
from fashion_lib.show.paired_seeds import Key, step
from fashion_lib.show.seeds import NOT_PRINTED
from fashion_lib.training.profiles import PROFILES, Profile

# "<": the second scores higher; "≤": the second does not score lower.
RETRIEVAL = (
    ("random", "<", "triplet"), ("triplet", "<", "CSN"), ("CSN", "<", "ASEN"),
    ("ASEN", "≤", "AttnFashion"), ("ASEN", "≤", "HAEN"), ("ASEN", "≤", "ISLN"), ("ASEN", "≤", "AG-MLAN"),
    ("ASEN", "<", "ASEN++"), ("ASEN", "<", "RPF"), ("ASEN", "<", "IPAD"), ("RPF", "<", "IPAD"),
)  # fmt: skip
MANIPULATION = (
    ("image only", "<", "AMNet"), ("AMNet", "<", "ADDE-M"), ("ADDE-M", "≤", "Yao et al."),
    ("baseline", "<", "attention"), ("baseline", "<", "W&T loss"),
    ("W&T loss", "<", "both parts"), ("attention", "<", "both parts"),
)  # fmt: skip
MANIPULATION_NAMES = dict(zip(
    ("image only", "AMNet", "ADDE-M", "Yao et al.", "baseline", "attention", "W&T loss", "both parts"),
    (*yao2026_tables.METHOD_ROWS, *yao2026_tables.ABLATION_ROWS), strict=True,
))  # fmt: skip


def retrieval_claims(ledger: pd.DataFrame) -> pd.DataFrame:
    """Return the steps between methods of retrieval, in points of MAP, as text.

    Args:
        ledger: rows of the wardrobe and one profile.

    Returns:
        Index: "CSN < ASEN". Columns: "printed for FashionAI" (see `printed_step`), then one per average of ours, such
        as "+5.8 ± 0.3 (3): higher".
    """
    averages = tables.averages_of(ledger)
    rows = {}
    for name, (low, high) in retrieval_pairs().items():
        ours = [step(ledger, low, high, average).claim() for average in averages]
        rows[name] = [printed_step(low[0], high[0]), *ours]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["printed for FashionAI", *averages])


def manipulation_claims(ledger: pd.DataFrame) -> pd.DataFrame:
    """Return the steps between methods and parts of Yao et al. (tables 3 and 4), as text.

    Args:
        ledger: rows of the wardrobe's manipulation and one profile; at least one.

    Returns:
        Index: "AMNet < ADDE-M". Columns: "printed Top-10", "Top-10" and "NDCG@30" of ours.
    """
    profile = PROFILES[ledger["profile"].iloc[0]]
    printed = published(source="yao2026", metric="top10_acc").drop_duplicates("method").set_index("method")["value"]
    rows = {}
    for (low, sign, high), keys in zip(MANIPULATION, manipulation_pairs(profile).values(), strict=True):
        there = printed[MANIPULATION_NAMES[high].paper] - printed[MANIPULATION_NAMES[low].paper]
        ours = [step(ledger, *keys, metric=name).claim(digits) for name, digits in (("top10_acc", 1), ("ndcg30", 3))]
        rows[f"{low} {sign} {high}"] = [f"{there:+.1f}", *ours]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["printed Top-10", "Top-10", "NDCG@30"])


def retrieval_pairs() -> dict[str, tuple[Key, Key]]:
    """Return "CSN < ASEN" -> the (method, variant) of both, the one that is subtracted first."""
    rows = ipad_tables.labelled(ipad_tables.METHOD_ROWS) | {"AG-MLAN": ag_mlan_tables.METHOD_ROWS["AG-MLAN"]}
    return {f"{low} {sign} {high}": (rows[low], rows[high]) for low, sign, high in RETRIEVAL}


def manipulation_pairs(profile: Profile) -> dict[str, tuple[Key, Key]]:
    """Return "AMNet < ADDE-M" -> the (method, variant) of both at a profile, the one that is subtracted first."""
    rows = {name: (row.method, row.variant(profile)) for name, row in MANIPULATION_NAMES.items()}
    return {f"{low} {sign} {high}": (rows[low], rows[high]) for low, sign, high in MANIPULATION}


def printed_step(lower: str, higher: str, dataset: str = "fashionai") -> str:
    """Return the step between two of our methods in each paper that prints both, as "+10.0 (ag_mlan), +7.5 (ipad)".

    A step is taken inside one paper's table: two papers print different numbers for one method.

    Args:
        lower: our name of the method that is subtracted.
        higher: our name of the other one.
        dataset: the papers' data set.

    Returns:
        Points of overall MAP as printed, the paper in brackets; NOT_PRINTED where no table has both.
    """
    names = {name: name for name in (lower, higher)} | ({"asen_v2": "asen"} if "asen" in (lower, higher) else {})
    found = comparable(names, dataset)
    if "overall" not in found:
        return NOT_PRINTED
    there = found["overall"].unstack("source").reindex([lower, higher])
    steps = (there.loc[higher] - there.loc[lower]).dropna()
    return ", ".join(f"{value:+.1f} ({source})" for source, value in steps.items()) or NOT_PRINTED
