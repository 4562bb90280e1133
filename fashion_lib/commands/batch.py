"""Commands for a batch of runs on a cluster or on many cores: its plan, and where it stands."""

import sys
from typing import Annotated

import typer

from fashion_lib.commands.arguments import (
    Dataset,
    Methods,
    Profile,
    Seeds,
    check_clone,
    check_filter,
    check_profile,
)


def batch_plan(
    profile: Profile = "laptop",
    methods: Methods = "random,triplet,csn,asen",
    seeds: Seeds = "0,1,2",
    dataset: Dataset = "wardrobe",
    notebooks: Annotated[str, typer.Option(help="all, or such as 00-07,10; none leaves them out")] = "00-07",
    jobs: Annotated[
        str, typer.Option(help="how many the engine will start at once, which is checked here")
    ] = "",
) -> None:
    """Write the plan of a batch for Snakemake or SLURM, and print its file."""
    check_clone("batch-plan plans the course's notebooks")
    check_profile(profile)
    from fashion_lib.core import threads
    from fashion_lib.workflow.plan import course_notebooks, jobs_at_once, planned_runs
    from fashion_lib.workflow.steps import batch_steps, write_plan

    jobs_at_once(jobs, threads.cores())
    leaves = [] if notebooks.strip() == "none" else course_notebooks(notebooks)
    steps = batch_steps(planned_runs(methods, seeds, dataset, profile), leaves)
    done = [step.done for step in steps if step.job.kind == "run"]
    print(f"{len(done)} runs, {sum(done)} of them finished; {len(leaves)} notebooks", file=sys.stderr)
    print(write_plan(steps))


def status(
    profile: Profile = "laptop",
    dataset: Dataset = "wardrobe",
    everything: Annotated[bool, typer.Option("--all", help="also each step that is done or waits")] = False,
) -> None:
    """List what is done, running, stopped, failed and waiting of the newest batch."""
    check_profile(profile)
    check_filter(dataset, None)
    from fashion_lib.workflow.status import status_text

    print(status_text(profile, everything, dataset))
