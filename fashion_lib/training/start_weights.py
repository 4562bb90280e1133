"""Start weights without attribute labels: the course's substitute for ImageNet weights.

With random weights every method stays near chance inside a laptop's budget, and nothing may be downloaded. So
the small backbone first learns a pretext: a task whose labels need no annotation, chosen to give useful
features. It uses drawn pictures of another seed and no attribute label. The pretext has three parts:

- parse: predict the body part or garment piece of each pixel. It needs part masks, which only a drawn data
  set has.
- reconstruct: predict the picture itself at half its resolution.
- texture: predict the edge energy per direction in each 4 x 4 pixel cell, a histogram of oriented gradients
  (HOG). Without it the features do not distinguish patterns.

`parse=False` leaves the part masks out ("reconstruction" start). It shows how much of a localisation figure
they explain.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from fashion_lib.core import paths
from fashion_lib.core.files import written_whole
from fashion_lib.core.progress import bar as progress_bar
from fashion_lib.data.augmentation import normalise
from fashion_lib.data.cache import load_or_build
from fashion_lib.data.sets.wardrobe.drawing import VERSION, Wardrobe
from fashion_lib.data.sets.wardrobe.garment_schema import PARTS
from fashion_lib.parts.backbones import Backbone, build_backbone
from fashion_lib.parts.precision import autocast

SEED = 1_000  # seed of the pictures: the course's own wardrobe has seed 0, so no picture is shared
ORIENTATIONS = 6
LUMINANCE = (0.3, 0.59, 0.11)


def oriented_energy(images: Tensor, cell: int = 4) -> Tensor:
    """Compute the strength of the edges per direction and cell.

    This is the target of Dalal and Triggs' HOG, without its block normalisation.

    Args:
        images: float32 (B, 3, S, S).
        cell: side of a cell, in pixels.

    Returns:
        float32 (B, ORIENTATIONS, S / cell, S / cell). The square root is taken, so that a few strong edges do
        not dominate the loss.
    """
    grey = (images * images.new_tensor(LUMINANCE).view(1, 3, 1, 1)).sum(1, keepdim=True)
    dx, dy = (
        F.pad(grey[..., 2:] - grey[..., :-2], (1, 1)),
        F.pad(grey[..., 2:, :] - grey[..., :-2, :], (0, 0, 1, 1)),
    )
    strength, angle = (dx * dx + dy * dy).sqrt(), torch.atan2(dy, dx) % math.pi
    bins = torch.arange(ORIENTATIONS, device=images.device).view(1, -1, 1, 1) * (math.pi / ORIENTATIONS)
    distance = (angle - bins).abs()
    distance = torch.minimum(distance, math.pi - distance)
    share = (1 - distance * (ORIENTATIONS / math.pi)).clamp(min=0)  # linear between neighbouring directions
    return F.avg_pool2d(strength * share, cell).sqrt()


class PretextModel(nn.Module):
    """The backbone with one linear output layer per position.

    The layers predict parts and picture at half, texture at a quarter of the input's resolution.
    """

    def __init__(self, backbone: Backbone):
        super().__init__()
        self.backbone = backbone
        self.fine, self.coarse = backbone.stride // 2, backbone.stride // 4
        self.read_fine = nn.Conv2d(backbone.out_channels, (len(PARTS) + 3) * self.fine**2, 1)
        self.read_coarse = nn.Conv2d(backbone.out_channels, ORIENTATIONS * self.coarse**2, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Predict the three targets of the pretext.

        Args:
            images: float32 (B, 3, S, S), normalised.

        Returns:
            Logits of the parts (B, P, S/2, S/2), the picture (B, 3, S/2, S/2), the texture (B, ORIENTATIONS,
            S/4, S/4).
        """
        features = self.backbone(images)
        fine = F.pixel_shuffle(self.read_fine(features), self.fine).float()
        texture = F.pixel_shuffle(self.read_coarse(features), self.coarse).float()
        return fine[:, : len(PARTS)], fine[:, len(PARTS) :], texture


