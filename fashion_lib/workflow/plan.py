"""What `make reproduce` has to do, as plain data: which runs are trained, which notebooks are executed.

A job is a few texts and numbers, so that a list of jobs can be written as JSON and read by people. Another process or
another machine can carry it out.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError, shortened
from fashion_lib.core.words import suggestion
from fashion_lib.data.sets import check_known
from fashion_lib.methods.registry import MANIPULATION_METHODS
from fashion_lib.methods.registry import METHODS as KNOWN_METHODS
from fashion_lib.runs.labels import recorded_label
from fashion_lib.runs.record import (
    RECORD_NAME,
    RunRecord,
    of_this_edition,
    read_label,
    run_dir,
    variant_label,
)
from fashion_lib.tasks.manipulation.manipulation_data import SUFFIX
from fashion_lib.training.profiles import PROFILES

TRAINING_NOTEBOOKS = {"retrieval": "05_training.ipynb"}  # task -> the notebook that trains one run of it
METHODS = "random,triplet,csn,asen"
SEEDS = "0,1,2"
NOTEBOOKS = "00-07"  # those that need no other models than METHODS; the later ones train theirs inside
LARGEST_SEED = 2**32 - 1
LARGEST_RANGE = 1_000  # seeds; a longer range is a slip of the keyboard
LARGEST_JOBS = 1024


def folder_name(profile: str, dataset: str) -> str:
    """Return the name of a data set's own folder, so that its files replace those of no other data set."""
    return profile if dataset == "wardrobe" else f"{profile}-{dataset}"


def report_folder(profile: str, dataset: str) -> Path:
    """Return where the executed notebooks and the report of a profile on a data set go."""
    return paths.build_dir() / "reproduce" / folder_name(profile, dataset)


@dataclass(frozen=True)
class PlannedRun:
    """Hold one training run; its fields are exactly the parameters of the training notebook."""

    dataset: str
    method: str
    variant: str
    profile: str
    seed: int

    @property
    def label(self) -> str:
        """Return the run's name in titles and file names."""
        return f"{self.dataset}.{self.method}.{self.variant}.seed{self.seed}"

    @property
    def recorded_dataset(self) -> str:
        """Return the data set's name in records."""
        return self.dataset + (SUFFIX if self.method in MANIPULATION_METHODS else "")

    @property
    def folder(self) -> Path:
        """Return the run's folder, which may not exist yet."""
        return run_dir(self.recorded_dataset, self.profile, self.method, self.variant, self.seed)

    @property
    def record(self) -> Path:
        """Return the file of the run's record, which may not exist yet."""
        return self.folder / RECORD_NAME

    @property
    def finished(self) -> bool:
        """Return whether the run has a record of the present edition of its method."""
        return self.record.is_file() and of_this_edition(RunRecord.load(self.record))


@dataclass(frozen=True)
class Job:
    """Hold one piece of work that a process can do alone.

    A batch has jobs of two more kinds: "data" draws or reads the pixels of `runs`, and "report" writes their page.

    Attributes:
        kind: "training" for the one run in `runs`, in the training notebook where its task has one; "run" for the same
            without a notebook, whatever options its label has; "course" for executing the notebook `source`.
        title: its name on the screen.
        runs: the run to train, or the runs whose records the notebook reads.
        output: the folder of executed notebooks.
        source: the notebook's file, "" for training.
        force: whether to do it again where it is done.
    """

    kind: str
    title: str
    runs: tuple[PlannedRun, ...]
    output: str
    source: str = ""
    force: bool = False


def training_job(run: PlannedRun, output: Path, force: bool = False) -> Job:
    """Return the job that trains and scores one run.

    Args:
        run: what is trained.
        output: folder of the executed notebook.
        force: whether to train anew where the run is finished.
    """
    title = f"training {run.method} ({run.variant}) seed {run.seed}"
    return Job("training", title, (run,), str(output), force=force)


def run_job(run: PlannedRun, output: Path) -> Job:
    """Return the job that trains one run, or re-ranks one ("<method>+fr"), without a notebook.

    Args:
        run: what is trained.
        output: folder of the job's files.
    """
    return Job("run", f"{run.dataset}: {run.method} ({run.variant}) seed {run.seed}", (run,), str(output))


def course_job(source: Path, runs: list[PlannedRun], output: Path, force: bool = False) -> Job:
    """Return the job that executes one notebook of the course.

    Args:
        source: the notebook.
        runs: those whose records it reads.
        output: folder of the executed notebook.
        force: whether to execute it even where the output is complete.
    """
    return Job("course", source.stem, tuple(runs), str(output), str(source), force)


def as_json(jobs: list[Job]) -> str:
    """Write jobs as a JSON list, one object per job."""
    return json.dumps([asdict(job) for job in jobs], indent=1)


def from_json(text: str) -> list[Job]:
    """Read jobs back from the text of `as_json`.

    Raises:
        FashionError: the text has another form.
    """
    try:
        return [_job(**entry) for entry in json.loads(text)]
    except (TypeError, ValueError, RecursionError) as error:
        raise FashionError(
            f"the list of jobs cannot be read ({error}): write it with `python -m fashion_lib plan`."
        ) from error


