"""Embedding images for every attribute against one attribute: the backbone runs once an image, so both cost alike."""

import argparse

import numpy as np
from random_data import random_data
from stopwatch import report, seconds

from fashion_lib.methods.registry import METHODS, build_model
from fashion_lib.tasks.retrieval.embedding import embed_images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--size", type=int, default=96, help="side of the pictures in pixels")
    parser.add_argument("--backbone", default="small")
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16", "fp16"))
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    data = random_data(options.images, options.size)
    rows, every = np.arange(options.images), list(range(len(data.schema)))
    lines = []
    for method in options.methods.split(","):
        model = build_model(method, data.schema, backbone=options.backbone, start="random")
        found = seconds({name: lambda model=model, attributes=attributes: embed_images(
            model, data, rows, attributes, precision=options.precision)
            for name, attributes in (("all", every), ("one", every[:1]))}, options.repeats)
        target = "<= 1.3" if model.image_passes else "none (no backbone)"
        lines.append((method, *(f"{options.images / found[name]:.0f}" for name in ("one", "all")),
                      f"{found['all'] / found['one']:.2f}", target))
    report(f"embedding {options.images} images, {len(every)} attributes against 1, {options.backbone},"
           f" {options.size} px, {options.precision}", lines,
           ("method", "images/s, one", "images/s, all", "time all / one", "target"))


if __name__ == "__main__":
    main()
