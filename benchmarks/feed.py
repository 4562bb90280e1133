"""The feed against the model's step: images per second, and the share of the time in which the model waits for them.

JPEG photographs with a long side of 512 pixels are drawn into a temporary folder, or made of those in --photographs.
Four ways give their batches to the same training steps: an array in memory, decoding inside the step, the library's
look-ahead, and a torch DataLoader with as many worker processes as the look-ahead has threads.
On CUDA the steps are also compared with the bare backbone's forward and backward pass.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from random_data import random_data
from stopwatch import report, seconds
from torch.utils.data import DataLoader, Dataset

from fashion_lib.core import threads
from fashion_lib.data.augmentation import draw_changes, normalise
from fashion_lib.data.feed import Feed, Reach, how_far
from fashion_lib.data.lazy_pixels import LazyPixels
from fashion_lib.data.picture_source import pictures
from fashion_lib.data.sampling import InBatchSampler
from fashion_lib.methods.registry import build_model
from fashion_lib.parts.precision import autocast
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training.config import TrainingConfig
from fashion_lib.training.optimiser_step import Parts, build_optimiser, training_step
from fashion_lib.training.prepared_batch import PreparedBatch, batches_ahead, prepare_batch

LONG_SIDE = 512


def make_photographs(folder: Path, count: int, source: str | None) -> list[str]:
    """Write JPEG files of 384 x 512 pixels or the shape of the source's; return their names."""
    rng, names = np.random.default_rng(0), [f"{number:05d}.jpg" for number in range(count)]
    files = sorted(Path(source).glob("*.jpg")) if source else []
    for number, name in enumerate(names):
        if files:
            picture = Image.open(files[number % len(files)]).convert("RGB")
            picture.thumbnail((LONG_SIDE, LONG_SIDE))
        else:  # large shapes and fine grain, so that a file has the size of a photograph's
            shapes = Image.fromarray(rng.integers(0, 256, (16, 12, 3), dtype=np.uint8)).resize(
                (384, LONG_SIDE)
            )
            grain = rng.normal(0, 6, (LONG_SIDE, 384, 1))
            picture = Image.fromarray((np.asarray(shapes) + grain).clip(0, 255).astype(np.uint8))
        picture.save(folder / name, quality=90)
    return names


class Photographs(Dataset):
    """What a user of DataLoader would write: one decoded picture per row."""

    def __init__(self, pixels: LazyPixels):
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, row: int) -> torch.Tensor:
        return torch.from_numpy(self.pixels[row])


class LoaderFeed:
    """A DataLoader in the place of a feed: its workers decode the rows that each step's sampler draws."""

    def __init__(
        self, sampler, pixels: LazyPixels, config: TrainingConfig, steps: range, workers: int, cuda: bool
    ):
        self.drawn, self.waited = [], 0.0
        for step in steps:
            rng = np.random.default_rng([config.seed, step])
            batch = sampler.batch(rng)
            self.drawn.append((batch, draw_changes(len(batch.images), pixels.shape[2], rng)))
        rows = [batch.images.tolist() for batch, _ in self.drawn]
        loader = DataLoader(Photographs(pixels), batch_sampler=rows, num_workers=workers, pin_memory=cuda)
        self.loaded = zip(loader, self.drawn, strict=True)

    def __enter__(self) -> "LoaderFeed":
        return self

    def __exit__(self, *_) -> None:
        del self.loaded  # ends the workers

    def __iter__(self) -> Iterator[PreparedBatch]:
        return self

    def __next__(self) -> PreparedBatch:
        start = time.perf_counter()
        read, (batch, changes) = next(self.loaded)
        self.waited += time.perf_counter() - start
        return PreparedBatch(batch, read, changes)


