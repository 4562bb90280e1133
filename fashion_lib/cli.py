"""The command line: python -m fashion_lib methods | results | trace | reproduce | notebook | protocol | doctor | ...

Heavy modules are imported by the command that needs them, so that --help answers at once.
"""

import os
import sys
import tempfile
import traceback
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from fashion_lib import __version__, checkpoint_commands
from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.words import suggestion

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)  # fmt: skip

Profile = Annotated[str, typer.Option(help="smoke, laptop or paper")]
OnlyProfile = Annotated[str | None, typer.Option("--profile", help="only this profile", show_default=False)]
OnlyDataset = Annotated[str | None, typer.Option("--dataset", help="only this data set", show_default=False)]
Dataset = Annotated[str, typer.Option(help="of the runs")]
Methods = Annotated[str, typer.Option(help="names, name.variant, or all")]
Seeds = Annotated[str, typer.Option(help="whole numbers")]
Output = Annotated[Path | None, typer.Option(help="folder of the executed notebooks (build/reproduce/<profile>)")]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit()


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Fine-grained fashion retrieval."""


@app.command()
def methods() -> None:
    """List the methods: name, variants, reference."""
    from fashion_lib.methods.registry import METHODS

    for method in METHODS.values():
        print(f"{method.name:<12} {', '.join(method.variants):<24} {method.reference}")


@app.command()
def results(
    csv: Annotated[
        bool, typer.Option("--csv", help="every row: dataset,method,variant,profile,seed,metric,...")
    ] = False,
    profile: OnlyProfile = None,
    dataset: OnlyDataset = None,
) -> None:
    """Show the ledger together with this machine's runs."""
    _check_filter(dataset, profile)
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


@app.command()
def trace(
    method: Annotated[str, typer.Argument(help="its name in the results, or name.variant")],
    attribute: Annotated[str, typer.Argument(help="an attribute, or overall, macro, local")] = "overall",
    metric: Annotated[str | None, typer.Option(help="such as map or recall@1")] = None,
    variant: Annotated[str | None, typer.Option(help="its name in the results")] = None,
    dataset: Dataset = "wardrobe",
    profile: Profile = "laptop",
) -> None:
    """Walk a number of the README back to ledger rows, seeds, commit and settings."""
    from fashion_lib.runs.trace import trace as traced

    print(traced(method, attribute, metric=metric, variant=variant, dataset=dataset, profile=profile))


@app.command()
def train(
    method: str,
    dataset: Annotated[str, typer.Option(help="a data set, or a folder's name")] = "wardrobe",
    variant: Annotated[str | None, typer.Option(help="one of the method's")] = None,
    profile: Profile = "laptop",
    seed: Annotated[str, typer.Option(help="a whole number")] = "0",
) -> None:
    """Load one run if there is one, else train it, and print its scores."""
    from fashion_lib.runs.run import load_or_train, task_of
    from fashion_lib.runs.trace import MAIN_METRIC

    task = task_of(method)
    run = load_or_train(method, dataset=dataset, variant=variant, profile=profile, seed=_seed(seed))
    metric = MAIN_METRIC[task.name]
    print(f"{run.record.method} ({run.record.variant}) seed {run.record.seed}: {metric} {run.score(metric):.1f}")
    print(run.folder)


@app.command()
def plan(
    profile: Profile = "laptop",
    methods: Methods = "random,triplet,csn,asen",
    seeds: Seeds = "0,1,2",
    dataset: Dataset = "wardrobe",
    output: Output = None,
) -> None:
    """Print the training runs that reproduce would do, as JSON."""
    from fashion_lib.workflow.plan import as_json, planned_runs, training_job

    _check_profile(profile)
    runs = planned_runs(methods, seeds, dataset, profile)
    print(as_json([training_job(run, output or paths.build_dir() / "reproduce" / profile) for run in runs]))


@app.command()
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
    _needs_clone("reproduce executes the course's notebooks")
    from fashion_lib.workflow import local

    options = {"force": force, "training_only": training_only, "output": output, "jobs": jobs}
    try:
        local.reproduce(profile, methods, seeds, dataset, notebooks, **options)
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on from here.", file=sys.stderr)
        raise SystemExit(130) from None


@app.command()
def notebook(
    source: Path,
    output: Path,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", metavar="NAME VALUE", help="may be repeated")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="execute it even if the output is complete")] = False,
) -> None:
    """Execute one notebook with parameters."""
    from fashion_lib.course.execute import run_notebook

    parameters = dict(_parameter(text) for text in parameter or [])
    ran = run_notebook(source, output, parameters, force=force)
    print(output if ran else f"{output} is already complete: --force executes it again.")


