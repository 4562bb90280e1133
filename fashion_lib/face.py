"""Doors of the face that join several rooms: data sets by profile, protocol cards, reading, notebooks."""

from pathlib import Path

from fashion_lib.core.paths import user_path
from fashion_lib.data import sets
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.methods.reading import LIBRARY, reading_order
from fashion_lib.training.profiles import Profile, get_profile


def _profile(profile: Profile | str) -> Profile:
    return get_profile(profile) if isinstance(profile, str) else profile


def load_dataset(name: str, profile: Profile | str = "laptop") -> RetrievalData:
    """Load a data set by name: one of `fl.datasets()`.

    Args:
        name: such as "wardrobe", or the name of an own folder that `load_folder` was given once.
        profile: a profile or its name; it decides the size of the pictures and of the drawn wardrobe.

    Raises:
        FashionError: for an unknown name or profile; the sentence names the nearest one.
    """
    return sets.load_dataset(name, _profile(profile))


def load_folder(
    folder: str | Path, name: str | None = None, *, profile: Profile | str = "laptop", remember: bool = True
) -> RetrievalData:
    """Load your own pictures from a folder that holds labels.csv, schema.json and the pictures.

    The table has the columns image, split, role, attribute, value (`fashion_lib.data.label_table` says more), and
    `image` is a path below the folder.

    Args:
        folder: the folder.
        name: of the data set, in folders and tables; None is the folder's own name.
        profile: a profile or its name; it decides the size of the pictures.
        remember: keep the name in the project's datasets.toml. It then works wherever a data set's name does: in
            `fl.load_dataset`, on the command line and in notebooks.

    Raises:
        FashionError: for a reserved or malformed name, a missing file, and a label table with a mistake in it.
    """
    folder = user_path(folder, "the folder of the data set")
    name = folder.name if name is None else name
    sets.check_name(name)
    data = sets.load_own_folder(name, folder, _profile(profile).image_size)
    if remember:
        sets.remember_folder(name, folder)
    return data


def protocol(data: RetrievalData, profile: Profile | str = "laptop") -> None:
    """Print the protocol card of a data set: split, self-matches, AP's denominator, averaging, ties."""
    from fashion_lib.tasks.retrieval.protocol import protocol_card

    print(protocol_card(data, _profile(profile)), end="")


def read(method: str) -> None:
    """Print the files of a method in reading order: pieces first, the method's own file last.

    Raises:
        FashionError: for an unknown method; the sentence names the nearest one.
    """
    files = reading_order(method)
    for number, file in enumerate(files, start=1):
        text = file.read_text(encoding="utf-8")
        title = f"{number} of {len(files)}: {file.relative_to(LIBRARY.parent).as_posix()}, {text.count(chr(10))} lines"
        print(f"{'=' * len(title)}\n{title}\n{'=' * len(title)}\n{text}")


def notebook() -> None:
    """Set up the figures of a notebook as the course shows them; the first line of every notebook."""
    from fashion_lib.show import style

    style.pictures_as_jpeg()
