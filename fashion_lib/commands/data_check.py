"""The command that checks the files of a data set."""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import suggestion

SIZES = ("laptop", "paper")  # profiles whose pixel cache is priced


def check_data(
    dataset: Annotated[
        str, typer.Argument(help="fashionai, ..., your own folder's name, or a folder of pictures")
    ],
    path: Annotated[
        Path | None, typer.Argument(help="its folder (default: FASHION_DATA, else data/<name>)")
    ] = None,
    pictures: Annotated[str, typer.Option(help="all, sample or none")] = "sample",
    as_json: Annotated[bool, typer.Option("--json", help="everything, every place, for programs")] = False,
) -> None:
    """Check the files of a data set: all findings, worst first; exit status 1 if one is an error."""
    import json

    from fashion_lib.data.checks.examination import examine_folder
    from fashion_lib.data.checks.examination_text import as_text
    from fashion_lib.tasks.retrieval.metrics import random_average_precision
    from fashion_lib.training.profiles import get_profile

    name, folder = _place(dataset, path)
    sizes = sorted({get_profile(profile).image_size for profile in SIZES})
    done = examine_folder(name, folder, random_average_precision, pictures=pictures, sizes=sizes)
    if as_json:
        print(json.dumps(done.as_dict(), indent=1))
    else:
        print(as_text(done, _printed(name)), end="")
    if not done.good:
        raise typer.Exit(1)


def _place(dataset: str, path: Path | None) -> tuple[str, Path]:
    """The data set's name and folder."""
    from fashion_lib.data import sets
    from fashion_lib.data.checks.examination import DATASETS

    if dataset in sets.DATASETS and dataset not in DATASETS:
        raise FashionError(
            f"'{dataset}' needs no check, its loader makes or fetches it: name one of {', '.join(DATASETS)}."
        )
    if path is not None:
        if dataset not in DATASETS and (close := get_close_matches(dataset, DATASETS, 1, 0.8)):
            raise FashionError(f"there is no data set {shortened(dataset)}: did you mean '{close[0]}'?")
        return dataset, paths.user_path(path, "PATH", follow=False)
    own = sets.own_folders()
    if dataset in own:
        return dataset, own[dataset]
    if dataset in DATASETS:
        return dataset, _located(dataset)
    folder = paths.user_path(dataset, "the data set", follow=False)
    if folder.is_dir():
        return folder.name, folder
    known = (*DATASETS, *own)
    raise FashionError(
        f"there is no data set and no folder {shortened(dataset)}: {suggestion(dataset, known)}"
    )


def _located(dataset: str) -> Path:
    """FASHION_DATA, else data/<name>; where its reader finds nothing, it says how people get the data."""
    from fashion_lib.data.sets import locate
    from fashion_lib.data.sets.set_layout import VARIABLE

    if chosen := os.environ.get(VARIABLE):
        return paths.user_path(chosen, VARIABLE, follow=False)
    folder = paths.root() / "data" / dataset
    if folder.is_dir():
        return folder
    return locate(dataset).folder


def _printed(dataset: str) -> tuple[float, ...]:
    """The "random" row of IPAD's tables in percent, attributes in the order of their ids; () where there is none."""
    from fashion_lib.papers.published import published

    try:
        rows = published(source="ipad", method="random", metric="map")
    except (
        FashionError
    ):  # a project folder without the papers' numbers: the lists' own proof stands without them
        return ()
    return tuple(rows.loc[rows.dataset == dataset, "value"])