@app.command("execute-notebooks")
def execute_notebooks(
    notebooks: Annotated[list[Path] | None, typer.Argument(help="default: every numbered notebook, in order")] = None,
    profile: Profile = "laptop",
) -> None:
    """Execute the committed notebooks in place and stamp them."""
    _check_profile(profile)
    from fashion_lib.core import provenance
    from fashion_lib.course.execute import execute_committed
    from fashion_lib.course.sources import problems

    chosen = notebooks or sorted(paths.notebooks_dir().glob("[0-9][0-9]_*.ipynb"))
    for number, path in enumerate(chosen, start=1):
        print(f"[{number}/{len(chosen)}] {path.name}", end=" ", flush=True)
        minutes = execute_committed(path.resolve(), profile, provenance.commit())
        print(f"{minutes:.1f} minutes, {path.stat().st_size / 1e6:.2f} MB", flush=True)
        for problem in problems(path):
            print(f"    {problem}", flush=True)


@app.command()
def keep(profile: OnlyProfile = None, dataset: OnlyDataset = None) -> None:
    """Copy this machine's finished runs into the committed ledger, data/results/."""
    _needs_clone("keep writes into the committed ledger")
    _check_filter(dataset, profile)
    from fashion_lib.runs import ledger, run_list

    records = ledger.local_records(dataset, profile)
    if not records:
        raise FashionError("there is no finished run to keep: run `make reproduce` first.")
    table = ledger.pd.concat([ledger.rows(record) for record in records], ignore_index=True)
    for path in [*ledger.write_ledger(table), run_list.write_runs(records)]:
        print(path)


@app.command()
def triplets(profile: OnlyProfile = None, dataset: OnlyDataset = None) -> None:
    """Measure triplet prediction for finished runs whose records lack it."""
    _check_filter(dataset, profile)
    from fashion_lib.runs.stored import add_missing_triplets, folder_of

    for record in add_missing_triplets(dataset, profile):
        answered = record.metrics.get("triplet_accuracy", {}).get("overall")
        print(folder_of(record), "forms no triplet" if answered is None else f"{answered:.1f} %", flush=True)


@app.command("manipulation-scores")
def manipulation_scores(profile: OnlyProfile = None, dataset: OnlyDataset = None) -> None:
    """Measure what records of manipulation runs lack."""
    _check_filter(dataset, profile)
    from fashion_lib.runs.stored import add_missing_scores, folder_of

    for record in add_missing_scores(dataset, profile):
        print(folder_of(record), f"Top-1 {record.metrics['top1_acc']['overall']:.1f} %", flush=True)


@app.command()
def figures(profile: Profile = "laptop") -> None:
    """Draw the README's pictures into figures/."""
    _needs_clone("figures draws the README's pictures")
    from fashion_lib.course.readme_figures import write
    from fashion_lib.data.sets import load_dataset
    from fashion_lib.training.profiles import get_profile

    settings = get_profile(profile)
    for path in write(load_dataset("wardrobe", settings), settings):
        print(path)


@app.command("start-weights")
def start_weights() -> None:
    """Learn the shipped start weights anew (about 20 minutes)."""
    _needs_clone("start-weights writes into data/weights")
    from fashion_lib.training.start_weights import write_start_weights

    for path in write_start_weights():
        print(path)


@app.command()
def readme() -> None:
    """Rewrite the README's results table from the committed ledger."""
    _needs_clone("readme rewrites README.md")
    from fashion_lib.course.readme import update

    update()


@app.command()
def download(dataset: Annotated[str, typer.Argument(help="clothing")]) -> None:
    """Fetch a data set of real photographs."""
    if dataset != "clothing":
        raise FashionError(f"there is no data set {dataset!r} to download: {suggestion(dataset, ('clothing',))}")
    from fashion_lib.data.fetch import download_clothing

    download_clothing()


@app.command()
def protocol(dataset: str, profile: Profile = "laptop") -> None:
    """Print the protocol card of a data set."""
    from fashion_lib.data.sets import load_dataset
    from fashion_lib.tasks.retrieval.protocol import protocol_card
    from fashion_lib.training.profiles import get_profile

    settings = get_profile(profile)
    print(protocol_card(load_dataset(dataset, settings), settings), end="")


@app.command()
def doctor() -> None:
    """Check this installation and say what to do."""
    from fashion_lib.course.doctor import examine

    findings = examine()
    for finding in findings:
        print(finding)
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


app.command("import-checkpoint")(checkpoint_commands.import_checkpoint)
app.command("export-checkpoint")(checkpoint_commands.export_checkpoint)


def _needs_clone(what: str) -> None:
    if paths.installed():
        raise FashionError(f"{what}, which an installed package does not have: run it in a clone of the repository.")


