"""The report of a batch: what is finished, and what failed or is missing."""

from collections.abc import Sequence
from pathlib import Path

from fashion_lib.core import paths
from fashion_lib.workflow.plan import PlannedRun
from fashion_lib.workflow.steps import batch_folder


def write_report(profile: str, runs: Sequence[PlannedRun]) -> Path:
    page = paths.made(batch_folder(profile)) / "report.html"
    page.write_text("todo")
    return page
