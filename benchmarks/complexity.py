"""IPAD's section 4.5: parameters, floating-point operations and milliseconds an image, beside the paper's figures.

The model is the paper's: ResNet-50 up to stage 3, ViT-B/16, 224 px, eight attributes as FashionAI has. Weights are
random, since none of the figures depends on them. Operations are counted as
fashion_lib.methods.complexity does, a multiplication and an addition as two; many papers call the pair one, so both are
printed. `--train` also runs one training step of each stage, on a GPU where there is one.
"""

import argparse
import time

import torch
from stopwatch import report, seconds

from fashion_lib.methods.base import BatchLabels
from fashion_lib.methods.complexity import buffer_count, operation_count, parameter_count
from fashion_lib.methods.registry import build_model
from fashion_lib.methods.two_branch import TwoBranchModel
from fashion_lib.papers.ipad_tables import READING
from fashion_lib.papers.published import fashionai_schema, published
from fashion_lib.training.device import training_device

SIDE = 224


def pictures(model, count: int, device: torch.device) -> torch.Tensor:
    side = SIDE * model.image_scale
    return torch.randn(count, 3, side, side, device=device).to(memory_format=torch.channels_last)


def inference(model: TwoBranchModel, repeats: int) -> dict[str, tuple[float, float]]:
    """Part -> (10^9 operations, ms) for one image and one attribute; the two branches add up to the whole."""
    device = next(model.parameters()).device
    image, attribute = pictures(model, 1, device), torch.zeros(1, dtype=torch.int64, device=device)
    with torch.no_grad():
        features = model.features(image)
        located = model.locate(features.region, attribute)
        crops, _ = model.cut(features.pictures, located)
        tasks = {
            "region branch, once an image": lambda: model.features(image),
            "region branch, each attribute": lambda: model.locate(features.region, attribute),
            "crop, each attribute": lambda: model.cut(features.pictures, located),
            "patch branch, each attribute": lambda: model.describe(crops, attribute),
            "all, one attribute": lambda: model.embed(image, attribute),
        }
        times = seconds(tasks, repeats)
    return {name: (operation_count(task) / 1e9, 1000 * times[name]) for name, task in tasks.items()}


def parameters(model: TwoBranchModel) -> list[tuple[str, str]]:
    """What holds how many parameters, in millions; buffers (momentum encoders, queues) are not trained."""
    millions = {"region branch": model.region, "of which backbone": model.region.backbone, "patch branch": model.patch}
    millions |= {"classifier of values": model.values, "layers that are never used": model.unused}  # variant "code"
    lines = [(name, parameter_count(part) / 1e6) for name, part in millions.items() if part is not None]
    lines.append(("attribute embedding", parameter_count(model.attribute) / 1e6))
    lines.append(("all, trained", parameter_count(model) / 1e6))
    slow = buffer_count(model.slow) / 1e6
    lines.append(("momentum encoders (training only)", slow))
    lines.append(("queues and centres (training only)", buffer_count(model.diverging) / 1e6))
    return [(name, f"{value:.2f}") for name, value in lines]


def training_steps(model: TwoBranchModel, triplets: int) -> list[tuple]:
    """One optimiser step of each stage, and one more with the total loss: loss, seconds, and the loss's terms."""
    device, optimiser, lines = next(model.parameters()).device, torch.optim.Adam(model.parameters(), 1e-4), []
    rows = torch.arange(3 * triplets, device=device)  # anchors, positives, negatives
    values = torch.tensor([0, 0, 1], device=device).repeat_interleave(triplets)
    labels = BatchLabels(rows, rows, torch.zeros_like(rows), values, rows.view(3, triplets).T)
    # With queues of length 1, told that only these values exist, L_total follows the first batch of L_warm.
    model.diverging.expect(labels.attributes.repeat(2), values.repeat(2))
    model.train()
    model.steps.fill_(2)  # first_stage is a half: one step each
    for stage in ("stage 1 (eq. 14)", "stage 2, L_warm (eq. 18)", "stage 2, L_total (eq. 20)"):
        start = time.perf_counter()
        optimiser.zero_grad()
        loss, figures = model.training_loss(model.features(pictures(model, len(rows), device)), labels, 0.2)
        loss.backward()
        optimiser.step()
        model.after_step()
        terms = {name: round(value, 3) for name, value in figures.items()}
        lines.append((stage, f"{loss.item():.3f}", f"{time.perf_counter() - start:.1f}", terms))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", default="paper", choices=("paper", "code"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--train", action="store_true", help="also one training step of each stage")
    parser.add_argument("--triplets", type=int, default=2, help="in a training step; three images each (%(default)s)")
    options = parser.parse_args()
    device = training_device("auto")
    sizes = {"backbone": "resnet50", "start": "random", "variant": options.variant}
    sizes |= READING if options.variant == "paper" else {}  # as the course goes on
    model = build_model("ipad", fashionai_schema(), **sizes).to(device, memory_format=torch.channels_last).eval()
    printed = published(source="ipad", table="4.5").set_index("metric")["value"]
    lines = [*parameters(model), ("the paper", f"{printed['parameters_M']:.0f}")]
    report("parameters, in millions", lines, ("part", "10^6"))
    found = inference(model, options.repeats)
    lines = [(name, f"{flops:.2f}", f"{flops / 2:.2f}", f"{ms:.0f}") for name, (flops, ms) in found.items()]
    gflops, paper_ms = (f"{printed[name]:g}" for name in ("gflops_per_image", "ms_per_image_rtx3090"))
    lines.append(("the paper (RTX 3090)", gflops, gflops, paper_ms))
    header = ("part", "10^9 additions and multiplications", "10^9 pairs", "ms")
    report(f"one image of {SIDE} px on {device}", lines, header)
    if options.train:
        model = build_model("ipad", fashionai_schema(), **sizes, queue_length=1)
        model = model.to(device, memory_format=torch.channels_last)
        report(
            f"training steps with {options.triplets} triplets, pictures of {SIDE * model.image_scale} px on {device}",
            training_steps(model, options.triplets),
            ("stage", "loss", "seconds", "terms"),
        )
    if device.type == "cuda":
        print(f"peak GPU memory: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")


if __name__ == "__main__":
    main()
