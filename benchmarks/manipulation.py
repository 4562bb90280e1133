"""What a manipulated query costs beside a plain one: a backbone pass and one small matrix product.

Three tasks on the same pictures: represent them; represent and manipulate them; search a stored gallery with features
that are there already. The gallery is embedded once, before the clock starts.
"""

import argparse

import numpy as np
import torch
from random_data import random_data
from stopwatch import report, seconds

from fashion_lib.data.augmentation import normalise
from fashion_lib.methods.registry import MANIPULATION_METHODS, build_model
from fashion_lib.tasks.manipulation.manipulation_evaluation import rank_by_distance
from fashion_lib.training.profiles import PROFILES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", default=",".join(MANIPULATION_METHODS))
    parser.add_argument("--queries", type=int, default=64)
    parser.add_argument("--gallery", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    profile, rng = PROFILES["laptop"], np.random.default_rng(0)
    data = random_data(options.queries, profile.image_size)
    images, lines = normalise(data.pixels[:]), []
    for method in options.methods.split(","):
        model = build_model(method, data.schema, backbone=profile.backbone, start="random").eval()
        values = model.blocks[-1].stop
        vectors = torch.zeros(len(images), values)
        for row in vectors:
            row[torch.from_numpy(rng.permutation(values)[:2])] = torch.tensor([-1.0, 1.0])
        gallery = torch.randn(options.gallery, model.width)

        def plain(model=model) -> torch.Tensor:
            with torch.no_grad():
                return model.represent(model.features(images))

        def moved(model=model, vectors=vectors) -> torch.Tensor:
            with torch.no_grad():
                return model.manipulate(model.represent(model.features(images)), vectors)

        stored = plain()

        def search(stored=stored, gallery=gallery) -> None:
            for _ in rank_by_distance(stored, gallery):
                pass

        found = seconds({"plain": plain, "manipulated": moved, "search": search}, options.repeats)
        each = {name: f"{1000 * time / len(images):.2f}" for name, time in found.items()}
        lines.append((method, model.width, each["plain"], each["manipulated"],
                      f"{found['manipulated'] / found['plain']:.3f}", "<= 1.05", each["search"]))
    report(f"{options.queries} queries of {profile.image_size} px, gallery of {options.gallery:,}", lines,
           ("method", "width", "plain ms", "manipulated ms", "ratio", "target", "search ms"))


if __name__ == "__main__":
    main()
