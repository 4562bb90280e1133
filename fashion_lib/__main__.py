"""The command line: python -m fashion_lib methods | results | reproduce | notebook | protocol | doctor | ...

Heavy modules are imported by the command that needs them, so that --help answers at once.
"""

import argparse
import os
import sys
from pathlib import Path

from fashion_lib import __version__
from fashion_lib.core.errors import FashionError


def methods(arguments: argparse.Namespace) -> None:
    from fashion_lib.methods.registry import METHODS

    for method in METHODS.values():
        print(f"{method.name:<12} {', '.join(method.variants):<24} {method.reference}")


def print_results(arguments: argparse.Namespace) -> None:
    from fashion_lib.course import report
    from fashion_lib.runs import ledger

    table = ledger.collect(dataset=arguments.dataset, profile=arguments.profile)
    if arguments.csv:
        print(ledger.to_csv(table), end="")
        return
    if table.empty:
        print("No results yet: run `make reproduce`.")
    for (dataset, profile), part in table.groupby(["dataset", "profile"]):
        heading, text = report.overview(part)
        print(f"{dataset}, profile {profile}: {heading}")
        print(text.to_string(), end="\n\n")


def run_reproduce(arguments: argparse.Namespace) -> None:
    from fashion_lib.workflow.local import reproduce

    try:
        reproduce(
            arguments.profile,
            arguments.methods,
            arguments.seeds,
            arguments.dataset,
            arguments.notebooks,
            force=arguments.force,
            training_only=arguments.training_only,
            output=arguments.output,
            jobs=arguments.jobs,
        )
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on from here.", file=sys.stderr)
        raise SystemExit(130) from None


def plan(arguments: argparse.Namespace) -> None:
    from fashion_lib.core import paths
    from fashion_lib.workflow.plan import as_json, planned_runs, training_job

    runs = planned_runs(arguments.methods, arguments.seeds, arguments.dataset, arguments.profile)
    output = arguments.output or paths.build_dir() / "reproduce" / arguments.profile
    print(as_json([training_job(run, output) for run in runs]))


def notebook(arguments: argparse.Namespace) -> None:
    import yaml

    from fashion_lib.course.execute import run_notebook

    # YAML decides the type of a value, as it does in papermill's own parameter files.
    parameters = {name: yaml.safe_load(value) for name, value in arguments.parameter}
    ran = run_notebook(arguments.source, arguments.output, parameters, force=arguments.force)
    print(arguments.output if ran else f"{arguments.output} is already complete: --force executes it again.")


def execute_notebooks(arguments: argparse.Namespace) -> None:
    from fashion_lib.core import paths, provenance
    from fashion_lib.course.execute import execute_committed
    from fashion_lib.course.sources import problems

    chosen = arguments.notebooks or sorted(paths.notebooks_dir().glob("[0-9][0-9]_*.ipynb"))
    for number, path in enumerate(chosen, start=1):
        print(f"[{number}/{len(chosen)}] {path.name}", end=" ", flush=True)
        minutes = execute_committed(path.resolve(), arguments.profile, provenance.commit())
        print(f"{minutes:.1f} minutes, {path.stat().st_size / 1e6:.2f} MB", flush=True)
        for problem in problems(path):
            print(f"    {problem}", flush=True)


def keep(arguments: argparse.Namespace) -> None:
    from fashion_lib.runs import ledger, run_list

    records = ledger.local_records(arguments.dataset, arguments.profile)
    if not records:
        raise FashionError("there is no finished run to keep: run `make reproduce` first.")
    table = ledger.pd.concat([ledger.rows(record) for record in records], ignore_index=True)
    for path in [*ledger.write_ledger(table), run_list.write_runs(records)]:
        print(path)


def triplets(arguments: argparse.Namespace) -> None:
    from fashion_lib.runs.stored import add_missing_triplets, folder_of

    for record in add_missing_triplets(arguments.dataset, arguments.profile):
        answered = record.metrics.get("triplet_accuracy", {}).get("overall")
        print(folder_of(record), "forms no triplet" if answered is None else f"{answered:.1f} %", flush=True)


def manipulation_scores(arguments: argparse.Namespace) -> None:
    from fashion_lib.runs.stored import add_missing_scores, folder_of

    for record in add_missing_scores(arguments.dataset, arguments.profile):
        print(folder_of(record), f"Top-1 {record.metrics['top1_acc']['overall']:.1f} %", flush=True)


def draw_figures(arguments: argparse.Namespace) -> None:
    from fashion_lib.course.readme_figures import write
    from fashion_lib.data.sets import load_dataset
    from fashion_lib.training.profiles import get_profile

    profile = get_profile(arguments.profile)
    for path in write(load_dataset("wardrobe", profile), profile):
        print(path)


def update_readme(arguments: argparse.Namespace) -> None:
    from fashion_lib.course.readme import update

    update()


