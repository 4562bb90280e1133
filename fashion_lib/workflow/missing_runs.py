"""Train every run that the papers' tables lack on a data set: `make tables`."""

from fashion_lib.core import paths, threads
from fashion_lib.core.errors import FashionError
from fashion_lib.data.sets import REAL, check_known, locate
from fashion_lib.papers.grid import WantedRun, missing_runs
from fashion_lib.papers.paper_runs import runs_on
from fashion_lib.runs.record import RERANKED
from fashion_lib.training.profiles import as_profile
from fashion_lib.workflow.local import carry_out
from fashion_lib.workflow.plan import PlannedRun, jobs_at_once, run_job


def train_missing(
    profile: str = "table", jobs: str = "", first: int | None = None, dataset: str = "wardrobe"
) -> int:
    """Train the missing runs of the papers' tables, those that decide most first; finished ones are kept.

    Args:
        profile: name of the profile; FASHION_PROFILE overrides it.
        jobs: how many runs train at once, as text; "" means one per core.
        first: how many runs of the list are trained; None is all.
        dataset: name of the data set; "wardrobe" trains those of its other label tables, too.

    Returns:
        The number of runs that were missing and are there now.

    Raises:
        FashionError: a setting is wrong, the data set is not here, or a run failed. The others are trained all the
            same, but then nothing is re-ranked. Or a run has a record that stands in no table.
    """
    at_once, settings = jobs_at_once(jobs, threads.cores()), as_profile(profile)
    check_known(dataset)
    runs = missing_runs(settings, runs_on(dataset, settings))[:first]
    if dataset in REAL and runs:
        locate(dataset)  # one sentence where it is not here, and not one per run
    output = paths.build_dir() / "tables" / settings.name
    planned = {run: _planned(run, settings.name) for run in runs}
    # A reranked run needs its base, so it waits for the phase after it.
    phases = [[run for run in runs if run.method.endswith(RERANKED) is later] for later in (False, True)]
    carry_out([[run_job(planned[run], output) for run in phase] for phase in phases], at_once)
    if left := missing_runs(settings, runs):
        raise FashionError(
            f"{len(left)} of these runs are finished, but of other data or of another edition of their method, so they "
            f"stand in no table: delete {planned[left[0]].folder}{' and so on' * (len(left) > 1)} to train them anew."
        )
    return len(runs)


def _planned(run: WantedRun, profile: str) -> PlannedRun:
    return PlannedRun(run.dataset, run.method, run.label, profile, run.seed)
