import re

import numpy as np
import pandas as pd
import pytest
from tiny_data import TinyModel, tiny_data

from fashion_lib.data.augmentation import IMAGENET_MEAN
from fashion_lib.tasks.retrieval import evaluation, protocol
from fashion_lib.tasks.retrieval.evaluation import evaluate
from fashion_lib.tasks.retrieval.protocol import attribute_table, protocol_card, split_table
from fashion_lib.training.paper_stages import training_stages
from fashion_lib.training.profiles import PROFILES


def test_the_attribute_table_is_counted_from_the_labels():
    data = tiny_data()
    table = attribute_table(data).set_index("attribute")
    for name in data.schema.names:
        rows = data.labels[data.labels.attribute == name]
        test = rows[rows.split == "test"]
        asked, offered = test[test.role == "query"], test[test.role == "candidate"]
        relevant = [int((offered.value == value).sum()) for value in asked.value]
        line = table.loc[name]
        assert (line["queries"], line["candidates"]) == (len(asked), len(offered))
        assert line["training labels"] == (data.training_labels.attribute == name).sum()
        assert line["known"] == (rows.split == "train").sum()
        assert line["queries without relevant"] == sum(count == 0 for count in relevant)
        assert line["relevant per query"] == f"{np.mean(relevant):.1f}"


def test_a_query_among_the_candidates_is_not_its_own_relevant_candidate():
    data = tiny_data()
    table = data.labels
    colour = table[(table.attribute == "colour") & (table.split == "test")]
    lines = [colour.assign(role="query").iloc[:4], colour.assign(role="candidate")]
    data = tiny_data(labels=pd.concat([table[table.split != "test"], *lines], ignore_index=True))
    line = attribute_table(data).set_index("attribute").loc["colour"]
    own = [int((colour.value == value).sum()) - 1 for value in colour.value.iloc[:4]]
    assert line["relevant per query"] == f"{np.mean(own):.1f}"
    assert "(test split: 4 such pairs)" in protocol_card(data)


def test_the_card_counts_what_evaluation_counts():
    data = tiny_data()
    table = attribute_table(data).set_index("attribute")
    found = evaluate(TinyModel(), data, "test")
    for column, counts in (("queries", found.queries), ("candidates", found.candidates),
                           ("queries without relevant", found.without_relevant)):
        assert {name: int(table.loc[name, column]) for name in counts} == counts


def test_the_card_quotes_the_code_and_the_data():
    data = tiny_data(notes=("three pictures were unreadable",), card={"licence": "CC0", "source": "drawn"})
    profile = PROFILES["smoke"].with_options(margin=0.123)
    card = protocol_card(data, profile)
    for words in ("tiny, version 1", "CC0", evaluation.TIES, evaluation.SELF_MATCH, *evaluation.AVERAGES.values(),
                  str(IMAGENET_MEAN), "margin 0.123", profile.sampling, "three pictures were unreadable", "shift 0.06",
                  "Images in more than one split: 0.", "| collar | local | 3 |"):
        assert words in card
    assert "Training batches" not in protocol_card(data)


def facts(card):
    return dict(re.findall(r"^- \*\*(.+?)\*\*: (.+)$", card, re.MULTILINE))


def test_the_card_tells_the_draws_of_its_profile():
    profile = PROFILES["laptop"].with_options(shift=0.01, brightness=0.5, flip=False)
    told = facts(protocol_card(tiny_data(), profile))
    assert told["training only"] == "a draw for each image of shift 0.01, brightness 0.5, flip False"
    assert "training only" not in facts(protocol_card(tiny_data())), "without a profile nothing is drawn"


def test_the_card_of_profile_paper_tells_no_number_that_a_system_replaces():
    paper = PROFILES["paper"]
    told = facts(protocol_card(tiny_data(), paper))
    assert told["training only"].startswith("a draw for each image of shift 0.0, brightness 0.0, the system's flip")
    assert told["batch"] == "the system's batch_size, the system's labels"
    assert told["budget"] == "the system's steps, the system's evaluations"
    assert "data/paper" in told["the system's"]
    run = training_stages("ipad", "paper", "fashionai", paper, {})
    assert {stage.profile.labels for stage in run} == {"all"} != {paper.labels}, "what the card would be wrong about"
    given = facts(protocol_card(tiny_data(), paper.with_options(steps=20, flip=True)))
    assert given["budget"] == "20 steps, the system's evaluations" and "flip True" in given["training only"]


def test_a_changed_rule_changes_the_card(monkeypatch):
    monkeypatch.setattr(protocol, "AP_DENOMINATOR", "the cut-off")
    assert "divided by the cut-off" in protocol_card(tiny_data())


def test_the_split_table_and_a_leak_are_counted():
    data = tiny_data(images=60)
    assert split_table(data).set_index("split").loc["test", "images"] == "20"
    leaky = data.labels.copy()
    leaky.loc[0, "split"] = "test" if leaky.loc[0, "split"] == "train" else "train"
    leaky.loc[0, "role"] = "candidate"
    assert "Images in more than one split: 1." in protocol_card(tiny_data(labels=leaky))


@pytest.mark.parametrize("part", ["## Splits", "## Attributes (test split)", "## Scoring", "## Network input"])
def test_every_part_is_there(part):
    assert protocol_card(tiny_data()).count(part) == 1
