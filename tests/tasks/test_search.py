"""A search on data whose pictures have several values of an attribute."""

import dataclasses

import pandas as pd
from tiny_data import SCHEMA, TinyModel, tiny_data

from fashion_lib.tasks.retrieval.search import search


def test_a_picture_with_two_values_is_one_answer_and_either_value_makes_it_correct():
    data = tiny_data(90)
    name, values = next((one.name, one.values) for one in SCHEMA if len(one.values) > 2)
    of_test = data.labels[(data.labels["split"] == "test") & (data.labels["attribute"] == name)]
    query, both, other = of_test["image"].unique()[:3]
    kept = data.labels[~(data.labels["image"].isin([query, both, other]) & (data.labels["attribute"] == name))]
    given = {query: values[:2], both: values[:2], other: values[2:3]}
    more = pd.DataFrame([(image, "test", "candidate", name, value) for image, own in given.items() for value in own],
                        columns=list(data.labels))  # fmt: skip
    data = dataclasses.replace(data, labels=pd.concat([kept, more], ignore_index=True))
    found = search(TinyModel(), data, data.image_names.index(query), name)
    table = found.table().set_index("image")
    assert table.index.is_unique and found.wanted == f"{values[0]}, {values[1]}"
    assert table.loc[both, "value"] == f"{values[0]}, {values[1]}" and table.loc[both, "correct"]
    assert not table.loc[other, "correct"]
    one = dict(zip(of_test["image"], of_test["value"], strict=True))
    rest = table.drop(index=[both, other])
    assert len(rest) > 3
    assert rest["correct"].tolist() == [one[image] in values[:2] for image in rest.index]
