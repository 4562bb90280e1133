"""Functions of `fl` that join several packages: data sets by profile, protocol cards, search, reading, notebooks."""

from pathlib import Path

from fashion_lib.core.errors import FashionError
from fashion_lib.core.paths import user_path
from fashion_lib.core.typed import check_has, shortened
from fashion_lib.data import sets
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.new_data import name_of
from fashion_lib.methods.reading import LIBRARY, reading_order
from fashion_lib.training.profiles import Profile, as_profile


def load_dataset(name: str, profile: Profile | str = "laptop") -> RetrievalData:
    """Load a data set by name: one of `fl.datasets()`.

    Args:
        name: such as "wardrobe", or the name of an own folder that `load_folder` was given once.
        profile: a profile or its name; it decides the size of the pictures and of the drawn wardrobe.

    Raises:
        FashionError: for an unknown name or profile; the sentence names the nearest one.
    """
    return sets.load_dataset(name, as_profile(profile))


def load_folder(
    folder: str | Path, name: str | None = None, *, profile: Profile | str = "laptop", remember: bool = True
) -> RetrievalData:
    """Load your own pictures from a folder that holds labels.csv, the pictures and, if wanted, schema.json.

    The table has one row per picture, such as file,sleeve_length,neck; `fashion_lib.data.own_table` says more, and
    `python -m fashion_lib new-data` writes one to fill in. `file` is a path below the folder.

    Args:
        folder: the folder.
        name: of the data set, in folders and tables; None is the folder's own name, in small letters.
        profile: a profile or its name; it decides the size of the pictures.
        remember: keep the name in the project's datasets.toml. It then works wherever a data set's name does: in
            `fl.load_dataset`, on the command line and in notebooks.

    Raises:
        FashionError: for a folder that is not there, a reserved or malformed name, a missing file, and a label table
            with a mistake in it.
    """
    given = user_path(folder, "the folder of the data set") if isinstance(folder, str | Path) else None
    if given is None or not given.is_dir():
        raise FashionError(f"there is no folder {shortened(folder)}: give the folder that holds labels.csv.")
    folder = given
    name = name_of(folder) if name is None else name
    sets.check_name(name)
    data = sets.load_own_folder(name, folder, as_profile(profile).image_size)
    if remember:
        sets.remember_folder(name, folder)
    return data


def protocol(data: RetrievalData | str, profile: Profile | str = "laptop") -> None:
    """Print the protocol card of a data set: split, self-matches, AP's denominator, averaging, ties.

    Args:
        data: a data set, or its name, which is then loaded at the profile.
        profile: a profile or its name; the card shows its training batches.

    Raises:
        FashionError: for an unknown name or profile, and for what is no data set.
    """
    from fashion_lib.tasks.retrieval.protocol import protocol_card

    profile = as_profile(profile)
    data = sets.load_dataset(data, profile) if isinstance(data, str) else data
    check_has(data, ("schema", "encoded"), "data set", "give one that fl.load_dataset returned, or its name")
    print(protocol_card(data, profile), end="")


def search(run, query, row=None, attribute: str | None = None, **options):
    """Rank pictures by their similarity to one picture under one attribute: of a gallery, or of a data set.

    `fl.search(run, "query.jpg", "sleeve_length")` searches a folder of one's own pictures that `fl.index(run, folder)`
    has embedded; see `fashion_lib.runs.gallery_search`. `fl.search(model, data, 12, "sleeve_length")` ranks the
    candidates of a split; see `fashion_lib.tasks.retrieval.search`.

    Args:
        run: a run, its folder, or what `fl.index` returned; for a data set the model.
        query: the file of a photograph; or a data set.
        row: for a photograph the attribute's name; for a data set the query's row.
        attribute: the attribute's name.
        options: of the two functions.

    Returns:
        GalleryHits, or Hits.
    """
    if isinstance(query, str | Path) and not isinstance(row, int):
        from fashion_lib.runs.gallery_search import search_gallery

        return search_gallery(run, query, attribute if row is None else row, **options)
    from fashion_lib.tasks.retrieval import search as in_data_set

    return in_data_set.search(run, query, row, attribute, **options)


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
