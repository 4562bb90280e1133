"""The protocol card of a data set: what a score on it means, written from the code and the data themselves.

Counts are computed from the data. The rules are the constants and defaults that evaluation and training use,
and the first lines of their docstrings. So a rule that changes in the code changes the card.
"""

import inspect

import numpy as np
import pandas as pd

from fashion_lib.core.markdown import markdown_table
from fashion_lib.core.words import plain_markdown
from fashion_lib.data.augmentation import IMAGENET_MEAN, IMAGENET_STD
from fashion_lib.data.label_table import ROLES, SPLITS
from fashion_lib.data.released_triplets import ReleasedTripletSampler
from fashion_lib.data.sampling import SAMPLERS
from fashion_lib.tasks.retrieval.evaluation import AVERAGES, CUTOFFS
from fashion_lib.tasks.retrieval.metrics import AP_DENOMINATOR, recall_at_k
from fashion_lib.tasks.retrieval.ranking import SELF_MATCH, TIES
from fashion_lib.tasks.retrieval.retrieval_task import released_lists, untrained_attributes
from fashion_lib.training.paper_settings import ROWS
from fashion_lib.training.paper_stages import given_settings
from fashion_lib.training.profiles import PAPER

SET_BY_ROWS = frozenset(name for row in ROWS for stage in row.stages for name in row.settings(stage))
SYSTEMS_OWN = "another value for each system, in each of its one or two stages; data/paper_costs.md lists them"


def protocol_card(data, profile=None) -> str:
    """Return the card as Markdown.

    It has the data set, splits, attributes, scoring rules, network input and, with a profile, training
    batches.

    Args:
        data: RetrievalData.
        profile: Profile or None, which leaves out the draws and batches of training.
    """
    parts = [f"# Protocol card: {data.name}, version {data.version}", _bullets(_data_facts(data)),
             "## Splits", _markdown(split_table(data)), f"Images in more than one split: {_shared_images(data)}.",
             "## Attributes (test split)", _markdown(attribute_table(data)),
             "A random order's MAP is about the share of relevant candidates, a little more where candidates are few.",
             "## Scoring", _bullets(_scoring_facts(data)), "## Network input",
             _bullets(_input_facts(data, profile))]
    if profile is not None:
        parts += [f"## Training batches (profile {profile.name})", _bullets(_training_facts(data, profile))]
    if data.notes:
        parts += ["## Notes", "\n".join(f"- {plain_markdown(note)}" for note in data.notes)]
    return "\n\n".join(parts) + "\n"


def split_table(data) -> pd.DataFrame:
    """Return, per split, the number of images, and of label rows by role.

    For train the label rows are every known label, and the labels used by default. The latter are one per image
    in FashionAI, and every known label in other data sets, such as DeepFashion.
    """
    lines = []
    for split in SPLITS:
        rows = data.labels[data.labels["split"] == split]
        roles = rows["role"].value_counts()
        counts = ", ".join(f"{roles.get(role, 0):,} {role}" for role in ROLES[split])
        if split == "train":
            counts = f"{len(rows):,} known, {len(data.training_labels):,} used by default"
        lines.append((split, f"{rows['image'].nunique():,}", counts))
    return pd.DataFrame(lines, columns=["split", "images", "labels"])


def attribute_table(data) -> pd.DataFrame:
    """Return, per attribute, scope, number of values, training labels, and counts of the test split.

    The counts are queries, candidates, queries without a relevant candidate, and relevant candidates per
    query.
    """
    training, known = data.encoded("train"), data.encoded("train", labels="all")
    queries, candidates = data.encoded("test", "query"), data.encoded("test", "candidate")
    lines = []
    for a, attribute in enumerate(data.schema):
        q, c = queries.of(a), candidates.of(a)
        found = _relevant(q, c)
        mean = found.mean() if len(found) else 0.0
        lines.append((attribute.name, attribute.scope, len(attribute.values), len(training.of(a)), len(known.of(a)),
                      len(q), len(c), int((found == 0).sum()), f"{mean:.1f}",
                      f"{100 * mean / max(1, len(c)):.1f} %"))
    columns = ["attribute", "scope", "values", "training labels", "known", "queries", "candidates",
               "queries without relevant", "relevant per query", "share"]
    return pd.DataFrame(lines, columns=columns)


