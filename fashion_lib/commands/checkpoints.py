"""Commands for the checkpoints that the authors of a system released: reading theirs, writing ours as theirs."""

from pathlib import Path
from typing import Annotated

import typer

from fashion_lib.commands.arguments import Profile, whole_seed


def import_checkpoint(
    method: Annotated[str, typer.Argument(help="asen, csn, ag_mlan, asen_pp, rpf, ipad or adde_m")],
    files: Annotated[list[Path], typer.Argument(help="the authors' file; of adde_m also the memory's")],
    dataset: Annotated[str, typer.Option(help="what it was trained on, or the name of your own folder")] = "fashionai",
    name: Annotated[str | None, typer.Option(help="of the run (default: the file's)")] = None,
    variant: Annotated[str | None, typer.Option(help="default: the one whose names the file has")] = None,
    profile: Annotated[str | None, typer.Option(help="default: the papers' sizes")] = None,
) -> None:
    """Read a checkpoint that the authors of a system released into a run folder."""
    from fashion_lib.runs.released_run import load_released

    run = load_released(method, files, dataset=dataset, name=name, variant=variant, profile=profile)
    record = run.record
    print(f"{record.method} ({record.variant}), {record.parameters:,} parameters: {record.start}")
    if run.data is None:
        print(f"not evaluated: {dataset} has no pictures here")
    elif "map" in record.metrics:
        print(f"map {run.score('map'):.1f}")
    print(run.folder)


def export_checkpoint(
    method: Annotated[str, typer.Argument(help="asen, csn, ag_mlan, asen_pp, rpf, ipad or adde_m")],
    file: Annotated[Path, typer.Argument(help="a new file that ends in .pth")],
    dataset: Annotated[str, typer.Option(help="of the run")] = "wardrobe",
    variant: Annotated[
        str | None, typer.Option(help="the run's variant in the results (default: the method's own, else code)")
    ] = None,
    profile: Profile = "laptop",
    seed: Annotated[str, typer.Option(help="a whole number")] = "0",
) -> None:
    """Write a finished run under the tensor names of the authors' own checkpoints."""
    from fashion_lib.methods.registry import METHODS
    from fashion_lib.methods.released.released_systems import table_of, tables_of
    from fashion_lib.runs.record import read_label, run_dir
    from fashion_lib.runs.released_export import export_released

    own = METHODS.known(method).variants[0]
    variant = variant or (own if own in tables_of(method) else "code")
    table_of(method, read_label(variant)[0])
    for path in export_released(run_dir(dataset, profile, method, variant, whole_seed(seed)), file):
        print(path)
