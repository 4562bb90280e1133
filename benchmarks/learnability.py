"""Can each attribute be told at all? A supervised classifier on every label, before any retrieval method is blamed.

`python benchmarks/learnability.py --profile laptop`: ASEN with one linear classifier an attribute, trained with
cross-entropy on all labels of every training image, scored by accuracy on the test split beside chance (the share of
the most frequent value). An attribute at chance here is drawn too small or labelled wrongly, whatever a triplet loss
makes of it.
"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from fashion_lib.data.augmentation import augment, normalise
from fashion_lib.data.sets import load_dataset
from fashion_lib.methods.registry import build_model
from fashion_lib.parts.precision import autocast, choose_precision
from fashion_lib.tasks.retrieval.embedding import embed_wanted
from fashion_lib.training.profiles import get_profile


def label_matrix(labels, images: int, attributes: int) -> np.ndarray:
    """int64 (images, attributes) of value ids, -1 where an image has no label."""
    matrix = np.full((images, attributes), -1, np.int64)
    matrix[labels.image, labels.attribute] = labels.value
    return matrix


def train_classifier(data, profile, steps: int, seed: int = 0):
    """ASEN with a linear head for each attribute, trained on all labels; returns (model, heads)."""
    model = build_model("asen", data.schema, backbone=profile.backbone, start=profile.start, seed=seed)
    heads = nn.ModuleList(nn.Linear(model.embedding_dim, len(a.values)) for a in data.schema)
    labels = data.encoded("train", labels="all")
    matrix = torch.from_numpy(label_matrix(labels, len(data.image_names), len(data.schema)))
    rows = np.unique(labels.image)
    model.to(memory_format=torch.channels_last)
    model.precision = choose_precision("auto", model, normalise(data.pixels[rows[: profile.batch_size]]))
    parameters = [*model.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(parameters, profile.learning_rate, weight_decay=profile.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, profile.learning_rate, total_steps=steps, pct_start=0.1
    )
    for step in tqdm(range(steps), desc="classifying", unit="step"):
        rng = np.random.default_rng([seed, step])
        images = rng.choice(rows, profile.batch_size, replace=False)
        losses = []
        with autocast(model.precision, torch.device("cpu")):
            features = model.features(normalise(augment(data.pixels[images], rng)))
            for attribute, head in enumerate(heads):
                known = torch.nonzero(matrix[images, attribute] >= 0)[:, 0]
                if len(known) > 1:
                    ids = torch.full((len(known),), attribute)
                    embedded = model.embed_features(model.select(features, known), ids)
                    losses.append(F.cross_entropy(10 * head(embedded).float(), matrix[images, attribute][known]))
        optimiser.zero_grad(set_to_none=True)
        torch.stack(losses).mean().backward()
        optimiser.step()
        schedule.step()
    return model.eval(), heads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="laptop")
    parser.add_argument("--dataset", default="wardrobe")
    parser.add_argument("--steps", type=int, default=0, help="0: the profile's")
    arguments = parser.parse_args()
    profile = get_profile(arguments.profile)
    data = load_dataset(arguments.dataset, profile)
    model, heads = train_classifier(data, profile, arguments.steps or profile.steps)
    test = data.encoded("test")
    print(f"{'attribute':18s} {'images':>6s} {'accuracy':>8s} {'chance':>7s}")
    for attribute, name in enumerate(data.schema.names):
        labels = test.of(attribute)
        embedded = embed_wanted(model, data, {attribute: labels.image}, precision=model.precision)[attribute]
        with torch.inference_mode():
            right = (heads[attribute](embedded).argmax(1).numpy() == labels.value).mean()
        chance = np.bincount(labels.value).max() / len(labels)
        print(f"{name:18s} {len(labels):6d} {100 * right:7.1f}% {100 * chance:6.1f}%")


if __name__ == "__main__":
    main()
