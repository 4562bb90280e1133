"""Tables 1 to 4 of Yao et al. 2026: the run for each printed row, and both in one table."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import MANIPULATION_METHODS
from fashion_lib.papers.published import published
from fashion_lib.runs.record import variant_label
from fashion_lib.runs.run_setup import departures
from fashion_lib.show import tables
from fashion_lib.show.seeds import NOT_PRINTED
from fashion_lib.show.tables import as_text, by_metric
from fashion_lib.tasks.manipulation.manipulation_metrics import PERCENT, RETRIEVAL_METRICS
from fashion_lib.training.profiles import PROFILES, Profile


@dataclass(frozen=True)
class Row:
    """A printed row and our run.

    Attributes:
        paper: the method's name in data/published_results.csv, or our own name for a row that the paper
            lacks.
        method: our name of the method.
        options: options of the model.
        settings: settings of the profile that this row changes.
    """

    paper: str
    method: str
    options: Mapping[str, object] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)

    def variant(self, profile: Profile) -> str:
        """Return the variant's name in records of that profile."""
        variant = MANIPULATION_METHODS[self.method].variants[0]
        changed = departures(profile.with_options(**self.settings), self.method, variant)
        return variant_label(variant, **changed, **self.options)


PLAIN = {"attention": False, "loss": "plain"}
BACKBONE_ROWS = tuple(
    Row(f"{name}+afd", "yao2026", PLAIN, {"backbone": name, "start": "imagenet"})
    for name in ("alexnet", "vgg16", "resnet34", "resnet50")
)
# These rows run without a download. They use the profile's own backbone, as in all other tables, and two
# backbones that start from random weights. So these two differ in architecture alone.
OWN_BACKBONE_ROWS = (
    Row("profile's backbone+afd", "yao2026", PLAIN),
    Row("profile's backbone+afd, random start", "yao2026", PLAIN, {"start": "random"}),
    Row("alexnet+afd, random start", "yao2026", PLAIN, {"backbone": "alexnet", "start": "random"}),
)
# Tables 2 and 3 are the same four runs on the profile's own backbone, whatever the paper's names say.
ABLATION_ROWS = (
    Row("resnet50+afd", "yao2026", PLAIN),
    Row("resnet50+afd+attention", "yao2026", {"loss": "plain"}),
    Row("resnet50+afd+wt_loss", "yao2026", {"attention": False}),
    Row("resnet50+afd+attention+wt_loss", "yao2026"),
)
# Each half of the W&T loss alone, which the paper does not print.
HALF_ROWS = (
    Row("weighted cross-entropy alone", "yao2026", {"attention": False, "loss": "weighted"}),
    Row("triplet losses alone", "yao2026", {"attention": False, "loss": "triplet"}),
)
METHOD_ROWS = tuple(Row(name, name) for name in MANIPULATION_METHODS)
# The paper's accuracy is that of the features, before the memory exists. We compare it with two of ours: the
# accuracy at that moment, and that of the weights that retrieve best. The latter were trained further
# together with the memory.
PRINTED_AS = {"accuracy_stage1": "accuracy"}
TABLES: dict[str, tuple[tuple[Row, ...], tuple[str, ...]]] = {
    "1": ((*BACKBONE_ROWS, *OWN_BACKBONE_ROWS), ("accuracy_stage1", "accuracy")),
    "2": (ABLATION_ROWS, ("accuracy_stage1", "accuracy")),
    "3": (ABLATION_ROWS, RETRIEVAL_METRICS),
    "4": (METHOD_ROWS, RETRIEVAL_METRICS),
}


def table_rows(number: str) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Return the rows and metrics of a table.

    Raises:
        FashionError: if the paper has no table of that number.
    """
    if number not in TABLES:
        raise FashionError(f"Yao et al. 2026 has no table {number!r}: choose one of {', '.join(TABLES)}.")
    return TABLES[number]


def beside_paper(number: str, results: pd.DataFrame) -> pd.DataFrame:
    """Return one of the paper's tables with ours beside it, as text.

    Ours is mean ± standard deviation over seeds on our data. So only orders compare, never levels. A cell is
    "not run" where there is no run, and "not printed" in our own rows. The paper's NDCG is placed beside
    ndcg30.

    Args:
        number: "1" to "4".
        results: as in by_metric.

    Returns:
        Rows as printed, columns (metric, "paper" or "ours").

    Raises:
        FashionError: if the paper has no table of that number.
    """
    rows, metrics = table_rows(number)
    profile = PROFILES[results["profile"].iloc[0]] if len(results) else PROFILES["laptop"]
    printed = published(source="yao2026", table=number)
    printed = printed.pivot_table(index="method", columns="metric", values="value")
    ours = as_text(by_metric(results, metrics), [(row.method, row.variant(profile)) for row in rows])
    columns = {}
    for metric in metrics:
        digits = 1 if metric in PERCENT else 3
        theirs = printed[PRINTED_AS.get(metric, metric)].map(f"{{:.{digits}f}}".format)
        theirs = theirs.reindex([row.paper for row in rows])
        columns[metric, "paper"] = theirs.fillna(NOT_PRINTED).to_list()
        columns[metric, "ours"] = ours[metric].to_list() if metric in ours else [tables.NOT_RUN] * len(rows)
    return pd.DataFrame(columns, index=pd.Index([row.paper for row in rows], name="method"))
