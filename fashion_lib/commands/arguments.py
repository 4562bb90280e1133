"""Arguments that several commands share, and their checks."""

from pathlib import Path
from typing import Annotated

import typer

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import suggestion

PROFILE_NAMES = "smoke, laptop, table or paper"
Profile = Annotated[str, typer.Option(help=PROFILE_NAMES)]
OnlyProfile = Annotated[str | None, typer.Option("--profile", help="only this profile", show_default=False)]
OnlyDataset = Annotated[str | None, typer.Option("--dataset", help="only this data set", show_default=False)]
Dataset = Annotated[str, typer.Option(help="of the runs")]
Methods = Annotated[str, typer.Option(help="names, name.variant, or all")]
Seeds = Annotated[str, typer.Option(help="whole numbers")]
Output = Annotated[Path | None, typer.Option(help="folder of the notebooks (build/reproduce/<profile>[-<dataset>])")]


def check_clone(what: str) -> None:
    if paths.installed():
        raise FashionError(f"{what}, which an installed package does not have: run it in a clone of the repository.")


def check_profile(profile: str) -> None:
    from fashion_lib.training.profiles import PROFILES

    if profile not in PROFILES:
        raise FashionError(f"there is no profile {shortened(profile)}: {suggestion(profile, tuple(PROFILES))}")


def check_filter(dataset: str | None, profile: str | None) -> None:
    """FashionError for a profile that does not exist, and for a data set without a name and without any run."""
    if profile is not None:
        check_profile(profile)
    if dataset is None:
        return
    from fashion_lib.data import sets

    names = [name + suffix for name in sets.known_names() for suffix in ("", sets.DERIVED)]
    # What was run once keeps its name, also when its folder has been forgotten.
    for folder in (Path(paths.runs_dir()), Path(paths.ledger_dir())):
        files = folder.iterdir() if folder.is_dir() else ()
        names += [path.name.partition(".")[0] for path in files if not path.name.startswith(".")]
    if dataset not in names:
        raise FashionError(f"there is no data set {shortened(dataset)}: {suggestion(dataset, sorted(set(names)))}")


def whole_seed(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 2**32):
        raise FashionError(f"the seed is {shortened(text, 30)}: give one whole number from 0 to {2**32 - 1}.")
    return int(text)
