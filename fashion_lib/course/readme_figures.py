"""The pictures of the README, made from the library's own plots by `python -m fashion_lib figures`.

Every picture is chosen by order (the first test picture that shows the attributes), never by how well it came out.
Boards and maps ask about colour and pattern too, so they use the wardrobe's label table with global attributes.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.sets import load_dataset
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.papers.counterparts import SHARED_SETTINGS
from fashion_lib.runs import ledger
from fashion_lib.runs.run import load_or_train
from fashion_lib.show import results_bars, retrieval_boards, show_images, tables
from fashion_lib.show.attention_maps import attention_rows, pictures_with
from fashion_lib.tasks.retrieval.embedding import embed_wanted
from fashion_lib.tasks.retrieval.evaluation import AVERAGES
from fashion_lib.tasks.retrieval.ranking import rank
from fashion_lib.training.profiles import Profile, differing_in_steps

METHODS = (("random", "default"), ("triplet", "default"), ("csn", "prein"), ("asen", "v2"), ("rpf", "paper"))
WITH_COLOURS = "wardrobe_darn"  # the label table that the boards and maps use
QUESTIONS = ("collar_shape", "sleeve_length", "pattern", "colour")
ON_TOPS = ("collar_shape", "sleeve_length", "pattern")
ON_DRESSES = ("length", "shape", "pattern")
ROWS = "ledger rows"  # key of the digest in the PNG file of the results


def rows_with(data: RetrievalData, names: Sequence[str], count: int) -> np.ndarray:
    """Return the first `count` test pictures that show every named attribute: int64 rows of data.pixels.

    Raises:
        FashionError: there are fewer such pictures.
    """
    found = pictures_with(data, [data.schema.index(name) for name in names])[:count]
    if len(found) < count:
        raise FashionError(
            f"only {len(found)} test pictures show {', '.join(names)}: choose a larger profile."
        )
    return found


def sheet(data: RetrievalData):
    """Draw one training picture per value of each local attribute."""
    training = data.encoded("train")
    rows, titles = [], []
    for name in data.schema.local:
        labels = training.of(data.schema.index(name))
        for value, text in enumerate(data.schema.attribute(name).values):
            rows.append(labels.image[labels.value == value][0])
            titles.append(f"{name.split('_')[0]}:\n{text.replace('_', ' ')}")
    return show_images(data.pixels[np.array(rows)], titles, columns=9, size=0.95)


def boards(data: RetrievalData, model: RetrievalModel, names: Sequence[str] = QUESTIONS, top: int = 7):
    """Draw one query under several attributes, each with the nearest test pictures that show it.

    Args:
        data: the data set; the query is its first test picture that shows all `names`.
        model: trained on the data set's attributes.
        names: of the attributes.
        top: number of pictures per attribute.
    """
    query = rows_with(data, names, 1)
    test, drawn = data.shown_labels("test"), []
    for name in names:
        attribute = data.schema.index(name)
        labels = test.of(attribute)
        value = labels.value[labels.image == query[0]][0]
        gallery = labels.image != query[0]
        wanted = {attribute: np.concatenate([query, labels.image[gallery]])}
        embedded = embed_wanted(model, data, wanted)[attribute]
        order = next(iter(rank(embedded[:1], embedded[1:])))[1][0, :top]
        drawn.append(
            {
                "query_row": int(query[0]),
                "ranked_rows": labels.image[gallery][order],
                "attribute": name,
                "correct": labels.value[gallery][order] == value,
            }
        )
    return retrieval_boards(data, drawn, top=top)


def maps(data: RetrievalData, model: RetrievalModel, names: Sequence[str], count: int = 3):
    """Draw the attention that the embedding used, and the true regions, of pictures with all the named attributes.

    Args:
        data: the data set; its first such test pictures are taken.
        model: trained on the data set's attributes.
        names: of the attributes.
        count: number of pictures.
    """
    return attention_rows(model, data, rows_with(data, names, count), [data.schema.index(name) for name in names])


def bars_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a data set's ledger that the bars show: MAP of METHODS and no average twice."""
    shown = np.array([pair in METHODS for pair in zip(table["method"], table["variant"], strict=True)])
    repeated = set(AVERAGES) - {"overall", *tables.averages_of(table)}
    return table[(table["metric"] == "map") & shown & ~table["attribute"].isin(repeated)]


def bars(rows: pd.DataFrame):
    """Draw MAP per attribute of the methods of METHODS that have rows; see `bars_rows`."""
    run = set(zip(rows["method"], rows["variant"], strict=True))
    return results_bars(rows, [row for row in METHODS if row in run])


def rows_digest(rows: pd.DataFrame) -> str:
    """Return the SHA-256 of rows of the ledger without minutes and commit, whatever their order."""
    told = rows[list(ledger.KEY) + ["value"]].astype({"value": float})
    lines = sorted(told.to_csv(index=False, header=False, float_format="%.4f", lineterminator="\n").splitlines())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def write(data: RetrievalData, profile: Profile, folder: Path | None = None) -> list[Path]:
    """Draw the README's figures; boards and maps with ASEN of seed 0, trained on WITH_COLOURS.

    Args:
        data: the drawn wardrobe at the profile's picture size, for the sheet and the bars.
        profile: of the run. The rows in the bars are of the profile with the same settings and the most steps.
        folder: where to write; None is figures/.

    Returns:
        The files.
    """
    coloured = load_dataset(WITH_COLOURS, profile)
    settings = profile.with_options(**SHARED_SETTINGS[WITH_COLOURS])
    model = load_or_train("asen", profile=settings, data=coloured).model
    folder, written = paths.made(folder or paths.figures_dir()), []
    rows = bars_rows(ledger.collect(data.name, differing_in_steps(profile)[-1]))  # the longest runs
    for name, figure in (
        ("wardrobe", sheet(data)),
        ("boards", boards(coloured, model)),
        ("attention_tops", maps(coloured, model, ON_TOPS)),
        ("attention_dresses", maps(coloured, model, ON_DRESSES)),
        ("results", bars(rows)),
    ):
        written.append(folder / f"{name}.png")
        stamp = {ROWS: rows_digest(rows)} if name == "results" else {}
        figure.savefig(written[-1], dpi=110, bbox_inches="tight", metadata=stamp)
        plt.close(figure)
    return written
