"""The tables of minutes in docs/, written from the notebooks so that the two cannot disagree."""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import write_atomically
from fashion_lib.core.markdown import markdown_table
from fashion_lib.course.effort import (
    CODE_MINUTES,
    LINE_MINUTES,
    LOOK_MINUTES,
    THINK_MINUTES,
    WORDS_PER_MINUTE,
    Effort,
    all_efforts,
)
from fashion_lib.course.syllabus_plans import PLANS, Session

FILES = ("teaching.md", "syllabi.md")


def minutes_table(efforts: Sequence[Effort]) -> str:
    """Return the table of all notebooks as Markdown, with its sums and the rule that it was made by."""
    rows = [
        (f"[{one.name[: one.name.index('_')]} {one.name.partition('_')[2].replace('_', ' ')}]"
         f"(../notebooks/{one.name}.ipynb)", f"{one.words:,}", str(one.code_cells), str(one.looks),
         f"{one.reading:.0f}", str(one.exercises), f"{one.solving:.0f}", _minutes(one.running))
        for one in efforts
    ]  # fmt: skip
    reading, solving = sum(one.reading for one in efforts), sum(one.solving for one in efforts)
    running = sum(one.running or 0 for one in efforts)
    rows.append(("all, in hours", "", "", "", f"{reading / 60:.1f}", str(sum(one.exercises for one in efforts)),
                 f"{solving / 60:.1f}", f"{running / 60:.1f}"))  # fmt: skip
    columns = ["words", "code cells", "figures and formulas", "read", "exercises", "solve", "run"]
    table = pd.DataFrame([row[1:] for row in rows], columns=columns, index=pd.Index([row[0] for row in rows]))
    table.index.name = "notebook, minutes"
    return f"{markdown_table(table)}\n\n{rule()}"


def rule() -> str:
    """Return the rule of the minutes in words."""
    return (
        f"*Read* is {WORDS_PER_MINUTE} words per minute, {60 * CODE_MINUTES:.0f} seconds per code cell and "
        f"{60 * LOOK_MINUTES:.0f} seconds per figure and per displayed formula. *Solve* is {THINK_MINUTES} minutes per "
        f"exercise and {LINE_MINUTES} minute per line of its solution. *Run* is the last execution of the whole "
        "notebook on two cores without a GPU, its models trained before. "
        "A notebook without such an execution has –."
    )


def _minutes(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def plan_table(sessions: Sequence[Session], efforts: Sequence[Effort]) -> str:
    """Return one syllabus as Markdown, with the minutes of the notebooks of each session.

    Args:
        sessions: of a plan of `syllabus_plans.PLANS`.
        efforts: of all notebooks.

    Raises:
        FashionError: a session names a notebook that is not there.
    """
    by_number = {one.name.partition("_")[0]: one for one in efforts}
    rows = {}
    for session in sessions:
        if missing := [number for number in session.notebooks if number not in by_number]:
            raise FashionError(
                f"The session {session.title!r} names notebook {missing[0]}, which is not there: correct it in "
                "syllabus_plans.py."
            )
        own = [by_number[number] for number in session.notebooks]
        sums = (
            sum(one.reading for one in own),
            sum(one.solving for one in own),
            sum(one.running or 0 for one in own),
        )
        counted = [str(round(minutes)) for minutes in sums]
        rows[f"{session.title}: {session.topic}"] = [", ".join(session.notebooks), *counted]
    columns = ["notebooks", "read", "solve", "run"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return markdown_table(table.rename_axis("session, minutes"))


def with_blocks(text: str, blocks: dict[str, str], name: str) -> str:
    """Return a page's text with the block between each pair of marks made anew.

    Args:
        text: of the page.
        blocks: name of a block -> its Markdown. A block that the page has no marks for is left out.
        name: of the file, for the error sentence.

    Raises:
        FashionError: a block begins and does not end.
    """
    for block, made in blocks.items():
        start, end = (
            f"<!-- {block}: written by `python -m fashion_lib teaching` -->",
            f"<!-- end of {block} -->",
        )
        if start in text and end not in text:
            raise FashionError(f"docs/{name} has lost the line {end!r}: put it back under the table.")
        text = re.sub(f"{re.escape(start)}.*?{re.escape(end)}", lambda _, made=made, start=start, end=end:
                      f"{start}\n{made}\n{end}", text, flags=re.DOTALL)  # fmt: skip
    return text


def pages() -> dict[Path, str]:
    """Return each page of docs/ that holds minutes, and the text that it should have now."""
    efforts = all_efforts()
    blocks = {"minutes": minutes_table(efforts)} | {
        name: plan_table(plan, efforts) for name, plan in PLANS.items()
    }
    files = [paths.root() / "docs" / name for name in FILES]
    return {file: with_blocks(file.read_text(encoding="utf-8"), blocks, file.name) for file in files}


def update() -> None:
    """Rewrite the tables of minutes in docs/."""
    for file, text in pages().items():
        write_atomically(file, text)
