"""The main job, `make reproduce`: train every method and seed, execute the course on the results, write a report.

Each step is an executed notebook, but for runs of attribute manipulation, which are trained here. A finished step is
kept, so an interrupted job goes on where it stopped.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.words import suggestion
from fashion_lib.course import parameters as notebook_parameters
from fashion_lib.course import report, sources
from fashion_lib.course.execute import library_digest, run_notebook
from fashion_lib.methods.registry import MANIPULATION_METHODS
from fashion_lib.methods.registry import METHODS as KNOWN_METHODS
from fashion_lib.runs.labels import checked_label
from fashion_lib.runs.record import RECORD_NAME, delete_run, read_label, run_dir, variant_label
from fashion_lib.runs.stored import labelled_run
from fashion_lib.tasks.manipulation.manipulation_data import SUFFIX
from fashion_lib.training.profiles import PROFILES, Profile

TRAINING_NOTEBOOK = "05_training.ipynb"
METHODS = "random,triplet,csn,asen"
SEEDS = "0,1,2"
NOTEBOOKS = "00-07"  # those that need no other models than METHODS; the later ones train theirs inside


@dataclass(frozen=True)
class PlannedRun:
    """One training run; its fields are the exact parameters that a notebook is given."""

    dataset: str
    method: str
    variant: str
    profile: str
    seed: int

    @property
    def label(self) -> str:
        return f"{self.dataset}.{self.method}.{self.variant}.seed{self.seed}"

    @property
    def recorded_dataset(self) -> str:
        """The data set's name in records."""
        return self.dataset + (SUFFIX if self.method in MANIPULATION_METHODS else "")

    @property
    def folder(self) -> Path:
        return run_dir(self.recorded_dataset, self.profile, self.method, self.variant, self.seed)

    @property
    def record(self) -> Path:
        return self.folder / RECORD_NAME


@dataclass(frozen=True)
class Step:
    """One line of the job. `work` returns False when its output was already complete."""

    kind: str
    title: str
    work: Callable[[], bool]


def planned_runs(methods: str, seeds: str, dataset: str, profile: str) -> list[PlannedRun]:
    """The runs behind METHODS=asen,csn.fixed SEEDS=0,1, seed by seed so that an interrupted job has comparable rows.

    methods: names, "name.variant", or "all" for the default variant of every method. A variant of a manipulation method
    may be any name that records give one: "yao2026.default+attention=False". Raises FashionError for an unknown name, a
    seed that is no whole number, and an empty list.
    """
    known = KNOWN_METHODS
    names = list(known) if methods.strip() == "all" else _listed(methods)
    chosen = []
    for name in names:
        method, _, variant = name.partition(".")
        if method not in known:
            raise FashionError(
                f"METHODS names {method!r}, which is no method: {suggestion(method, [*known, 'all'])}"
            )
        plain, changed = variant, {}
        if method in MANIPULATION_METHODS:
            plain, changed = read_label(variant)
        if variant and plain not in known[method].variants:
            raise FashionError(
                f"METHODS asks for {name!r}, a variant that {method} does not have: "
                f"{suggestion(variant, known[method].variants)}"
            )
        label = variant_label(plain or known[method].variants[0], **changed)
        if changed and profile in PROFILES:
            checked_label(method, label, PROFILES[profile])  # --force deletes the folder of that name
        chosen.append((method, label))
    numbers = _listed(seeds)
    if bad := [seed for seed in numbers if not (seed.isascii() and seed.isdigit())]:
        raise FashionError(
            f"SEEDS holds {bad[0]!r}: give whole numbers separated by commas, such as {SEEDS}."
        )
    if not chosen or not numbers:
        raise FashionError(
            "METHODS or SEEDS is empty: name at least one, or leave both out for the defaults."
        )
    pairs = dict.fromkeys((int(seed), *entry) for seed in numbers for entry in chosen)
    return [PlannedRun(dataset, method, variant, profile, seed) for seed, method, variant in pairs]


def reproduce(
    profile: str = "laptop",
    methods: str = METHODS,
    seeds: str = SEEDS,
    dataset: str = "wardrobe",
    notebooks: str = NOTEBOOKS,
    *,
    force: bool = False,
    training_only: bool = False,
    output: Path | None = None,
) -> Path | None:
    """Runs the whole job and prints its progress, the final table and where the report is; returns the report's path.

    notebooks: which of the course are executed, see course_notebooks.
    force: deletes these runs and trains anew. training_only: no course notebooks and no report (None is returned).
    output: the folder for executed notebooks, build/reproduce/<profile> by default. FashionError as in the steps.
    """
    if profile not in PROFILES:
        raise FashionError(
            f"PROFILE names {profile!r}, which is no profile: {suggestion(profile, list(PROFILES))}"
        )
    from fashion_lib.data.sets import load_dataset

    started = time.monotonic()
    runs, chosen = planned_runs(methods, seeds, dataset, profile), course_notebooks(notebooks)
    output = paths.made(Path(output or paths.build_dir() / "reproduce" / profile).resolve())
    load_dataset(dataset, PROFILES[profile])  # draws the pixel cache once, with its own progress bar
    steps = [_training_step(run, PROFILES[profile], output, force) for run in runs]
    if not training_only:
        steps += [_course_step(notebook, runs, output, force) for notebook in chosen]
    _execute(steps)
    minutes = (time.monotonic() - started) / 60
    table = report.final_table(runs)
    print(f"\nProfile {profile}\n\n{table}\n")
    if training_only:
        return None
    page = report.write(output, table, f"{dataset}, profile {profile}", minutes)
    print(f"The report is {page}, after {minutes:.1f} minutes.")
    return page


