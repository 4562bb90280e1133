"""The numbers that the papers print, from data/published_results.csv."""

from collections.abc import Mapping

import pandas as pd

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.data.published_schemas import DARN, DEEPFASHION, FASHIONAI
from fashion_lib.data.typed_rows import NAME, NUMBER, read_typed

KEY = ("source", "table", "dataset", "method", "metric", "attribute")
TYPES = dict.fromkeys(KEY, NAME) | {"value": NUMBER}

# FashionAI's attributes in the order of ASEN's meta.json, with their numbers of values.
FASHIONAI_VALUES = {attribute.name: len(attribute.values) for attribute in FASHIONAI}
# data set -> attribute as the authors' lists name it -> as the papers' tables and published_results.csv do.
PRINTED_AS = {
    "darn": {name: name.removeprefix("clothes ").replace(" ", "_") for name in DARN.names},
    "deepfashion": {name: name.removesuffix("-related") for name in DEEPFASHION.names},
}


def printed_attribute(dataset: str, name: str) -> str:
    """Return an attribute's name in the papers' tables; averages and other data sets keep their names.

    Args:
        dataset: our data set.
        name: an attribute or average of its records.
    """
    return PRINTED_AS.get(dataset, {}).get(name, name)


def published(**chosen: str) -> pd.DataFrame:
    """Return the papers' own numbers, for example published(source="ipad", dataset="fashionai", table="1").

    Args:
        **chosen: column=value keeps the rows with that value.

    Returns:
        The columns source, table, dataset, method, metric, attribute as text, and value (map in percent) as float64.

    Raises:
        FashionError: there is no such column or value, or a row of the file is incomplete, repeated or not finite.
    """
    table = read_typed(paths.published_results_file(), TYPES, KEY)
    for column, value in chosen.items():
        if column not in table or value not in set(table[column]):
            known = sorted(set(map(str, table[column]))) if column in table else list(table)
            raise FashionError(f"published_results.csv knows no {column} {value!r}: choose one of {', '.join(known)}.")
        table = table[table[column] == value]
    return table.reset_index(drop=True)


def comparable(names: Mapping[str, str], dataset: str, metric: str = "map") -> pd.DataFrame:
    """Return published numbers of our methods: rows (method, source), columns attributes.

    Args:
        names: the papers' method name -> ours, for example {"asen_v2": "asen"}.
        dataset: the papers' data set.
        metric: the papers' metric.
    """
    table = published(dataset=dataset, metric=metric)
    table = table[table.method.isin(list(names))].assign(method=lambda t: t.method.map(names))
    return table.pivot_table(index=["method", "source"], columns="attribute", values="value", sort=False)


def fashionai_schema() -> Schema:
    """Return FashionAI's eight attributes, to build a network of the papers' size without FashionAI's pictures.

    Returns:
        The attributes of `FASHIONAI_VALUES`, all local; values are named by their numbers: "0", "1", ...
    """
    return Schema(tuple(Attribute(name, tuple(map(str, range(n)))) for name, n in FASHIONAI_VALUES.items()))