def _relevant(q, c) -> np.ndarray:
    """Return the number of relevant candidates of each query, its own image never counted; int (Q,)."""
    values = np.bincount(c.value, minlength=int(q.value.max(initial=0)) + 1)[q.value]
    own = pd.MultiIndex.from_arrays([c.image, c.value])
    return values - pd.MultiIndex.from_arrays([q.image, q.value]).isin(own)


def _shared_images(data) -> int:
    return int((data.labels.groupby("image")["split"].nunique() > 1).sum())


def _self_matches(data, split: str) -> int:
    queries, candidates = data.encoded(split, "query"), data.encoded(split, "candidate")
    return sum(int(np.isin(queries.of(a).image, candidates.of(a).image).sum()) for a in range(len(data.schema)))


def _data_facts(data) -> dict[str, str]:
    facts = {"pictures": f"{len(data.image_names):,}, {data.image_size} x {data.image_size} pixels"}
    regions = "known: localisation can be measured" if data.regions is not None else "unknown"
    facts |= {key: str(value) for key, value in data.card.items()} | {"true regions of attributes": regions}
    if untrained := untrained_attributes(data):
        facts["not trained"] = f"{', '.join(untrained)}: the training labels hold no triplet, so no MAP is reported"
    return facts


def _scoring_facts(data) -> dict[str, str]:
    return {
        "task": "queries and candidates are embedded for one attribute and ranked by cosine similarity; relevant is"
                " what has the query's value of that attribute",
        "average precision": "the mean of the precision at each relevant rank, divided by " + AP_DENOMINATOR,
        "query without a relevant candidate": "scores 0, stays in the means and is counted",
        **{f"{name} average": rule for name, rule in AVERAGES.items()},
        "self-match": f"{SELF_MATCH} (test split: {_self_matches(data, 'test')} such pairs)",
        "ties": TIES,
        "recall": f"Recall@{' and @'.join(map(str, CUTOFFS))}: {_first_line(recall_at_k)}",
        "model selection": "overall MAP of the valid split; the test split is scored once, with the selected weights",
    }


def _first_line(described) -> str:
    """Return what a docstring's first line says, in plain words."""
    return inspect.getdoc(described).splitlines()[0].removeprefix("Return ").replace("`", "")


def _input_facts(data, profile) -> dict[str, str]:
    facts = {
        "size": f"{data.image_size} x {data.image_size}, the cached pixels as they are: no crop or flip in evaluation",
        "normalisation": f"ImageNet mean {IMAGENET_MEAN} and standard deviation {IMAGENET_STD} of values in [0, 1]",
    }
    if profile is not None:
        drawn = [_told(profile, name, f"{name} {getattr(profile, name)}") for name in ("shift", "brightness", "flip")]
        facts["training only"] = f"a draw for each image of {', '.join(drawn)}"
    return facts


def _training_facts(data, profile) -> dict[str, str]:
    sampler = SAMPLERS[profile.sampling]
    if lists := released_lists(data, profile.sampling):
        sampler = ReleasedTripletSampler
    groups = [f"{profile.groups} attributes"] * (profile.sampling == "in_batch")  # other samplers have no groups
    batch = (_told(profile, "batch_size", f"{profile.batch_size} images"), *groups,
             _told(profile, "labels", f"labels '{profile.labels}'"))
    budget = (_told(profile, "steps", f"{profile.steps:,} steps"),
              _told(profile, "evaluations", f"{profile.evaluations} validations"))
    return {
        "sampling": f"{profile.sampling}: {_first_line(sampler)}",
        **({"released triplets": f"{sum(map(len, lists.values())):,} in train"} if lists else {}),
        "batch": ", ".join(batch),
        "budget": ", ".join(budget),
        "triplets": f"margin {profile.margin} on cosine similarity, mining '{profile.mining}'",
        **({"the system's": SYSTEMS_OWN} if profile.name == PAPER.name else {}),
    }


def _told(profile, name: str, text: str) -> str:
    """Return the text of a setting, or that each system has its own, as at profile `paper` unless the user gave one."""
    of_paper = profile.name == PAPER.name and name not in given_settings(profile)
    return f"the system's {name}" if of_paper and name in SET_BY_ROWS else text


def _bullets(facts: dict[str, str]) -> str:
    return "\n".join(f"- **{plain_markdown(name)}**: {plain_markdown(fact)}" for name, fact in facts.items())


def _markdown(table: pd.DataFrame) -> str:
    return markdown_table(table.astype(str).map(plain_markdown), index=False)