def pretext_loss(
    model: PretextModel, images: Tensor, parts: Tensor, parse: bool
) -> tuple[Tensor, dict[str, float]]:
    """Compute the sum of the weighted losses, and each of them.

    Args:
        model: the model to train.
        images: float32 (B, 3, S, S), normalised.
        parts: int64 (B, S, S), indices into PARTS.
        parse: whether the part masks enter the loss.

    Returns:
        The sum, and a mapping from the name of each loss to its value.
    """
    predicted_parts, picture, texture = model(images)
    losses = {
        "reconstruct": 3
        * F.smooth_l1_loss(picture, F.avg_pool2d(images, 2)),  # x3: colour is in no other term
        "texture": F.smooth_l1_loss(texture, oriented_energy(images)),
    }
    if parse:
        losses["parse"] = F.cross_entropy(predicted_parts, parts[:, ::2, ::2])
    return sum(losses.values()), {name: loss.item() for name, loss in losses.items()}


def learn_start(
    *,
    parse=True,
    steps=4_000,
    batch_size=64,
    images=16_000,
    size=96,
    learning_rate=2e-3,
    precision="bf16",
    seed=0,
) -> tuple[Backbone, dict[str, float]]:
    """Train the small backbone on the pretext (about 10 minutes).

    Args:
        parse: whether the part masks enter the loss.
        steps: optimiser steps.
        batch_size: images per batch.
        images: number of drawn pictures.
        size: side of the pictures, in pixels.
        learning_rate: largest learning rate of the one-cycle schedule.
        precision: see fashion_lib.parts.precision.
        seed: decides the initial weights and the batches.

    Returns:
        The backbone, and the losses of the last step.
    """
    wardrobe = Wardrobe(SEED, images, size)
    key = f"pretext-v{VERSION}-seed{SEED}-{size}px-{images}"
    pixels = load_or_build(
        f"{key}-pictures", images, size, wardrobe.images, progress="drawing the pretext's pictures"
    )
    parts = load_or_build(f"{key}-parts", images, size, wardrobe.parts, progress="drawing their part masks")
    torch.manual_seed(seed)
    model = PretextModel(build_backbone("small", "random")).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), learning_rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps, pct_start=0.1)
    losses: dict[str, float] = {}
    with progress_bar(range(steps), desc="pretext" if parse else "pretext without part masks", unit="step") as bar:
        for step in bar:
            rng = np.random.default_rng([seed, step])
            rows = rng.integers(0, images, batch_size)
            mirrored = torch.from_numpy(rng.random(batch_size) < 0.5)
            batch, target = normalise(pixels[rows]), torch.from_numpy(parts[rows][..., 0]).long()
            batch = torch.where(mirrored[:, None, None, None], batch.flip(3), batch)
            batch = batch.contiguous(memory_format=torch.channels_last)
            target = torch.where(mirrored[:, None, None], target.flip(2), target)
            with autocast(precision, "cpu"):
                loss, losses = pretext_loss(model, batch, target, parse)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            bar.set_postfix({name: f"{value:.3f}" for name, value in losses.items()}, refresh=False)
    return model.backbone, losses


def write_start_weights() -> list[Path]:
    """Train both start weights, write them to the folder that build_backbone reads, and return the files."""
    written = []
    for name, parse in (("pretext", True), ("reconstruction", False)):
        backbone, losses = learn_start(parse=parse)
        facts = {"pretext": json.dumps({"parse": parse, "wardrobe": VERSION, "seed": SEED, "last losses": losses})}
        written.append(paths.weights_dir() / f"start_{name}.safetensors")
        save_start(backbone, written[-1], facts)
    return written


def save_start(backbone: Backbone, path: Path, facts: dict[str, str]) -> None:
    """Write half-precision weights (about 1.4 MB for the small backbone).

    Args:
        backbone: the trained backbone.
        path: the safetensors file; its folder is created where it does not exist.
        facts: written into the file's metadata.
    """
    weights = {
        name: tensor.half().contiguous() if tensor.is_floating_point() else tensor
        for name, tensor in backbone.state_dict().items()
    }
    with written_whole(path) as part:
        save_file(weights, part, metadata=facts)
