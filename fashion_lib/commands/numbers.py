"""Commands for results: the methods, the ledger, a number's origin, and what records lack."""

from typing import Annotated

import typer

from fashion_lib.commands.arguments import (
    Dataset,
    OnlyDataset,
    OnlyProfile,
    Profile,
    check_clone,
    check_filter,
)
from fashion_lib.core.errors import FashionError


def methods() -> None:
    """List the methods: name, variants, reference."""
    from fashion_lib.methods.registry import METHODS

    for method in METHODS.values():
        print(f"{method.name:<12} {', '.join(method.variants):<24} {method.reference}")


def results(
    csv: Annotated[
        bool, typer.Option("--csv", help="every row: dataset,method,variant,profile,seed,metric,...")
    ] = False,
    profile: OnlyProfile = None,
    dataset: OnlyDataset = None,
) -> None:
    """Show the ledger together with this machine's runs."""
    check_filter(dataset, profile)
    from fashion_lib.course import report
    from fashion_lib.runs import ledger

    table = ledger.collect(dataset=dataset, profile=profile)
    if csv:
        print(ledger.to_csv(table), end="")
        return
    if table.empty:
        print("No results yet: run `make reproduce`.")
    for (named, size), part in table.groupby(["dataset", "profile"]):
        heading, text = report.overview(part)
        print(f"{named}, profile {size}: {heading}")
        print(text.to_string(), end="\n\n")


def trace(
    method: Annotated[str, typer.Argument(help="its name in the results, or name.variant")],
    attribute: Annotated[str, typer.Argument(help="an attribute or average; of map_at_beta a beta")] = "overall",
    metric: Annotated[str | None, typer.Option(help="such as map or recall@1")] = None,
    variant: Annotated[str | None, typer.Option(help="its name in the results")] = None,
    dataset: Dataset = "wardrobe",
    profile: Profile = "laptop",
) -> None:
    """Walk a number of the README back to ledger rows, seeds, commit and settings."""
    from fashion_lib.runs.trace import trace as traced

    print(traced(method, attribute, metric=metric, variant=variant, dataset=dataset, profile=profile))


def keep(profile: OnlyProfile = None, dataset: OnlyDataset = None) -> None:
    """Copy this machine's finished runs into the committed ledger, data/results/."""
    check_clone("keep writes into the committed ledger")
    check_filter(dataset, profile)
    from fashion_lib.runs import ledger, run_list

    records = ledger.local_records(dataset, profile)
    if not records:
        raise FashionError("there is no finished run to keep: run `make reproduce` first.")
    table = ledger.pd.concat([ledger.rows(record) for record in records], ignore_index=True)
    for path in [*ledger.write_ledger(table), run_list.write_runs(records)]:
        print(path)


def retrieval_scores(profile: OnlyProfile = None, dataset: OnlyDataset = None) -> None:
    """Measure what records of retrieval runs lack: triplet prediction, and scores for every beta."""
    check_filter(dataset, profile)
    from fashion_lib.runs.stored import add_missing_retrieval_scores, folder_of

    for record in add_missing_retrieval_scores(dataset, profile):
        answered = record.metrics.get("triplet_accuracy", {}).get("overall")
        beta = record.metrics.get("chosen_beta", {}).get("overall")
        told = "forms no triplet" if answered is None else f"{answered:.1f} %"
        print(folder_of(record), told if beta is None else f"{told}, beta {beta}", flush=True)


def manipulation_scores(profile: OnlyProfile = None, dataset: OnlyDataset = None) -> None:
    """Measure what records of manipulation runs lack."""
    check_filter(dataset, profile)
    from fashion_lib.runs.stored import add_missing_scores, folder_of

    for record in add_missing_scores(dataset, profile):
        print(folder_of(record), f"Top-1 {record.metrics['top1_acc']['overall']:.1f} %", flush=True)


def paper_costs(
    write: Annotated[bool, typer.Option("--write", help="write the page data/paper_costs.md anew")] = False,
) -> None:
    """Show the settings of profile paper and what the papers' tables cost."""
    from fashion_lib.course import paper_page

    if not write:
        print(paper_page.page(), end="")
        return
    check_clone("paper-costs writes a page of the repository")
    print(paper_page.update())
