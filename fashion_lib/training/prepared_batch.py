"""The batch of a training step before it reaches the model's device: drawn, its pixels read, its changes drawn."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fashion_lib.data.augmentation import Changes, apply_changes, draw_changes, normalise, pixel_tensor
from fashion_lib.data.feed import Feed, for_device, how_far, to_device
from fashion_lib.parts.collectives import own_rows
from fashion_lib.training.config import TrainingConfig


@dataclass(frozen=True, eq=False)
class PreparedBatch:
    """What step k computes with, a pure function of (config.seed, k).

    Attributes:
        drawn: the sampler's batch, of all ranks together.
        pixels: uint8 (M, S, S, 3) on the CPU, pinned for CUDA. With several ranks, M is the number of own rows.
        changes: what augmentation does to the M images.
    """

    drawn: Any
    pixels: Tensor
    changes: Changes

    def network_input(self, device: torch.device) -> Tensor:
        """Return the augmented images on the device, float32 (M, 3, S, S); three bytes per pixel are copied there."""
        return normalise(apply_changes(to_device(self.pixels, device), self.changes))


def prepare_batch(sampler, pixels, config: TrainingConfig, step: int, device: torch.device) -> PreparedBatch:
    """Draw the batch of a step and read its pictures; nothing outside the arguments matters.

    Args:
        sampler: its `batch(rng)` is a pure function of the generator.
        pixels: uint8 (N, S, S, 3), or LazyPixels.
        config: seed and augmentation.
        step: number of steps taken before this one.
        device: of the model.
    """
    rng = np.random.default_rng([config.seed, step])
    drawn = sampler.batch(rng)
    rows = own_rows(len(drawn.images))  # all of them, unless several processes share the batch
    changes = draw_changes(
        len(drawn.images),
        pixels.shape[2],
        rng,
        shift=config.shift,
        brightness=config.brightness,
        flip=config.flip,
    )
    changes = Changes(*(part[rows] for part in (changes.down, changes.right, changes.mirrored, changes.gain)))
    return PreparedBatch(drawn, for_device(pixel_tensor(pixels[drawn.images[rows]]), device), changes)


def batches_ahead(
    sampler, pixels, config: TrainingConfig, steps: Iterable[int], device: torch.device
) -> Feed[int, PreparedBatch]:
    """Return a feed of the prepared batches of some steps. The arguments are those of `prepare_batch`."""

    def prepare(step: int) -> PreparedBatch:
        return prepare_batch(sampler, pixels, config, step, device)

    return Feed(prepare, steps, how_far(pixels, config.batch_size, cuda=device.type == "cuda"))
