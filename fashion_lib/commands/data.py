"""Commands for data sets and the installation."""

from pathlib import Path
from typing import Annotated

import typer

from fashion_lib.commands.arguments import Profile
from fashion_lib.core.errors import FashionError
from fashion_lib.core.paths import user_path
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import listed, one_line, suggestion


def download(dataset: Annotated[str, typer.Argument(help="clothing")]) -> None:
    """Fetch a data set of real photographs."""
    from fashion_lib.data.sets import REAL, real_module

    if dataset != "clothing":
        if dataset in REAL:
            advice = f"its terms do not allow it; {real_module(dataset).HOW_TO_GET}."
            raise FashionError(f"the course does not download {dataset}: {advice}")
        advice = suggestion(dataset, ("clothing",))
        raise FashionError(f"there is no data set {shortened(dataset)} to download: {advice}")
    from fashion_lib.data.fetch import download_clothing

    download_clothing()


def new_data(
    folder: Annotated[Path, typer.Argument(help="a folder of photographs")],
    name: Annotated[
        str | None, typer.Option(help="of the data set (the folder's)", show_default=False)
    ] = None,
    attributes: Annotated[str, typer.Option(help="columns to fill in")] = "sleeve_length,neck",
) -> None:
    """Give your own photographs a name, and write a label table to fill in."""
    from fashion_lib.data import sets
    from fashion_lib.data.new_data import (
        GROUP,
        check_header,
        name_of,
        unreadable_heic,
        without_a_row,
        write_template,
    )
    from fashion_lib.data.picture_files import picture_files

    given, folder = folder, user_path(folder, "the folder of photographs", follow=False)
    if not folder.is_dir():
        raise FashionError(
            f"there is no folder {shortened(str(given))}: give the folder of your photographs."
        )
    if name is None and not name_of(folder):
        raise FashionError(
            f"the name of {folder} has no letter a to z: give the data set a name with --name."
        )
    name = name_of(folder) if name is None else name
    sets.check_name(name)
    pictures = picture_files(folder)
    broken = [picture for picture in pictures if not one_line(picture)]
    if broken:
        raise FashionError(
            f"the file name {shortened(broken[0], 120)} cannot stand in a table: rename the file."
        )
    if not pictures:
        raise FashionError(f"there are no pictures below {folder}: put JPEG, PNG or HEIC files there first.")
    columns = [column.strip() for column in attributes.split(",") if column.strip()]
    table = folder / sets.TABLE
    check_header(["file", GROUP, *columns], table)
    sets.remember_folder(name, folder)
    if table.exists():
        missing = without_a_row(table, pictures)
        print(
            f"{table} is there already and stays as it is. Pictures without a row: {listed(missing) or 'none'}."
        )
    else:
        write_template(table, pictures, columns)
        print(f"wrote {table}: {len(pictures)} pictures, one row each.")
        print(f"  Fill in {listed(columns)}: one word per cell, such as short or long.")
        print("  An empty cell is an unknown label. Add columns for other attributes, or remove some.")
        print("  Give pictures of one person or one garment the same word in the column group.")
    if heic := unreadable_heic(folder, pictures):
        print(f"  {len(heic)} of the pictures are HEIC: `pip install pillow-heif` before you go on.")
    print(
        f"'{name}' is now the name of these pictures, kept in {sets.names_file()}. When the table is filled in:"
    )
    print(f"  python -m fashion_lib check-data {name}")
    print(f"  python -m fashion_lib train asen --dataset {name} --profile smoke")


def protocol(dataset: str, profile: Profile = "laptop") -> None:
    """Print the protocol card of a data set."""
    from fashion_lib.data.sets import load_dataset
    from fashion_lib.tasks.retrieval.protocol import protocol_card
    from fashion_lib.training.profiles import get_profile

    settings = get_profile(profile)
    print(protocol_card(load_dataset(dataset, settings), settings), end="")


def doctor() -> None:
    """Check this installation and say what to do."""
    from fashion_lib.course.doctor import examine

    findings = examine()
    for finding in findings:
        print(finding)
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)
