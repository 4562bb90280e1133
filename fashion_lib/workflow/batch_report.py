"""The report of a batch: what is finished, and what failed or is missing."""

from collections.abc import Sequence
from pathlib import Path

from fashion_lib.core import paths
from fashion_lib.core.words import joined
from fashion_lib.course import report_page
from fashion_lib.workflow.plan import PlannedRun
from fashion_lib.workflow.status import DONE, standing
from fashion_lib.workflow.steps import batch_folder, batch_steps


def write_report(profile: str, runs: Sequence[PlannedRun]) -> Path:
    """Write the report of a profile's planned runs, of those that are finished and those that are not.

    Args:
        profile: name of the profile.
        runs: at least one; the data set of the first one names the folder.

    Returns:
        The path of report.html, which lies in `batch_folder`.
    """
    folder = paths.made(batch_folder(profile, runs[0].dataset))
    steps = [step for step in batch_steps(runs, []) if step.job.kind == "run"]
    found = [one for one in map(standing, steps) if one.state != DONE]
    unfinished = [(one.step.job.runs[0].label, one.state, one.last_line) for one in found]
    title = f"{joined(run.dataset for run in runs)}, profile {profile}"
    return report_page.write(folder, runs, title, unfinished=unfinished, notebooks=folder / "notebooks")