def _job(runs: list[dict[str, Any]], **settings: Any) -> Job:
    return Job(runs=tuple(PlannedRun(**run) for run in runs), **settings)


def planned_runs(methods: str, seeds: str, dataset: str, profile: str) -> list[PlannedRun]:
    """Return the runs behind METHODS=asen,csn.fixed SEEDS=0-4.

    They are ordered by seed, so that an interrupted job has comparable rows. A method without a label has the
    course's settings. On `wardrobe_darn` and `wardrobe_deepfashion` the papers' tables need others: `train_missing`.

    Args:
        methods: names, "name.variant", or "all" for the default variant of every method. A variant may be any label
            of the records: "asen.v2+channel=False", "csn.learned+learning_rate=0.002".
        seeds: whole numbers and ranges such as 0-4, separated by commas or spaces.
        dataset: name of the data set.
        profile: name of the profile.

    Raises:
        FashionError: a name is unknown, a seed is no whole number of at most 32 bits, or a list is empty.
    """
    check_known(dataset)
    known = KNOWN_METHODS
    names = list(known) if methods.strip() == "all" else listed(methods)
    chosen = []
    for name in names:
        method, _, variant = name.partition(".")
        if method not in known:
            raise FashionError(
                f"METHODS names {shortened(method)}, which is no method: {suggestion(method, [*known, 'all'])}"
            )
        plain, changed = read_label(variant)
        if variant and plain not in known[method].variants:
            raise FashionError(
                f"METHODS asks for {shortened(name)}, a variant that {method} does not have: "
                f"{suggestion(variant, known[method].variants)}"
            )
        label = variant_label(plain or known[method].variants[0], **changed)
        if changed and profile in PROFILES:
            label = recorded_label(method, variant, PROFILES[profile])  # --force deletes the folder of that name
        chosen.append((method, label))
    numbers = [number for text in listed(seeds) for number in _seeds(text)]
    if not chosen or not numbers:
        raise FashionError(
            "METHODS or SEEDS is empty: name at least one, or leave both out for the defaults."
        )
    pairs = dict.fromkeys((seed, *entry) for seed in numbers for entry in chosen)
    return [PlannedRun(dataset, method, variant, profile, seed) for seed, method, variant in pairs]


def course_notebooks(chosen: str = "all") -> list[Path]:
    """Return the files of the chosen notebooks in order, without the training notebook.

    Args:
        chosen: "all", or numbers and ranges such as "00-07,10". A number brings its appendices; "09a" is one of them.

    Raises:
        FashionError: the text has another form, or a number or a range has no notebook.
    """
    numbered = {paths.notebook_number(path): path for path in paths.numbered_notebooks()}
    everything = chosen.strip() == "all"
    wanted = set(numbered) if everything else set()
    for part in [] if everything else listed(chosen):
        if part in numbered and not part.isdigit():  # one appendix alone
            wanted.add(part)
            continue
        first, mark, last = part.partition("-")
        low, high = whole_number(first), whole_number(last if mark else first)
        if low is None or high is None:
            raise FashionError(
                f"NOTEBOOKS holds {shortened(part)}: give 'all', or numbers and ranges such as {NOTEBOOKS},10."
            )
        found = {number for number in numbered if low <= int(number[:2]) <= high}
        if not found:
            known = ", ".join(numbered)
            raise FashionError(f"NOTEBOOKS asks for {shortened(part)}, but there are only {known}.")
        wanted |= found
    chosen = [path for number, path in numbered.items() if number in wanted]
    return [path for path in chosen if path.name not in TRAINING_NOTEBOOKS.values()]


def jobs_at_once(wish: str, cores: int) -> int:
    """Return how many jobs run at once.

    Args:
        wish: JOBS as text; "" means one per core.
        cores: number of cores.

    Raises:
        FashionError: the text is no whole number from 1 to LARGEST_JOBS.
    """
    if not wish.strip():
        return cores
    number = whole_number(wish.strip())
    if number is None or not 1 <= number <= LARGEST_JOBS:
        raise FashionError(
            f"JOBS holds {shortened(wish)}: give a whole number from 1 to {LARGEST_JOBS}, or leave it out for one per"
            " core."
        )
    return number


def whole_number(text: str) -> int | None:
    """Return a whole number of at most eighteen digits, and None for any other text.

    Python refuses to read thousands of digits, and nothing here is as large.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _seeds(text: str) -> range:
    """Return the seeds of "3" or of the range "0-4", both ends included."""
    first, mark, last = text.partition("-")
    low, high = whole_number(first), whole_number(last if mark else first)
    if low is None or high is None or not low <= high <= LARGEST_SEED or high - low >= LARGEST_RANGE:
        raise FashionError(
            f"SEEDS holds {shortened(text)}: give whole numbers up to {LARGEST_SEED}, separated by commas, such as"
            f" {SEEDS}, or a range of at most {LARGEST_RANGE} such as 0-4."
        )
    return range(low, high + 1)


def listed(text: str) -> list[str]:
    """Return the parts of a text that are separated by commas or spaces."""
    return text.replace(",", " ").split()
