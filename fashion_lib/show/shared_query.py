"""One query under several attributes: all searches rank the same pictures, so only the attribute differs.

Right and wrong are what the pictures show, see `RetrievalData.shown_labels`: these are figures and no scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fashion_lib.core.errors import FashionError
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.show.pictures import retrieval_boards
from fashion_lib.tasks.retrieval.embedding import embed_images
from fashion_lib.tasks.retrieval.ranking import rank


@dataclass(frozen=True, eq=False)
class SharedQuery:
    """Hold a query and its gallery.

    Attributes:
        data: the data set.
        row: the query, a row of data.pixels.
        values: one row per test picture that shows all the attributes, the query among them. The index is the
            row of data.pixels, and each column is an attribute.
    """

    data: RetrievalData
    row: int
    values: pd.DataFrame

    @property
    def attributes(self) -> list[str]:
        """Return the names of the attributes, in the order of the boards."""
        return list(self.values.columns)

    @property
    def ids(self) -> list[int]:
        """Return the attributes as ids of the schema."""
        return [self.data.schema.index(name) for name in self.attributes]

    @property
    def gallery(self) -> np.ndarray:
        """Return the pictures that are ranked, without the query: int64 (N,), rows of data.pixels."""
        rows = self.values.index.to_numpy()
        return rows[rows != self.row]

    def ranked(self, model: RetrievalModel) -> dict[str, np.ndarray]:
        """Rank the gallery once per attribute: name -> int64 (N,), rows of data.pixels, best first.

        Args:
            model: a retrieval model.
        """
        gallery, orders = self.gallery, {}
        embedded = embed_images(model, self.data, np.append(gallery, self.row), self.ids)  # id -> (N + 1, D)
        for name, attribute in zip(self.attributes, self.ids, strict=True):
            ((_, order),) = rank(
                embedded[attribute][-1:], embedded[attribute][:-1]
            )  # (1, D), (N, D) -> (1, N)
            orders[name] = gallery[order[0]]
        return orders

    def correct(self, rows: np.ndarray, attribute: str) -> np.ndarray:
        """Return which pictures have the query's value of the attribute: bool (len(rows),)."""
        column = self.values[attribute]
        return (column.loc[rows] == column.loc[self.row]).to_numpy()

    def boards(self, ranked: dict[str, np.ndarray], top: int = 7) -> Figure:
        """Draw one row per attribute: the query, then its `top` nearest pictures, marked right or wrong.

        Args:
            ranked: what `ranked` returned.
            top: number of candidates per row.
        """
        drawn = [
            {"query_row": self.row, "ranked_rows": rows[:top], "attribute": name,
             "correct": self.correct(rows[:top], name)}
            for name, rows in ranked.items()
        ]  # fmt: skip
        return retrieval_boards(self.data, drawn, top=top)


def shared_query(data: RetrievalData, attributes: Sequence[str], count: int = 4) -> SharedQuery:
    """Choose the query by a rule: the test picture that shows the most attributes, the first one of several.

    Args:
        data: the data set.
        attributes: names that come first. Where the data set or the query lacks one, the next attributes of the
            schema take its place.
        count: largest number of attributes.

    Raises:
        FashionError: no other test picture shows the query's attributes.
    """
    labels, schema = data.shown_labels("test"), data.schema
    values = [schema.attributes[a].values[v] for a, v in zip(labels.attribute, labels.value, strict=True)]
    shown = pd.DataFrame(
        {"row": labels.image, "attribute": np.array(schema.names)[labels.attribute], "value": values}
    )
    shown = shown.pivot(index="row", columns="attribute", values="value")  # NaN: not shown
    row = int(shown.notna().sum(axis=1).idxmax())  # the first of the largest
    order = [name for name in attributes if name in schema.names]
    order += [name for name in schema.names if name not in attributes]
    chosen = [name for name in order if name in shown and pd.notna(shown.loc[row, name])][:count]
    shown = shown[chosen].dropna()
    if len(shown) < 2:
        raise FashionError(
            f"no other test picture shows {', '.join(chosen)}: choose fewer attributes or a larger profile."
        )
    return SharedQuery(data, row, shown)