def _check_profile(profile: str) -> None:
    from fashion_lib.training.profiles import PROFILES

    if profile not in PROFILES:
        raise FashionError(f"there is no profile {profile!r}: {suggestion(profile, tuple(PROFILES))}")


def _check_filter(dataset: str | None, profile: str | None) -> None:
    """FashionError for a profile that does not exist, and for a data set without a name and without any run."""
    if profile is not None:
        _check_profile(profile)
    if dataset is None:
        return
    from fashion_lib.data import sets

    names = [name + suffix for name in sets.known_names() for suffix in ("", sets.DERIVED)]
    # What was run once keeps its name, also when its folder has been forgotten.
    for folder in (Path(paths.runs_dir()), Path(paths.ledger_dir())):
        names += [path.name.partition(".")[0] for path in folder.iterdir()] if folder.is_dir() else []
    if dataset not in names:
        raise FashionError(f"there is no data set {dataset!r}: {suggestion(dataset, sorted(set(names)))}")


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 2**32):
        shown = text if len(text) <= 20 else f"{text[:20]}..."
        raise FashionError(f"the seed is {shown!r}: give one whole number from 0 to {2**32 - 1}.")
    return int(text)


def _parameter(text: str) -> tuple[str, object]:
    """Name and value of one -p. YAML decides the value's type, as it does in papermill's own parameter files."""
    import yaml

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise FashionError(f"the parameter {text!r} has no value: write -p NAME VALUE.")
    try:
        return name, yaml.safe_load(value)
    except Exception as error:  # beside YAMLError whatever the constructor of a date or number raises
        reason = " ".join(str(getattr(error, "problem", None) or error).split())
        raise FashionError(
            f"the value of the parameter {name!r} is not YAML ({reason}): put quotation marks around a text, as in"
            f" -p {name} '\"text\"'."
        ) from None


def _joined(arguments: list[str]) -> list[str]:
    """-p NAME VALUE as -p NAME=VALUE: typer takes one word per option that may be repeated."""
    done, rest = [], list(arguments)
    while rest:
        done.append(rest.pop(0))
        if done[-1] in ("-p", "--parameter") and len(rest) > 1 and "=" not in rest[0]:
            name = rest.pop(0)
            done.append(f"{name}={rest.pop(0)}")
    return done


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after the program's name; None is the process's own.

    Returns:
        0 if all went well; 2 after a FashionError or wrong usage, whose sentence goes to stderr; 130 after Ctrl-C; 1
        after an error inside the library, whose traceback goes into a file, and after findings of the doctor.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without ± shows ?, and the command goes on
    try:
        # Kernels and jobs start in other folders, where a relative path would be another one.
        os.environ.update(paths.absolute_settings())
        status = _run(arguments)
        sys.stdout.flush()
        return status
    except FashionError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough; Python would complain again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        reason = reason if len(reason) <= 200 else reason[:200] + "..."
        log = _log(arguments)
        print(f"error: the library has a fault ({reason}): the traceback is in {log}.", file=sys.stderr)
        return 1


def _run(arguments: list[str]) -> int:
    command = typer.main.get_command(app)
    name = arguments[0] if arguments and not arguments[0].startswith("-") else None
    if name is not None and name not in command.commands:
        raise FashionError(f"there is no command {name!r}: {suggestion(name, tuple(command.commands))}")
    if name == "notebook":
        arguments = _joined(arguments)
    program = "fashion" if Path(sys.argv[0]).stem == "fashion" else "python -m fashion_lib"
    try:
        # Not command.main, which turns Ctrl-C and a closed pipe into exit codes of its own.
        with command.make_context(program, arguments) as context:
            command.invoke(context)
        return 0
    except typer.Exit as stopped:
        return stopped.exit_code
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's errors of usage have it, whichever click they are of
            raise
        where = getattr(getattr(error, "ctx", None), "command_path", program)
        raise FashionError(f"{error.format_message().rstrip('.')}: `{where} --help` says what there is.") from None


def _log(arguments: list[str]) -> Path:
    """Write the traceback of the error at hand into a file of its own, in build/ or else in the temporary folder."""
    text = f"fashion_lib {__version__}, arguments {arguments!r}\n\n{traceback.format_exc()}"
    name = f"error-{datetime.now():%Y%m%d-%H%M%S}-"
    try:
        folder = paths.build_dir()
        folder.mkdir(parents=True, exist_ok=True)
    except (FashionError, OSError):
        folder = None
    try:
        handle, file = tempfile.mkstemp(".log", name, folder)
    except OSError:
        handle, file = tempfile.mkstemp(".log", name)
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as log:
        log.write(text)
    return Path(file)


def script() -> None:
    """Run the command line as an installed program, `fashion`."""
    sys.exit(main())
