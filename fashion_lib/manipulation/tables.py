"""Tables 1 to 4 of Yao et al. 2026: which run stands beside which printed row, and both in one table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from fashion_lib import tables
from fashion_lib.errors import FashionError
from fashion_lib.manipulation.methods import MANIPULATION_METHODS
from fashion_lib.manipulation.runs import PERCENT, ManipulationRun, load_or_train_manipulation
from fashion_lib.profiles import Profile
from fashion_lib.results import variant_label


@dataclass(frozen=True)
class Row:
    """A printed row (the method's name in data/published_results.csv) and our run: options of the model, and settings
    in which the profile is changed for it.
    """

    paper: str
    method: str
    options: Mapping[str, object] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def variant(self) -> str:
        return variant_label(MANIPULATION_METHODS[self.method].variants[0], **self.settings, **self.options)


PLAIN = {"attention": False, "loss": "plain"}
BACKBONE_ROWS = tuple(
    Row(f"{name}+afd", "yao2026", PLAIN, {"backbone": name, "start": "imagenet"})
    for name in ("alexnet", "vgg16", "resnet34", "resnet50")
)
# Tables 2 and 3 are the same four runs on the profile's own backbone, whatever the paper's names say.
ABLATION_ROWS = (
    Row("resnet50+afd", "yao2026", PLAIN),
    Row("resnet50+afd+attention", "yao2026", {"loss": "plain"}),
    Row("resnet50+afd+wt_loss", "yao2026", {"attention": False}),
    Row("resnet50+afd+attention+wt_loss", "yao2026"),
)
METHOD_ROWS = tuple(Row(name, name) for name in MANIPULATION_METHODS)
RETRIEVAL_METRICS = ("top10_acc", "top20_acc", "top30_acc", "top50_acc", "ndcg30")
TABLES: dict[str, tuple[tuple[Row, ...], tuple[str, ...]]] = {
    "1": (BACKBONE_ROWS, ("accuracy",)),
    "2": (ABLATION_ROWS, ("accuracy",)),
    "3": (ABLATION_ROWS, RETRIEVAL_METRICS),
    "4": (METHOD_ROWS, RETRIEVAL_METRICS),
}


def table_rows(number: str) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """The rows and metrics of a table; FashionError for a number that the paper does not have."""
    if number not in TABLES:
        raise FashionError(f"Yao et al. 2026 has no table {number!r}: choose one of {', '.join(TABLES)}.")
    return TABLES[number]


def beside_paper(number: str, results: pd.DataFrame) -> pd.DataFrame:
    """One of the paper's tables with ours beside it: rows as printed, columns (metric, "paper" | "ours"), text.

    results: ledger rows of one data set and profile (fashion_lib.results.collect). Ours is mean ± standard deviation
    over seeds on our data, so levels never compare, only orders; "not run" where there is no run. The paper's NDCG
    stands beside ndcg30.
    """
    rows, metrics = table_rows(number)
    printed = tables.published(source="yao2026", table=number)
    printed = printed.pivot_table(index="method", columns="metric", values="value")
    columns = {}
    for metric in metrics:
        digits = 1 if metric in PERCENT else 3
        columns[metric, "paper"] = [f"{printed.loc[row.paper, metric]:.{digits}f}" for row in rows]
        columns[metric, "ours"] = [_ours(results, row, metric, digits) for row in rows]
    return pd.DataFrame(columns, index=pd.Index([row.paper for row in rows], name="method"))


def _ours(results: pd.DataFrame, row: Row, metric: str, digits: int) -> str:
    chosen = results[
        (results["method"] == row.method)
        & (results["variant"] == row.variant)
        & (results["attribute"] == "overall")
        & (results["metric"] == metric)
    ]
    if chosen.empty:
        return tables.NOT_RUN
    return str(tables.formatted(tables.summarise(chosen, metric), digits=digits)["overall"].iloc[0])


def run_rows(
    number: str, *, profile: Profile, seeds: Sequence[int] = (0, 1, 2), data=None, progress: bool = True
) -> list[ManipulationRun]:
    """Load or train every run of a table, seed by seed. data: what `profile` loads, to save loading it again."""
    rows, _ = table_rows(number)
    return [
        load_or_train_manipulation(
            row.method,
            profile=profile.with_options(**row.settings),
            seed=seed,
            options=row.options,
            data=data,
            progress=progress,
        )
        for seed in seeds
        for row in rows
    ]
