"""Is the drawn wardrobe legible? A supervised classifier at the network's picture size and at twice that size.

`python benchmarks/wardrobe_ceiling.py --sizes 64 128 --steps 900 1000`: the small backbone with one head per attribute,
trained with cross-entropy on all labels that each training picture shows, scored by accuracy on the test split.
An attribute below the aim at twice the size is drawn too small or labelled wrongly, whatever a retrieval method
makes of it. An attribute that is as good at the network's size leaves a second look nothing to see. The defaults
take about 10 minutes on one core and let FashionAI's eight attributes converge, the others not: those that few
pictures show (button, part) are measured alone, `--sizes 96 --steps 800 --attributes button part`.
"""

import argparse
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from fashion_lib.core.schema import Schema
from fashion_lib.data.augmentation import augment, normalise
from fashion_lib.data.cache import load_or_build
from fashion_lib.data.sets.wardrobe import WORLD, Wardrobe
from fashion_lib.data.splits import split_images
from fashion_lib.parts.backbones import build_backbone
from fashion_lib.parts.precision import autocast, choose_precision

AIM = 0.85
UNKNOWN = -1


class Classifier(nn.Module):
    """The small backbone; per attribute one attention map over positions and their places, then two layers."""

    def __init__(self, start: str, attributes: list[str], hidden: int = 64):
        super().__init__()
        self.schema = Schema(tuple(WORLD.attribute(name) for name in attributes))
        self.backbone = build_backbone("small", start)
        channels = self.backbone.out_channels + 2
        self.maps = nn.Conv2d(channels, 2 * len(self.schema), 1)
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(2 * channels, hidden), nn.ReLU(), nn.Linear(hidden, len(attribute.values)))
            for attribute in self.schema
        )

    def features(self, images: Tensor) -> Tensor:
        """Return the backbone's map."""
        return self.backbone(images)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return one tensor of logits (B, values) per attribute, for normalised images float32 (B, 3, S, S)."""
        features = self.features(images).float()
        height, width = features.shape[2:]
        y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
        places = torch.stack([x, y]).expand(len(features), -1, -1, -1)
        features = torch.cat([features, places], dim=1)
        weights = self.maps(features).flatten(2).softmax(dim=2)  # (B, 2 A, h w): two looks per attribute
        pooled = torch.einsum("bap,bcp->bac", weights, features.flatten(2))
        pooled = pooled.reshape(len(features), len(self.schema), -1)
        return [head(pooled[:, a]) for a, head in enumerate(self.heads)]


def label_matrix(wardrobe: Wardrobe, schema: Schema) -> np.ndarray:
    """Return int64 (count, attributes): value ids, UNKNOWN where a picture does not show the attribute."""
    matrix = np.full((wardrobe.count, len(schema)), UNKNOWN, np.int64)
    for index in range(wardrobe.count):
        for name, value in wardrobe.labels(index).items():
            if name in schema.names:
                matrix[index, schema.index(name)] = schema.value_index(name, value)
    return matrix


def train(model, pixels, labels: np.ndarray, rows: np.ndarray, steps: int, batch: int, rate: float, seed: int) -> None:
    """Train `model` on the pictures `rows` and leave it in eval mode."""
    model.to(memory_format=torch.channels_last)
    precision = choose_precision("auto", model, normalise(pixels[rows[:batch]]))
    optimiser = torch.optim.AdamW(model.parameters(), rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    with tqdm(range(steps), desc=f"classifying at {pixels.shape[1]} px", unit="step", mininterval=20) as bar:
        for step in bar:
            rng = np.random.default_rng([seed, step])
            chosen = np.sort(rng.choice(rows, batch, replace=False))
            truth = torch.from_numpy(labels[chosen])
            with autocast(precision, torch.device("cpu")):
                logits = model(normalise(augment(pixels[chosen], rng)))
            terms = [
                F.cross_entropy(part.float(), truth[:, a], ignore_index=UNKNOWN)
                for a, part in enumerate(logits)
                if (truth[:, a] != UNKNOWN).any()
            ]
            optimiser.zero_grad(set_to_none=True)
            torch.stack(terms).sum().backward()
            optimiser.step()
            schedule.step()
    model.eval()


@torch.inference_mode()
def confusions(model, pixels, labels: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    """Return, per attribute, int64 (values, values): how often a true value (row) was taken for another (column)."""
    found = [np.zeros((len(a.values), len(a.values)), np.int64) for a in model.schema]
    for start in range(0, len(rows), 128):
        part = rows[start : start + 128]
        for a, logits in enumerate(model(normalise(pixels[part]))):
            known = labels[part, a] != UNKNOWN
            np.add.at(found[a], (labels[part, a][known], logits.argmax(1).numpy()[known]), 1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128], help="the network's, then the original's")
    parser.add_argument("--steps", type=int, nargs="+", default=[900, 1000], help="steps at each size")
    parser.add_argument("--attributes", nargs="+", default=list(WORLD.names), choices=WORLD.names, metavar="NAME")
    parser.add_argument("--images", type=int, default=12_000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--confusions", action="store_true", help="print the pairs of values taken for each other")
    options = parser.parse_args()
    results = {}
    for size, steps in zip(options.sizes, options.steps, strict=True):
        wardrobe, begun = Wardrobe(options.seed, options.images, size), time.perf_counter()
        pixels = load_or_build(wardrobe.cache_key, options.images, size, wardrobe.images)
        torch.manual_seed(options.seed)
        model = Classifier("pretext", options.attributes)
        labels, split = label_matrix(wardrobe, model.schema), split_images(options.images, options.seed)
        shown = (labels != UNKNOWN).any(1)
        rows = np.flatnonzero(shown & (split == "train"))
        train(model, pixels, labels, rows, steps, options.batch, options.rate, options.seed)
        results[size] = confusions(model, pixels, labels, np.flatnonzero(shown & (split != "train")))
        print(f"{size} px: {steps} steps, {(time.perf_counter() - begun) / 60:.1f} minutes", flush=True)
    print(f"{'attribute':18s} {'pictures':>8s} {'chance':>7s}" + "".join(f" {size:>5d} px" for size in results))
    for a, attribute in enumerate(model.schema):
        tables = [found[a] for found in results.values()]
        chance = tables[0].sum(1).max() / tables[0].sum()
        scores = [table.trace() / table.sum() for table in tables]
        mark = "" if scores[-1] >= AIM else f"  below {AIM:.0%}"
        print(
            f"{attribute.name:18s} {tables[0].sum():8d} {chance:7.1%}" + "".join(f" {s:8.1%}" for s in scores) + mark
        )
        if options.confusions:
            wrong = tables[-1] * (1 - np.eye(len(attribute.values), dtype=np.int64))
            for flat in np.argsort(-wrong, axis=None)[:3]:
                true, taken = np.unravel_index(flat, wrong.shape)
                if wrong[true, taken]:
                    names = attribute.values[true], attribute.values[taken]
                    print(f"    {names[0]} taken for {names[1]}: {wrong[true, taken]} of {tables[-1][true].sum()}")


if __name__ == "__main__":
    main()
