"""Start weights without attribute labels: the course's substitute for ImageNet weights.

With random weights every method stays near chance inside a laptop's budget, and nothing may be downloaded. So
the small backbone first learns a pretext: a task whose labels need no annotation, chosen to give useful
features. It uses drawn pictures of another seed and no attribute label. The pretext has three parts:

- parse: predict the body part or garment piece of each pixel. It needs part masks, which only a drawn data
  set has.
- reconstruct: predict the picture itself at half its resolution.
- texture: predict the edge energy per direction in each 4 x 4 pixel cell, a histogram of oriented gradients
  (HOG). Without it the features do not distinguish patterns.

`parse=False` leaves the part masks out ("reconstruction" start). It shows how much of a localisation result
they explain.

The small transformer of a patch branch then learns the same pretext on the finished backbone, whose weights
stay. The papers start both branches from ImageNet weights.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models.vision_transformer import VisionTransformer

from fashion_lib.core.files import written_whole
from fashion_lib.core.progress import bar as progress_bar
from fashion_lib.data.augmentation import normalise
from fashion_lib.data.cache import load_or_build
from fashion_lib.data.sets.wardrobe.drawing import VERSION, Wardrobe
from fashion_lib.data.sets.wardrobe.garment_schema import PARTS
from fashion_lib.parts.backbones import PRETEXTS, build_backbone
from fashion_lib.parts.precision import autocast
from fashion_lib.parts.start_files import start_file
from fashion_lib.parts.vit import SIZES, PatchTokens
from fashion_lib.parts.vit_weights import transformer_tensors

SEED = 1_000  # seed of the pictures: the course's own wardrobe has seed 0, so no picture is shared
IMAGES, SIZE, BATCH = 16_000, 64, 64  # drawn pictures, their side in pixels, pictures per step
LEARNING_RATE = 2e-3  # the largest of the one-cycle schedule
STEPS = 4_000
PATCH_STEPS = 1_500  # the transformer learns on a backbone that is finished
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

    def __init__(self, backbone: nn.Module):
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


class PatchTransformer(nn.Module):
    """The patch branch's hybrid ViT as a backbone: its tokens as a map. Only the transformer learns.

    Args:
        start: start weights of the small backbone inside, one of PRETEXTS or "random".
    """

    def __init__(self, start: str):
        super().__init__()
        size = SIZES["hybrid"]
        self.backbone = build_backbone("small", start).requires_grad_(False).eval()
        self.vit = VisionTransformer(**size, num_classes=1)
        self.vit.conv_proj = nn.Conv2d(self.backbone.out_channels, size["hidden_dim"], 1)
        self.tokens = PatchTokens(self.vit, size["num_heads"], released=False)
        self.out_channels, self.stride = size["hidden_dim"], self.backbone.stride

    def train(self, mode: bool = True) -> "PatchTransformer":
        """Set the mode of the transformer; the backbone stays in eval mode."""
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Compute the map (B, D, h, w) of the tokens, for normalised images float32 (B, 3, H, W)."""
        with torch.no_grad():
            features = self.backbone(images)
        tokens, grid = self.tokens(features)
        return tokens.transpose(1, 2).unflatten(2, grid)

    def tensors(self) -> dict[str, Tensor]:
        """Return the transformer's tensors under the names that `load_patch_start` expects."""
        found = transformer_tensors(self.vit)
        return {key.replace("conv_proj.", "conv_proj.1."): tensor for key, tensor in found.items()}


def learn_start(backbone: nn.Module, *, parse: bool, steps: int) -> dict[str, float]:
    """Train a backbone on the pretext, in place (about 8 minutes for the small one).

    Args:
        backbone: with `stride` and `out_channels`, as Backbone has them.
        parse: whether the part masks enter the loss.
        steps: optimiser steps.

    Returns:
        The losses of the last step.
    """
    wardrobe = Wardrobe(SEED, IMAGES, SIZE)
    key = f"pretext-v{VERSION}-seed{SEED}-{SIZE}px-{IMAGES}"
    pixels = load_or_build(
        f"{key}-pictures", IMAGES, SIZE, wardrobe.images, progress="drawing the pretext's pictures"
    )
    parts = load_or_build(f"{key}-parts", IMAGES, SIZE, wardrobe.parts, progress="drawing their part masks")
    torch.manual_seed(0)
    model = PretextModel(backbone).to(memory_format=torch.channels_last).train()
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(learned, LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    losses: dict[str, float] = {}
    with progress_bar(range(steps), desc="pretext" if parse else "pretext without part masks", unit="step") as bar:
        for step in bar:
            rng = np.random.default_rng([0, step])
            rows = rng.integers(0, IMAGES, BATCH)
            mirrored = torch.from_numpy(rng.random(BATCH) < 0.5)
            batch, target = normalise(pixels[rows]), torch.from_numpy(parts[rows][..., 0]).long()
            batch = torch.where(mirrored[:, None, None, None], batch.flip(3), batch)
            batch = batch.contiguous(memory_format=torch.channels_last)
            target = torch.where(mirrored[:, None, None], target.flip(2), target)
            with autocast("bf16", "cpu"):
                loss, losses = pretext_loss(model, batch, target, parse)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            bar.set_postfix({name: f"{value:.3f}" for name, value in losses.items()}, refresh=False)
    return losses


def write_start_weights() -> list[Path]:
    """Train the start weights, write them to the folder that build_backbone and build_vit read.

    Returns:
        The files: backbone and transformer, each with and without part masks.
    """
    written = []
    for name, parse in zip(PRETEXTS, (True, False), strict=True):
        for suffix in ("", "_patch"):
            torch.manual_seed(0)
            network = PatchTransformer(name) if suffix else build_backbone("small", "random")
            losses = learn_start(network, parse=parse, steps=PATCH_STEPS if suffix else STEPS)
            facts = {"parse": parse, "wardrobe": VERSION, "seed": SEED, "last losses": losses}
            written.append(start_file(name + suffix))
            tensors = network.tensors() if suffix else network.state_dict()
            save_start(tensors, written[-1], {"pretext": json.dumps(facts)})
    return written


def save_start(tensors: dict[str, Tensor], path: Path, facts: dict[str, str]) -> None:
    """Write half-precision weights (about 1.4 MB for the small backbone, 0.6 MB for the transformer).

    Args:
        tensors: name -> trained tensor.
        path: the safetensors file; its folder is created where it does not exist.
        facts: written into the file's metadata.
    """
    weights = {
        name: tensor.half().contiguous() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
    with written_whole(path) as part:
        save_file(weights, part, metadata=facts)
