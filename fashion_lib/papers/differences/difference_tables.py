"""The differences as tables that one reads: all systems or one, with their effects from the ledger."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from pandas.io.formats.style import Styler

from fashion_lib.core.errors import FashionError
from fashion_lib.core.words import suggestion
from fashion_lib.papers.differences import (
    ag_mlan_rows,
    embedding_rows,
    ipad_rows,
    manipulation_rows,
    region_and_patch_rows,
    shared_rows,
)
from fashion_lib.papers.differences.difference import Difference, effect
from fashion_lib.runs import ledger
from fashion_lib.show.tables import NOT_RUN, averages_of
from fashion_lib.tasks.manipulation.manipulation_data import SUFFIX


@dataclass(frozen=True)
class System:
    """A group of rows.

    Attributes:
        title: its heading.
        methods: our methods; the first takes the options of rows that name no other.
        manipulation: whether its effects are measured in attribute manipulation.
    """

    title: str
    methods: tuple[str, ...] = ()
    manipulation: bool = False


SYSTEMS = {
    "all": System("all systems"),
    "csn": System("CSN", ("csn",)),
    "asen": System("ASEN", ("asen",)),
    "family": System("AttnFashion, HAEN, ISLN", ("attnfashion", "haen", "isln")),
    "asen_pp": System("ASEN++", ("asen_pp",)),
    "rpf": System("RPF", ("rpf",)),
    "ag_mlan": System("AG-MLAN", ("ag_mlan",)),
    "ipad": System("IPAD", ("ipad",)),
    "adde_m": System("ADDE-M", ("adde_m",), manipulation=True),
    "yao2026": System("Yao et al., CBAM, AMNet", ("yao2026", "amnet"), manipulation=True),
}
ROWS: tuple[Difference, ...] = (
    *shared_rows.ROWS,
    *embedding_rows.ROWS,
    *region_and_patch_rows.ROWS,
    *ag_mlan_rows.ROWS,
    *ipad_rows.ROWS,
    *manipulation_rows.ROWS,
)
GLOSSARY = pd.Series(
    {
        "paper": "the printed text. ASEN's, ASEN++'s, RPF's and ADDE's was not at hand: their rows say so",
        "code": "the authors' public repository as it was in November 2026; \"none public\" where there is none",
        "here": "what the library computes; a span in brackets is the option that goes the other way",
        "the profile's": "a setting that a profile (`smoke`, `laptop`, `table`, `paper`) fixes for all methods alike",
        "default": "the value of an option that nobody names: for a variant, the first one",
        "reading": "our choice where a text is open, or cannot be computed as printed",
        "changes results?": "no, or what it changes: the model's function, its training, or its evaluation",
        "measured effect": "the other way minus ours, on the drawn wardrobe: the mean over the seeds that "
        "both have, with the spread of these differences, and \"higher\" or \"lower\" where the 95 % interval of this "
        "mean does not hold 0, else \"no order\"; a profile's name: that profile's runs, for want of others; "
        "\"not run\": an option without runs; "
        "\"not measured\": no option, or nothing that our data could tell apart",
    },
    name="means",
)
SHOWN_PROFILES = ("table", "laptop")  # the benchmark first; `laptop` has some rows that it lacks
CUTOFF = "top10_acc"  # Top-K accuracy that stands for manipulation


def rows(system: str | None = None) -> list[Difference]:
    """Return the differences of one system, a key of SYSTEMS, in order; None returns all.

    Raises:
        FashionError: for an unknown system; the sentence names the nearest one.
    """
    if system is not None and system not in SYSTEMS:
        raise FashionError(f"page 11 has no system {system!r}: {suggestion(str(system), tuple(SYSTEMS))}")
    return [row for row in ROWS if system in (None, row.system)]


def table(
    system: str | None = None, dataset: str = "wardrobe", profiles: Sequence[str] = SHOWN_PROFILES
) -> Styler:
    """Return the differences of one system, or of all, with the effect of the other way.

    Effects are in points: of overall MAP, or of Top-10 accuracy for systems of attribute manipulation.

    Args:
        system: a key of SYSTEMS; None is all of them.
        dataset: our data set of retrieval; its sister data set serves manipulation.
        profiles: names of ours. An effect is of the first one with runs of both ways, and names any but the first.

    Returns:
        The table, left-aligned, with its code spans. `.data` is the table of plain text.

    Raises:
        FashionError: for an unknown system.
    """
    chosen = rows(system)
    values = {False: _values(dataset, profiles), True: _values(dataset + SUFFIX, profiles)}
    lines = [
        {
            "system": SYSTEMS[row.system].title,
            "paper": row.paper,
            "code": row.code,
            "here": f"{row.here} ({row.other_way})" if row.other_way else row.here,
            "changes results?": "no" if row.changes == "nothing" else f"yes: {row.changes}",
            "measured effect": _effect(row, values[SYSTEMS[row.system].manipulation]),
        }
        for row in chosen
    ]
    page = pd.DataFrame(lines)
    return as_page(page if system is None else page.drop(columns="system"))


def measured(
    systems: Sequence[str] | None = None, dataset: str = "wardrobe", profiles: Sequence[str] = SHOWN_PROFILES
) -> pd.DataFrame:
    """Return the retrieval rows whose effect is measured, with both averages of MAP that `averages_of` names.

    Args:
        systems: keys of SYSTEMS; None is all systems of retrieval.
        dataset: our data set.
        profiles: see `table`.

    Returns:
        Columns "system", "the other way", "overall", and "macro" or "local"; effects in points.
    """
    systems = [name for name, one in SYSTEMS.items() if not one.manipulation] if systems is None else systems
    values = _values(dataset, profiles)
    averages = averages_of(next(iter(values.values())))
    lines = [
        [SYSTEMS[row.system].title, row.other_way or row.paper, *(_effect(row, values, name) for name in averages)]
        for name in systems
        for row in rows(name)
        if row.ours is not None
    ]
    return pd.DataFrame(lines, columns=["system", "the other way", *averages])


def glossary() -> Styler:
    """Return the words of the tables with their meanings."""
    return as_page(GLOSSARY.rename_axis("word").reset_index())


def as_page(page: pd.DataFrame) -> Styler:
    """Return a table of text as HTML: left-aligned, without row numbers, what stands in backticks as code."""
    left = [("text-align", "left"), ("vertical-align", "top")]
    whole = [name for name in ("changes results?", "measured effect") if name in page]
    style = page.style.format(code_spans).hide(axis="index").set_properties(subset=whole, **{"white-space": "nowrap"})
    return style.set_table_styles([{"selector": "th, td", "props": left}])


def code_spans(text: str) -> str:
    """Return a text as HTML, with what stands in backticks as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text, quote=False))


def _values(dataset: str, profiles: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return the ledger's rows of each profile."""
    return {profile: ledger.collect(dataset, profile) for profile in profiles}


def _effect(row: Difference, values: Mapping[str, pd.DataFrame], average: str = "overall") -> str:
    """Return the effect at the first profile that has runs of both ways."""
    metric = CUTOFF if SYSTEMS[row.system].manipulation else "map"
    first = next(iter(values))
    for profile, results in values.items():
        text = effect(row, results, average, metric)
        if text != NOT_RUN:
            return text if profile == first else f"{text}, {profile}"
    return NOT_RUN
