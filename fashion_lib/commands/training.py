"""Commands that train: one run, the main job and its plan, the start weights."""

import sys
from typing import Annotated

import typer

from fashion_lib.commands.arguments import (
    PROFILE_NAMES,
    Dataset,
    Methods,
    Output,
    Profile,
    Seeds,
    check_clone,
    check_profile,
    whole_seed,
)
from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError


def train(
    method: Annotated[str, typer.Argument(help="a name, or name.variant")],
    dataset: Annotated[str, typer.Option(help="a data set, or a folder's name")] = "wardrobe",
    variant: Annotated[str | None, typer.Option(help="one of the method's")] = None,
    profile: Profile = "laptop",
    seed: Annotated[str, typer.Option(help="a whole number")] = "0",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16")] = "auto",
    gradient_checkpointing: Annotated[
        bool, typer.Option("--gradient-checkpointing", help="less memory, more time, the same result")
    ] = False,
) -> None:
    """Load one run if there is one, else train it, and print its scores.

    On several GPUs: torchrun --nproc-per-node=8 -m fashion_lib train ..., with the same result up to rounding.
    """
    from fashion_lib.runs.run import load_or_train
    from fashion_lib.runs.run_setup import task_of
    from fashion_lib.runs.trace import MAIN_METRIC
    from fashion_lib.training.profiles import as_profile
    from fashion_lib.training.ranks import first, launched

    method, _, named = method.partition(".")  # "asen.v2", as METHODS and the ledger write it
    if named and variant:
        raise FashionError(f"the method names the variant {named}, and --variant {variant}: give it once.")
    variant = variant or named or None
    with launched():
        task = task_of(method)
        settings = as_profile(profile).with_options(precision=precision)
        settings = settings.on_this_machine(gradient_checkpointing=gradient_checkpointing)
        run = load_or_train(method, dataset=dataset, variant=variant, profile=settings, seed=whole_seed(seed))
        metric = MAIN_METRIC[task.name]
        if first():
            made = run.record
            print(f"{made.method} ({made.variant}) seed {made.seed}: {metric} {run.score(metric):.1f}")
            print(run.folder)


def plan(
    context: typer.Context,
    profile: Annotated[
        str | None, typer.Option(help=f"{PROFILE_NAMES} (default: laptop, with --missing table)")
    ] = None,
    methods: Methods = "random,triplet,csn,asen",
    seeds: Seeds = "0,1,2",
    dataset: Dataset = "wardrobe",
    output: Output = None,
    missing: Annotated[bool, typer.Option("--missing", help="what the papers' tables lack, as a table")] = False,
) -> None:
    """Print the training runs that reproduce would do, as JSON, or the runs that the papers' tables lack."""
    from fashion_lib.workflow.plan import as_json, planned_runs, report_folder, training_job

    profile = profile or ("table" if missing else "laptop")
    check_profile(profile)
    if missing:
        for name in ("methods", "seeds", "output"):
            if context.get_parameter_source(name).name == "COMMANDLINE":
                raise FashionError(f"plan --missing lists every run of the papers' tables: leave out --{name}.")
        from fashion_lib.core.markdown import markdown_table
        from fashion_lib.data.sets import check_known
        from fashion_lib.papers.grid import missing_runs, overview
        from fashion_lib.papers.paper_runs import runs_on
        from fashion_lib.training.profiles import as_profile

        check_known(dataset)
        every = runs_on(dataset, as_profile(profile))
        lacking = missing_runs(as_profile(profile), every)
        print(f"{len(lacking)} of {len(every)} runs are missing")
        if lacking:
            print(markdown_table(overview(lacking), index=False))
        return
    output = paths.user_path(output or report_folder(profile, dataset), "--output", follow=False)
    runs = planned_runs(methods, seeds, dataset, profile)
    print(as_json([training_job(run, output) for run in runs]))


def reproduce(
    profile: Profile = "laptop",
    methods: Methods = "random,triplet,csn,asen",
    seeds: Seeds = "0,1,2",
    dataset: Dataset = "wardrobe",
    notebooks: Annotated[str, typer.Option(help="all, or such as 00-07,10")] = "00-07",
    output: Output = None,
    training_only: Annotated[bool, typer.Option("--training-only", help="no course notebooks and no report")] = False,
    force: Annotated[bool, typer.Option("--force", help="delete these runs and train anew")] = False,
    jobs: Annotated[str, typer.Option(help="how many train at once (default: one per core)")] = "",
) -> None:
    """Train, execute the notebooks and write the report."""
    check_clone("reproduce executes the course's notebooks")
    from fashion_lib.workflow import local

    options = {"force": force, "training_only": training_only, "output": output, "jobs": jobs}
    try:
        local.reproduce(profile, methods, seeds, dataset, notebooks, **options)
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on from here.", file=sys.stderr)
        raise SystemExit(130) from None


def tables(
    profile: Profile = "table",
    dataset: Dataset = "wardrobe",
    jobs: Annotated[str, typer.Option(help="how many train at once (default: one per core)")] = "",
    first: Annotated[int | None, typer.Option(min=1, help="only so many of the missing runs")] = None,
) -> None:
    """Train every run that the papers' tables lack; `plan --missing` lists them."""
    check_profile(profile)
    from fashion_lib.workflow.missing_runs import train_missing

    try:
        print(f"{train_missing(profile, jobs, first, dataset)} runs were missing and are there now.")
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on from here.", file=sys.stderr)
        raise SystemExit(130) from None


def start_weights() -> None:
    """Learn the shipped start weights anew (about 20 minutes)."""
    check_clone("start-weights writes into data/weights")
    from fashion_lib.training.start_weights import write_start_weights

    for path in write_start_weights():
        print(path)