def peak_mib() -> float:
    """Return the largest memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    cuda = torch.cuda.is_available()
    parser.add_argument("--images", type=int, default=240)
    parser.add_argument("--photographs", help="folder of JPEG files to make the photographs of")
    parser.add_argument("--size", type=int, default=224, help="side of the pictures in pixels")
    parser.add_argument("--batch", type=int, default=96 if cuda else 12)
    parser.add_argument("--steps", type=int, default=40 if cuda else 5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--backbones", default="resnet50" if cuda else "small")
    parser.add_argument("--precision", default="bf16" if cuda else "fp32", choices=("fp32", "bf16", "fp16"))
    options = parser.parse_args()
    os.environ["FASHION_CACHE"] = tempfile.mkdtemp()  # digests of the files; nothing of the user's is touched
    device = torch.device("cuda" if cuda else "cpu")
    config = TrainingConfig(batch_size=options.batch, groups=2)
    with tempfile.TemporaryDirectory() as folder:
        names = make_photographs(Path(folder), options.images, options.photographs)
        size = sum((Path(folder) / name).stat().st_size for name in names) / len(names) / 1024
        start = time.perf_counter()
        pixels, _, _ = pictures("benchmark", Path(folder), names, options.size, way="decode")
        title = f"{options.images} JPEG files of {size:.0f} KiB, long side {LONG_SIDE} px, read as {options.size} px"
        print(f"{title}; ready after {time.perf_counter() - start:.2f} s without a cache")
        decoding_alone(pixels, options.batch, cuda)
        steps_fed(pixels, config, device, options)


def decoding_alone(pixels: LazyPixels, batch: int, cuda: bool) -> None:
    """Print the images per second of every way to decode all pictures once, with no model."""
    starts = range(0, len(pixels), batch)
    reach = how_far(pixels, batch, cuda=cuda)

    def feed(reach: Reach) -> None:
        with Feed(lambda start: pixels[start : start + batch], starts, reach) as batches:
            for _ in batches:
                pass

    def loader(workers: int) -> None:
        for _ in DataLoader(Photographs(pixels), batch_size=batch, num_workers=workers):
            pass

    ways = {"one after the other": lambda: feed(Reach())}
    before = peak_mib()
    feed(Reach(reach.count, reach.held))
    grown, bound = peak_mib() - before, (reach.held + 1) * batch * pixels[0].nbytes / 2**20
    for count in sorted({1, threads.cores()}):
        ways[f"feed, threads: {count}"] = lambda count=count: feed(Reach(count, count + 1))
        ways[f"DataLoader, processes: {count}"] = lambda count=count: loader(count)
    found = seconds(ways, 2)
    alone = found["one after the other"]
    lines = [(name, f"{len(pixels) / taken:.0f}", f"{alone / taken:.2f}") for name, taken in found.items()]
    report("decoding alone", lines, ("way", "images/s", "times one after the other"))
    print(
        f"  the library's feed here, with {threads.cores()} usable cores: {reach.count} threads hold {reach.held} "
        f"batches; with the one in use at most {bound:.0f} MiB of pixels; the process grew by {grown:.0f} MiB"
    )


def steps_fed(pixels: LazyPixels, config: TrainingConfig, device: torch.device, options) -> None:
    """Print the speed of the same training steps with their batches from each source."""
    cuda, steps = device.type == "cuda", range(options.steps)
    names = tuple(pixels.images)
    data = random_data(len(pixels), 8)
    labels = data.labels.assign(
        image=[names[data.image_names.index(image)] for image in data.labels["image"]]
    )
    data = replace(data, image_names=names, pixels=pixels, labels=labels, training_labels=labels)
    sampler = InBatchSampler(data.encoded("train"), config.batch_size, config.groups)
    in_memory, reach = pixels[:], how_far(pixels, config.batch_size, cuda=cuda)

    def prepare(step: int) -> PreparedBatch:
        return prepare_batch(sampler, pixels, config, step, device)

    feeds = {
        "array in memory": lambda: batches_ahead(sampler, in_memory, config, steps, device),
        "decoded inside the step": lambda: Feed(prepare, steps, Reach()),
        "look-ahead, 1 thread": lambda: Feed(prepare, steps, Reach(1, 2)),
        f"look-ahead, as chosen ({reach.count})": lambda: batches_ahead(
            sampler, pixels, config, steps, device
        ),
        "DataLoader": lambda: LoaderFeed(sampler, pixels, config, steps, max(1, reach.count), cuda),
    }
    ready = normalise(in_memory[prepare(0).drawn.images]).to(device)
    for backbone in options.backbones.split(","):
        for compiled in (False, True) if cuda else (False,):
            model = build_model("triplet", data.schema, backbone=backbone, start="random")
            model.to(device=device, memory_format=torch.channels_last).train()
            if compiled:
                model.backbone.compile()
            optimiser = build_optimiser(model.parameter_groups(1e-4), config)
            parts = Parts(model, optimiser, data, sampler, config, options.precision, RETRIEVAL)
            lines = timed_turns(parts, feeds, ready, steps, options.repeats)
            where = torch.cuda.get_device_name() if cuda else "not run on a GPU"
            how = f"{options.precision}, channels-last{', compiled backbone' if compiled else ''}"
            report(
                f"training step, {backbone}, {len(ready)} images of {options.size} px, {how}; {where}",
                lines,
                ("source of the batches", "images/s", "ratio", "waiting"),
            )


def timed_turns(parts: Parts, feeds: dict, ready: torch.Tensor, steps: range, repeats: int) -> list[tuple]:
    """Return a line per source: images per second, their ratio to the bare backbone's, share of the time waited."""
    shares = {}

    def bare_backbone() -> None:
        for _ in steps:
            parts.model.zero_grad(set_to_none=True)
            with autocast(parts.precision, ready.device):
                features = parts.model.backbone(ready)
            features.float().square().mean().backward()

    def fed(name: str) -> None:
        start = time.perf_counter()
        with feeds[name]() as feed:
            for step in steps:
                training_step(replace(parts, feed=feed), step)
            if ready.is_cuda:
                torch.cuda.synchronize()
            shares[name] = f"{100 * feed.waited / (time.perf_counter() - start):.1f} %"

    tasks = {"bare backbone, forward + backward": bare_backbone}
    found = seconds(tasks | {name: lambda name=name: fed(name) for name in feeds}, repeats)
    bare = found["bare backbone, forward + backward"]
    speed = {name: len(steps) * len(ready) / taken for name, taken in found.items()}
    return [
        (name, f"{speed[name]:.1f}", f"{bare / found[name]:.2f}", shares.get(name, "-")) for name in found
    ]


if __name__ == "__main__":
    main()