def course_notebooks(chosen: str = "all") -> list[Path]:
    """The numbered notebooks but the training one, in order: "all", or numbers and ranges such as "00-07,10".

    FashionError for what is neither, and for a number or a range without a notebook.
    """
    numbered = {int(path.name[:2]): path for path in sorted(paths.notebooks_dir().glob("[0-9][0-9]_*.ipynb"))}
    everything = chosen.strip() == "all"
    wanted = set(numbered) if everything else set()
    for part in [] if everything else _listed(chosen):
        first, _, last = part.partition("-")
        if not (first.isdecimal() and (last or first).isdecimal()):
            raise FashionError(f"NOTEBOOKS holds {part!r}: give 'all', or numbers and ranges such as {NOTEBOOKS},10.")
        found = set(range(int(first), int(last or first) + 1)) & set(numbered)
        if not found:
            known = ", ".join(f"{number:02d}" for number in numbered)
            raise FashionError(f"NOTEBOOKS asks for {part!r}, but there are only {known}.")
        wanted |= found
    return [path for number, path in numbered.items() if number in wanted and path.name != TRAINING_NOTEBOOK]


def _training_step(run: PlannedRun, profile: Profile, output: Path, force: bool) -> Step:
    if run.method in MANIPULATION_METHODS:
        return _manipulation_step(run, profile, force)
    source = paths.notebooks_dir() / TRAINING_NOTEBOOK
    executed = output / f"{source.stem}.{run.label}.ipynb"

    def work() -> bool:
        if force:
            delete_run(run.folder)
        again = force or not run.record.is_file()
        return run_notebook(
            source,
            executed,
            asdict(run),
            profile=run.profile,
            inputs=repr(profile),
            force=again,
            progress="stderr",
        )

    return Step("training", f"training {run.method} ({run.variant}) seed {run.seed}", work)


def _manipulation_step(run: PlannedRun, profile: Profile, force: bool) -> Step:
    def work() -> bool:
        if force:
            delete_run(run.folder)
        if run.record.is_file():
            return False
        labelled_run(run.method, run.variant, dataset=run.dataset, profile=profile, seed=run.seed)
        return True

    return Step("manipulation", f"training {run.method} ({run.variant}) seed {run.seed}", work)


def _course_step(source: Path, runs: list[PlannedRun], output: Path, force: bool) -> Step:
    def work() -> bool:
        known = notebook_parameters.declared(sources.read(source), source.name)
        wanted = {"profile": runs[0].profile, "dataset": runs[0].dataset}
        parameters = {name: value for name, value in wanted.items() if name in known}
        inputs = library_digest() + _digest_of([run.record for run in runs])
        return run_notebook(
            source, output / source.name, parameters, profile=runs[0].profile, inputs=inputs, force=force
        )

    return Step("course", source.stem, work)


def _execute(steps: list[Step]) -> None:
    """Runs the steps in order, each announced with the time used and an estimate of what is left."""
    started = time.monotonic()
    spent: dict[str, list[float]] = {}
    for number, step in enumerate(steps, start=1):
        now = time.monotonic()
        clock = _clock(now - started, steps[number - 1 :], spent)
        print(f"[{number}/{len(steps)}] {step.title} ({clock})", flush=True)
        if step.work():
            spent.setdefault(step.kind, []).append(time.monotonic() - now)
        else:
            print("    already done", flush=True)


def _clock(elapsed: float, left: list[Step], spent: dict[str, list[float]]) -> str:
    """Time used so far, and left if the remaining steps take as long as the executed ones of their kind did."""
    known = [seconds for times in spent.values() for seconds in times]
    if not known:
        return f"{spoken(elapsed)} so far"
    mean = {kind: sum(times) / len(times) for kind, times in spent.items()}
    expected = sum(mean.get(step.kind, sum(known) / len(known)) for step in left)
    return f"{spoken(elapsed)} so far, about {spoken(expected)} to go"


def spoken(seconds: float) -> str:
    """A duration as a person says it: 40 s, 12 min, 1 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def _listed(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _digest_of(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes() if file.is_file() else b"absent")
    return digest.hexdigest()