def start_weights(arguments: argparse.Namespace) -> None:
    from fashion_lib.training.start_weights import write_start_weights

    for path in write_start_weights():
        print(path)


def download(arguments: argparse.Namespace) -> None:
    from fashion_lib.data.fetch import download_clothing

    download_clothing()


def protocol(arguments: argparse.Namespace) -> None:
    from fashion_lib.data.sets import load_dataset
    from fashion_lib.tasks.retrieval.protocol import protocol_card
    from fashion_lib.training.profiles import get_profile

    profile = get_profile(arguments.profile)
    print(protocol_card(load_dataset(arguments.dataset, profile), profile), end="")


def run_doctor(arguments: argparse.Namespace) -> int:
    from fashion_lib.course.doctor import examine

    findings = examine()
    for finding in findings:
        print(finding)
    return 0 if all(finding.good for finding in findings) else 1


def parser() -> argparse.ArgumentParser:
    """Every command with its options; `action` holds the function that carries it out."""
    top = argparse.ArgumentParser(prog="python -m fashion_lib", description="Fine-grained fashion retrieval.")
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(metavar="command", required=True)

    def command(name: str, action, text: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, parents=parents)
        added.set_defaults(action=action)
        return added

    command("methods", methods, "list the methods: name, variants, reference")

    one = command("results", print_results, "show the ledger together with this machine's runs")
    one.add_argument(
        "--csv", action="store_true", help="every row: dataset,method,variant,profile,seed,metric,..."
    )
    one.add_argument("--profile", help="only this profile")
    one.add_argument("--dataset", help="only this data set")

    planned = argparse.ArgumentParser(add_help=False)
    planned.add_argument("--profile", default="laptop", help="smoke, laptop or paper (default: %(default)s)")
    planned.add_argument(
        "--methods", default="random,triplet,csn,asen", help="names, name.variant, or all (%(default)s)"
    )
    planned.add_argument("--seeds", default="0,1,2", help="whole numbers (default: %(default)s)")
    planned.add_argument("--dataset", default="wardrobe", help="default: %(default)s")
    planned.add_argument(
        "--output", type=Path, help="folder of the executed notebooks (build/reproduce/<profile>)"
    )
    command("plan", plan, "print the training runs that reproduce would do, as JSON", planned)

    one = command("reproduce", run_reproduce, "train, execute the notebooks and write the report", planned)
    one.add_argument("--notebooks", default="00-07", help="all, or such as 00-07,10 (default: %(default)s)")
    one.add_argument("--training-only", action="store_true", help="no course notebooks and no report")
    one.add_argument("--force", action="store_true", help="delete these runs and train anew")
    one.add_argument("--jobs", default="", help="how many train at once (default: one per core)")

    one = command("notebook", notebook, "execute one notebook with parameters")
    one.add_argument("source", type=Path)
    one.add_argument("output", type=Path)
    one.add_argument("-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    one.add_argument("--force", action="store_true", help="execute it even if the output is complete")

    one = command(
        "execute-notebooks", execute_notebooks, "execute the committed notebooks in place and stamp them"
    )
    one.add_argument("notebooks", nargs="*", type=Path, help="default: every numbered notebook, in order")
    one.add_argument("--profile", default="laptop", help="default: %(default)s")

    one = command("keep", keep, "copy this machine's finished runs into the committed ledger, data/results/")
    one.add_argument("--profile", help="only this profile")
    one.add_argument("--dataset", help="only this data set")

    one = command("triplets", triplets, "measure triplet prediction for finished runs whose records lack it")
    one.add_argument("--profile", help="only this profile")
    one.add_argument("--dataset", help="only this data set")

    one = command("manipulation-scores", manipulation_scores, "measure what records of manipulation runs lack")
    one.add_argument("--profile", help="only this profile")
    one.add_argument("--dataset", help="only this data set")

    one = command("figures", draw_figures, "draw the README's pictures into figures/")
    one.add_argument("--profile", default="laptop", help="default: %(default)s")

    command("start-weights", start_weights, "learn the shipped start weights anew (about 20 minutes)")
    command("readme", update_readme, "rewrite the README's results table from the committed ledger")

    one = command("download", download, "fetch a data set of real photographs")
    one.add_argument("dataset", choices=["clothing"])

    one = command("protocol", protocol, "print the protocol card of a data set")
    one.add_argument("dataset")
    one.add_argument("--profile", default="laptop", help="default: %(default)s")

    command("doctor", run_doctor, "check this installation and say what to do")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; 0 if all went well, 2 after a FashionError (its sentence goes to stderr), 130 after Ctrl-C."""
    from fashion_lib.core.paths import absolute_settings

    chosen = parser().parse_args(arguments)
    os.environ.update(absolute_settings())
    try:
        status = chosen.action(chosen) or 0
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


if __name__ == "__main__":
    sys.exit(main())
